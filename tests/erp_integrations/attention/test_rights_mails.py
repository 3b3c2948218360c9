"""Who is mailed when the right to commit money changes: in the transaction of the change, and always."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from directory import approvers, reviewing, services
from directory.models import Company, CompanyMembership, Level, User
from erp_integrations.attention import rights_mails
from notifications.models import Kind, OutgoingEmail, Subscription
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ErpAdminFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return CompanyFactory(name="Keystone")


@pytest.fixture
def staff(company: Company) -> User:
    person: User = PrivilegeAdminFactory(last_name="Granter")
    join_company(person, company)
    return person


@pytest.fixture
def admin(company: Company) -> User:
    return ErpAdminFactory(company=company)


@pytest.fixture
def viewer(company: Company) -> CompanyMembership:
    return ViewerFactory(company=company, last_name="Viewer").company_memberships.get()


def told() -> set[str]:
    """The addresses of the mails about rights."""
    return set(OutgoingEmail.objects.filter(kind=Kind.RIGHTS).values_list("to_address", flat=True))


def test_a_grant_is_mailed_with_who_why_and_what_it_gives(
    staff: User, admin: User, viewer: CompanyMembership
) -> None:
    services.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    mail = OutgoingEmail.objects.get()
    assert mail.to_address == admin.email
    assert mail.subject == "Can Push to Accounting granted to Robin Viewer at Keystone"
    for body in (mail.text_body, mail.html_body):
        assert "New controller." in body
        assert "Robin Granter" in body
        assert "may accept commitments for export" in body
        assert f"/companies/{viewer.company.slug}/erp-integrations/approvers/" in body


def test_a_grant_without_a_level_says_that_it_gives_nothing(staff: User, admin: User) -> None:
    company = admin.company_memberships.get().company
    membership = join_company(PersonFactory(), company)
    services.grant_push_to_accounting(membership=membership, by=staff, reason="Soon.")
    assert "nothing yet" in OutgoingEmail.objects.get().text_body


def test_a_revocation_is_mailed(staff: User, admin: User, viewer: CompanyMembership) -> None:
    services.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
    services.revoke_push_to_accounting(membership=viewer, by=staff, reason="Out.")
    mail = OutgoingEmail.objects.latest("pk")
    assert (mail.subject, "> Out." in mail.text_body) == (
        "Can Push to Accounting revoked from Robin Viewer at Keystone",
        True,
    )


def test_taking_out_whoever_holds_it_is_mailed_and_whoever_does_not_is_not(
    staff: User, admin: User, company: Company, viewer: CompanyMembership
) -> None:
    services.remove_company_membership(membership=viewer, by=staff)
    assert not told()
    approver = ApproverFactory(company=company).company_memberships.get()
    services.remove_company_membership(membership=approver, by=staff)
    assert "was taken out of the Company Directory" in OutgoingEmail.objects.get().text_body


def test_lifting_the_own_decision_rule_is_mailed(admin: User, company: Company) -> None:
    root = User.objects.create_superuser("root@example.test")
    services.set_own_decision_rule(company=company, by=root, allows=True, reason="Two people in all.")
    services.set_own_decision_rule(company=company, by=root, allows=False, reason="Three by now.")
    lifted, restored = OutgoingEmail.objects.order_by("pk")
    assert "may decide on their own commitments" in lifted.subject
    assert "Two people in all." in lifted.text_body
    assert "no longer decide" in restored.subject


def test_lifting_the_rule_on_two_steps_is_mailed(admin: User, company: Company) -> None:
    root = User.objects.create_superuser("root@example.test")
    services.set_two_step_rule(company=company, by=root, required=True, reason="Phones for all.")
    services.set_two_step_rule(company=company, by=root, required=False, reason="No phones on site.")
    required, lifted = OutgoingEmail.objects.order_by("pk")
    assert lifted.subject == "Approvers need no two-step verification any more at Keystone"
    assert "No phones on site." in lifted.text_body
    assert required.subject == "Approvers must use two-step verification at Keystone"


def test_a_level_that_gives_the_privilege_its_effect_is_mailed(
    staff: User, admin: User, company: Company
) -> None:
    membership = join_company(PersonFactory(last_name="Later"), company)
    services.grant_push_to_accounting(membership=membership, by=staff, reason="Soon.")
    granted = OutgoingEmail.objects.get().pk

    def change(**levels: str) -> None:
        for name, level in levels.items():
            setattr(membership, name, level)
        services.save_levels(membership=membership, by=staff)

    change(directory_level=Level.READ_ONLY)
    assert OutgoingEmail.objects.latest("pk").pk == granted
    change(erp_integrations_level=Level.STANDARD)
    may = OutgoingEmail.objects.latest("pk")
    assert may.subject == "Robin Later may push to accounting at Keystone"
    assert "commitments may be accepted for export" in may.text_body
    change(erp_integrations_level=Level.READ_ONLY)
    assert "may not push to accounting" in OutgoingEmail.objects.latest("pk").subject


def test_a_level_of_whoever_does_not_hold_it_is_not(staff: User, viewer: CompanyMembership) -> None:
    viewer.erp_integrations_level = Level.ADMIN
    services.save_levels(membership=viewer, by=staff)
    assert not told()


def test_the_mail_is_undone_with_the_grant(staff: User, admin: User, viewer: CompanyMembership) -> None:
    with transaction.atomic():
        services.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
        assert told() == {admin.email}
        transaction.set_rollback(True)
    assert not told()


def test_every_administrator_of_the_company_is_told_and_nobody_else(
    staff: User, admin: User, company: Company, viewer: CompanyMembership
) -> None:
    directory_admin: User = PersonFactory()
    join_company(directory_admin, company, directory_level=Level.ADMIN)
    ErpAdminFactory(company=company, is_active=False)
    ErpAdminFactory()
    services.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    assert told() == {admin.email, directory_admin.email}


def test_where_nobody_is_administrator_the_approvers_are_told(
    staff: User, company: Company, viewer: CompanyMembership
) -> None:
    approver: User = ApproverFactory(company=company)
    services.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    assert approver.email in told()


def test_nobody_can_switch_it_off(admin: User) -> None:
    with pytest.raises(IntegrityError, match="some_mails_are_always_sent"):
        Subscription.objects.create(user=admin, kind=Kind.RIGHTS, wanted=False)


def test_whom_a_review_flags_is_told_to_those_who_can_revoke(
    staff: User, admin: User, company: Company, viewer: CompanyMembership
) -> None:
    services.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
    OutgoingEmail.objects.all().delete()
    seen = approvers.roll_of(company).seen_hash
    reviewing.review_approvers(
        company=company, by=admin, seen_hash=seen, flagged=[viewer.user_id], reason="Moved to purchasing."
    )
    assert told() == {admin.email, staff.email}
    mail = OutgoingEmail.objects.get(to_address=staff.email)
    assert "Moved to purchasing." in mail.text_body
    assert "Robin Viewer" in mail.text_body
    assert "/admin/directory/companymembership/?company__id__exact=" in mail.text_body


class TestReminder:
    def test_an_overdue_review_is_mailed_once(
        self, staff: User, admin: User, viewer: CompanyMembership
    ) -> None:
        services.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
        assert rights_mails.remind_of_reviews() == 0
        with time_machine.travel(timezone.now() + timedelta(days=93), tick=False):
            assert rights_mails.remind_of_reviews() == 1
            assert rights_mails.remind_of_reviews() == 0
        mail = OutgoingEmail.objects.latest("pk")
        assert (mail.to_address, mail.subject) == (
            admin.email,
            "Confirm who may push to accounting at Keystone",
        )

    def test_the_next_quarter_is_mailed_again(
        self, staff: User, admin: User, viewer: CompanyMembership
    ) -> None:
        services.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
        with time_machine.travel(timezone.now() + timedelta(days=93), tick=False):
            assert rights_mails.remind_of_reviews() == 1
            seen = approvers.roll_of(viewer.company).seen_hash
        reviewing.review_approvers(company=viewer.company, by=admin, seen_hash=seen)
        assert rights_mails.remind_of_reviews() == 0
        with time_machine.travel(timezone.now() + timedelta(days=93), tick=False):
            assert rights_mails.remind_of_reviews() == 1
