"""Approvers must use two-step verification: where a company says so, they look and don't decide."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from directory.models import Company, HistoryEntry, User
from directory.rights import memberships
from directory.rights.memberships import DirectoryError
from directory.rights.permissions import TwoStepMissing, can_push_to_accounting, require_push_to_accounting
from erp_integrations.models import ExportJob, Submission
from tests.clients import signed_in
from tests.directory.signing_in import turn_on_two_step
from tests.factories import (
    ApproverFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission() -> Submission:
    """Of a company with the rule."""
    submission: Submission = SubmissionFactory()
    Company.objects.update(requires_two_step=True)
    submission.refresh_from_db()
    return submission


@pytest.fixture
def approver(submission: Submission) -> User:
    person: User = ApproverFactory(company=submission.company)
    return person


def base(submission: Submission) -> str:
    return f"/companies/{submission.company.slug}/erp-integrations/commitments/"


def test_a_company_has_the_rule_unless_told_otherwise() -> None:
    assert Company(name="New", slug="new").requires_two_step


def test_the_right_is_there_when_two_steps_are(submission: Submission, approver: User) -> None:
    assert not can_push_to_accounting(approver, submission.company)
    with pytest.raises(TwoStepMissing, match="requires two-step verification"):
        require_push_to_accounting(approver, submission.company)
    turn_on_two_step(approver)
    assert can_push_to_accounting(approver, submission.company)
    require_push_to_accounting(approver, submission.company)


def test_pages_say_so_and_lead_to_the_way_out(submission: Submission, approver: User) -> None:
    client = signed_in(approver)
    for address in (f"{base(submission)}?view=ready-to-export", f"{base(submission)}{submission.pk}/"):
        answer = client.get(address)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Set up two-step verification to decide" in page
        assert 'href="/accounts/two-step/"' in page
        assert "/accept/" not in page
    turn_on_two_step(approver)
    page = client.get(f"{base(submission)}{submission.pk}/").content.decode()
    assert "Set up two-step verification" not in page
    assert "/accept/" in page


@pytest.mark.parametrize("decision", ["accept", "reject"])
def test_a_forged_decision_is_refused_and_in_the_history(
    submission: Submission, approver: User, decision: str
) -> None:
    client = signed_in(approver)
    answer = client.post(f"{base(submission)}{submission.pk}/{decision}/", {"reason": "x", "erp_id": "A"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert 'href="/accounts/two-step/"' in page
    assert "ask your company's administrator" not in page
    assert not ExportJob.objects.exists()
    submission.refresh_from_db()
    assert submission.status == "awaiting"
    assert HistoryEntry.objects.about(approver).get().event == "right.refused"


def test_who_may_only_look_is_told_what_they_were_told_before(submission: Submission) -> None:
    viewer = ViewerFactory(company=submission.company)
    page = signed_in(viewer).get(base(submission)).content.decode()
    assert "To accept or reject, you need" in page
    assert "two-step" not in page.split("<main")[1]


def test_an_approver_does_not_turn_it_off(approver: User) -> None:
    turn_on_two_step(approver)
    client = signed_in(approver)
    assert "It must stay on" in client.get("/accounts/two-step/totp/deactivate/").content.decode()
    client.post("/accounts/two-step/totp/deactivate/")
    assert approver.authenticator_set.filter(type="totp").exists()  # type: ignore[attr-defined]  # allauth's


class TestChangingTheRule:
    @pytest.fixture
    def staff(self, submission: Submission) -> User:
        person: User = PrivilegeAdminFactory()
        join_company(person, submission.company)
        person.user_permissions.set(Permission.objects.filter(codename="change_company"))
        return person

    def post(self, person: User, company: Company, **more: str) -> str:
        posted = {"name": company.name, "slug": company.slug, "currency": "USD", **more}
        answer = signed_in(person).post(f"/admin/directory/company/{company.pk}/change/", posted)
        return answer.content.decode()

    def test_it_takes_the_permission(self, staff: User, submission: Submission) -> None:
        self.post(staff, submission.company, reason="No phones.")
        assert Company.objects.get().requires_two_step
        with pytest.raises(DirectoryError, match="permission"):
            memberships.set_company_rule(
                company=submission.company,
                by=staff,
                column="requires_two_step",
                value=False,
                reason="No phones.",
            )

    def test_the_permission_is_nothing_without_being_staff(self, submission: Submission) -> None:
        person = PersonFactory()
        person.user_permissions.add(Permission.objects.get(codename="set_two_step_rule"))
        with pytest.raises(DirectoryError, match="permission"):
            memberships.set_company_rule(
                company=submission.company, by=person, column="requires_two_step", value=False, reason="No."
            )

    def test_it_takes_a_reason_and_is_in_the_history(self, staff: User, submission: Submission) -> None:
        staff.user_permissions.add(Permission.objects.get(codename="set_two_step_rule"))
        assert "Give a reason" in self.post(staff, submission.company)
        assert Company.objects.get().requires_two_step
        self.post(staff, submission.company, reason="No phones.")
        assert not Company.objects.get().requires_two_step
        entry = HistoryEntry.objects.about(submission.company).get()
        assert (entry.event, entry.by_id, entry.detail) == (
            "two_step_rule.lifted",
            staff.pk,
            {"reason": "No phones."},
        )

    def test_a_new_company_has_it(self) -> None:
        root = User.objects.create_superuser("root@example.test")
        posted = {"name": "New", "slug": "new", "currency": "USD"}
        signed_in(root).post("/admin/directory/company/add/", posted)
        assert Company.objects.get(slug="new").requires_two_step


class TestTakingItAway:
    def act(self, client: Client, person: User) -> None:
        chosen = {"action": "take_two_step_away", "_selected_action": str(person.pk)}
        client.post("/admin/directory/user/", chosen)

    def test_a_superuser_helps_who_lost_the_phone(self) -> None:
        person: User = PersonFactory()
        turn_on_two_step(person)
        root = User.objects.create_superuser("root@example.test")
        self.act(signed_in(root), person)
        assert not person.authenticator_set.exists()  # type: ignore[attr-defined]  # allauth's
        last = HistoryEntry.objects.about(person).last()
        assert last
        assert (last.event, last.by_id) == ("two_step.turned_off", root.pk)

    def test_other_staff_can_not_since_they_could_also_set_the_password(self) -> None:
        person: User = PersonFactory()
        turn_on_two_step(person)
        staff: User = PrivilegeAdminFactory()
        staff.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
        self.act(signed_in(staff), person)
        assert person.authenticator_set.exists()  # type: ignore[attr-defined]  # allauth's
