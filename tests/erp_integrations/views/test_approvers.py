"""The page "Who may push to accounting": who sees what, and how a review is recorded."""

import re
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, HistoryEntry, Level, User
from directory.rights import memberships
from tests.clients import signed_in
from tests.factories import (
    CompanyFactory,
    ErpAdminFactory,
    MemberFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return CompanyFactory()


@pytest.fixture
def staff() -> User:
    return PrivilegeAdminFactory(last_name="Granter")


@pytest.fixture
def approver(company: Company, staff: User) -> CompanyMembership:
    membership: CompanyMembership = ViewerFactory(company=company, last_name="Cash").company_memberships.get()
    memberships.grant_push_to_accounting(membership=membership, by=staff, reason="Controller of the branch.")
    return membership


@pytest.fixture
def admin(company: Company) -> Client:
    return signed_in(ErpAdminFactory(company=company))


def address(company: Company) -> str:
    return f"/companies/{company.slug}/erp-integrations/approvers/"


def page(client: Client, company: Company) -> str:
    return client.get(address(company)).content.decode()


def seen(client: Client, company: Company) -> str:
    found = re.search(r'name="expected_hash"\s+value="([0-9a-f]{64})"', page(client, company))
    assert found is not None
    return found[1]


def test_it_shows_who_since_when_by_whom_why_and_with_which_effect(
    company: Company, approver: CompanyMembership, admin: Client
) -> None:
    html = page(admin, company)
    for words in ("Robin Cash", approver.user.email, "by Robin Granter", "Controller of the branch."):
        assert words in html
    assert "Can accept, reject and export" in html
    assert "Nobody decides on what they created or sent" in html


def test_it_shows_the_last_decision(company: Company, approver: CompanyMembership, admin: Client) -> None:
    decided = SubmissionFactory(company=company, rejected=True)
    type(decided).objects.filter(pk=decided.pk).update(decided_by=approver.user)
    assert decided.decided_at
    in_their_zone = decided.decided_at.astimezone(ZoneInfo(PersonFactory.build().time_zone))
    assert f"{in_their_zone:%-d %b %Y}" in page(admin, company)


def test_a_viewer_sees_the_list_without_sign_ins_and_without_the_form(
    company: Company, approver: CompanyMembership
) -> None:
    html = page(signed_in(ViewerFactory(company=company)), company)
    assert "Robin Cash" in html
    assert "Last sign-in" not in html
    assert "Record this review" not in html


def test_who_has_no_level_does_not_see_it_and_a_directory_admin_does(
    company: Company, approver: CompanyMembership
) -> None:
    member: User = MemberFactory(company=company)
    assert signed_in(member).get(address(company)).status_code == 403
    join_company(member, company, directory_level=Level.ADMIN)
    answer = signed_in(member).get(address(company))
    assert answer.status_code == 200
    assert "Record this review" in answer.content.decode()


def test_a_stranger_finds_nothing(company: Company) -> None:
    assert signed_in(ErpAdminFactory()).get(address(company)).status_code == 404
    assert signed_in(PersonFactory()).post(address(company)).status_code == 404


def test_a_suspension_shows_since_when_why_and_who_can_grant_it_again(
    company: Company, approver: CompanyMembership, staff: User, admin: Client
) -> None:
    join_company(staff, company)
    memberships.suspend_push_to_accounting(
        person=approver.user, by=None, reason="The e-mail address of the account was changed."
    )
    html = page(admin, company)
    assert "The e-mail address of the account was changed." in html
    assert "by Robin Granter" in html
    assert 'id="suspended-title"' in html


def test_what_stood_at_the_upgrade_is_listed_for_confirmation_and_says_why(
    company: Company, approver: CompanyMembership, admin: Client
) -> None:
    history.record(
        event=DirectoryEvent.APPROVERS_CONFIRMATION_ASKED, subject=company, by=None, company=company
    )
    assert "Since the last upgrade of Ledgergate" in page(admin, company)
    admin.post(address(company), {"expected_hash": seen(admin, company)})
    assert "Since the last upgrade of Ledgergate" not in page(admin, company)


def test_confirming(company: Company, approver: CompanyMembership, admin: Client) -> None:
    answer = admin.post(address(company), {"expected_hash": seen(admin, company)}, follow=True)
    assert "the list is confirmed" in answer.content.decode()
    entry = HistoryEntry.objects.get(event="approvers.confirmed")
    assert entry.detail["kept"] == [approver.user_id]


def test_flagging(company: Company, approver: CompanyMembership, admin: Client) -> None:
    posted = {
        "expected_hash": seen(admin, company),
        "flagged": [str(approver.user_id)],
        "reason": "Moved to purchasing.",
    }
    html = admin.post(address(company), posted, follow=True).content.decode()
    assert "To be revoked" in html
    assert "Moved to purchasing." in html
    assert HistoryEntry.objects.get(event="approvers.flagged").detail["flagged"] == [approver.user_id]


def test_flagging_without_a_reason_asks_for_one_and_keeps_the_tick(
    company: Company, approver: CompanyMembership, admin: Client
) -> None:
    posted = {"expected_hash": seen(admin, company), "flagged": [str(approver.user_id)]}
    answer = admin.post(address(company), posted)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "Say why they should no longer have it." in html
    assert re.search(rf'value="{approver.user_id}"[^>]*checked', html)


def test_a_list_that_changed_meanwhile_is_shown_again_and_nothing_is_recorded(
    company: Company, approver: CompanyMembership, admin: Client, staff: User
) -> None:
    hash_before = seen(admin, company)
    memberships.revoke_push_to_accounting(membership=approver, by=staff, reason="Left.")
    answer = admin.post(address(company), {"expected_hash": hash_before})
    assert answer.status_code == 409
    assert "The list has changed since you opened it" in answer.content.decode()
    assert not HistoryEntry.objects.filter(event__startswith="approvers.").exists()


def test_what_was_typed_and_ticked_stays_when_the_list_has_changed(
    company: Company, approver: CompanyMembership, admin: Client
) -> None:
    posted = {"expected_hash": "0" * 64, "flagged": [str(approver.user_id)], "reason": "Moved to purchasing."}
    answer = admin.post(address(company), posted)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "Moved to purchasing." in html
    assert re.search(rf'value="{approver.user_id}"[^>]*checked', html)


@pytest.mark.parametrize("posted", [{}, {"expected_hash": "x" * 65}, {"expected_hash": "", "flagged": "abc"}])
def test_what_no_page_sends_records_nothing(
    company: Company, approver: CompanyMembership, admin: Client, posted: dict[str, str]
) -> None:
    assert admin.post(address(company), posted).status_code in (409, 422)
    assert not HistoryEntry.objects.filter(event__startswith="approvers.").exists()


def test_an_approver_who_is_admin_is_told_that_another_must_confirm(
    company: Company, approver: CompanyMembership
) -> None:
    CompanyMembership.objects.filter(pk=approver.pk).update(erp_integrations_level=Level.ADMIN)
    client = signed_in(approver.user)
    html = page(client, company)
    assert "another administrator must confirm this list" in html
    assert "Record this review" not in html
    hash_now = seen(signed_in(ErpAdminFactory(company=company)), company)
    assert client.post(address(company), {"expected_hash": hash_now}).status_code == 403


def test_a_viewers_forged_review_is_refused_and_remembered(
    company: Company, approver: CompanyMembership
) -> None:
    client = signed_in(ViewerFactory(company=company))
    assert client.post(address(company), {"expected_hash": "0" * 64}).status_code == 403
    assert HistoryEntry.objects.filter(event="right.refused").exists()


def test_a_privilege_that_nobody_granted_is_called_out(company: Company, admin: Client) -> None:
    MemberFactory(company=company, erp_integrations_level=Level.STANDARD, can_push_to_accounting=True)
    html = page(admin, company)
    assert "No grant in the history" in html
    assert "This list needs to be confirmed" in html


def test_its_queries_do_not_grow(company: Company, staff: User, admin: Client) -> None:
    def counted() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(admin, company)
        return len(queries)

    numbers = set()
    for _ in range(3):
        member = ViewerFactory(company=company).company_memberships.get()
        memberships.grant_push_to_accounting(membership=member, by=staff, reason="So.")
        numbers.add(counted())
    assert len(numbers) == 1
