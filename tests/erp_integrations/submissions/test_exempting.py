"""Nobody is left without a way: who could decide is said, and an approver can be exempted once."""

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse

from directory.models import Company, CompanyMembership, HistoryEntry, Level, User
from directory.operators import with_command_line_operator
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.emails import daily_summaries
from erp_integrations.models import ExportJob, Submission
from notifications.models import Kind, OutgoingEmail
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    ErpAdminFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(awaiting: Submission) -> Company:
    return awaiting.company


@pytest.fixture
def alone(awaiting: Submission) -> User:
    """The sender, who is the company's only approver."""
    person: User = awaiting.sent_by
    CompanyMembership.objects.filter(company=awaiting.company).update(can_push_to_accounting=False)
    join_company(person, awaiting.company, erp_integrations_level=Level.STANDARD, can_push_to_accounting=True)
    return person


@pytest.fixture
def granter(company: Company) -> User:
    person: User = PrivilegeAdminFactory(last_name="Granter")
    join_company(person, company)
    return person


def pages(person: User, submission: Submission) -> list[str]:
    """The list and the review page."""
    slug = submission.company.slug
    addresses = (
        reverse("erp_integrations:commitments", args=[slug]),
        reverse("erp_integrations:review", args=[slug, submission.pk]),
    )
    return [signed_in(person).get(address).content.decode() for address in addresses]


class TestWhoCould:
    def test_another_approver_is_named(self, awaiting: Submission, alone: User) -> None:
        ApproverFactory(company=awaiting.company, first_name="Ada", last_name="Byron")
        ApproverFactory(company=awaiting.company, first_name="Charles", last_name="Cash")
        for html in pages(alone, awaiting):
            assert "this, so another approver must decide: Ada Byron or Charles Cash." in html

    def test_where_nobody_could_everybody_is_told_and_who_can_change_that(
        self, awaiting: Submission, alone: User, granter: User
    ) -> None:
        for html in pages(alone, awaiting):
            assert (
                "Nobody can decide on this now: everybody with Can Push to Accounting was involved in it. In "
                "Django admin, Robin Granter can grant Can Push to Accounting to somebody else, or exempt "
                "you once."
            ) in html
        for html in pages(ViewerFactory(company=awaiting.company), awaiting):
            assert "or exempt an approver once." in html

    def test_so_it_is_where_nobody_may_push_to_accounting(
        self, awaiting: Submission, company: Company, granter: User
    ) -> None:
        CompanyMembership.objects.filter(company=company).update(can_push_to_accounting=False)
        for html in pages(ErpAdminFactory(company=company), awaiting):
            assert "Nobody can decide on this now: nobody has Can Push to Accounting." in html
            assert "Robin Granter can grant Can Push to Accounting to somebody else." in html

    def test_whoever_can_decide_is_not_bothered(self, awaiting: Submission) -> None:
        for html in pages(ApproverFactory(company=awaiting.company), awaiting):
            assert "another approver must decide" not in html
            assert "Nobody can decide" not in html


class TestExempting:
    def test_one_approver_decides_once_and_it_ends_with_the_decision(
        self, awaiting: Submission, alone: User, granter: User
    ) -> None:
        with pytest.raises(RightMissing):
            accept(awaiting, alone)
        submissions.exempt(submission=awaiting, person=alone, by=granter, reason="Two people in all.")
        awaiting.refresh_from_db()
        job = accept(awaiting, alone)
        assert job.submission.decided_by == alone
        decided = Submission.objects.get(pk=awaiting.pk)
        assert (decided.exempt, decided.is_own_decision(alone)) == (None, True)
        with pytest.raises(RightMissing):
            submissions.undo(submission=decided, by=alone)

    def test_a_rejection_ends_it_too(self, awaiting: Submission, alone: User, granter: User) -> None:
        submissions.exempt(submission=awaiting, person=alone, by=granter, reason="Two people in all.")
        awaiting.refresh_from_db()
        submissions.reject(submission=awaiting, by=alone, reason="Wrong vendor.")
        assert Submission.objects.get(pk=awaiting.pk).exempt is None

    def test_what_is_sent_again_knows_of_no_exemption(
        self, awaiting: Submission, alone: User, granter: User
    ) -> None:
        submissions.exempt(submission=awaiting, person=alone, by=granter, reason="Two people in all.")
        submissions.retrieve_from_erp(commitment=awaiting.commitment, by=alone)
        again = submissions.send_to_erp(commitment=awaiting.commitment, by=alone)
        assert again.is_own_decision(alone)

    def test_for_a_failed_export_it_takes_another_one(
        self, awaiting: Submission, alone: User, granter: User
    ) -> None:
        submissions.exempt(submission=awaiting, person=alone, by=granter, reason="Two people in all.")
        awaiting.refresh_from_db()
        job = accept(awaiting, alone)
        ExportJob.objects.filter(pk=job.pk).update(status="failed", not_before=None)
        failed = Submission.objects.get(pk=awaiting.pk)
        assert failed.is_own_decision(alone)
        submissions.exempt(submission=failed, person=alone, by=granter, reason="It failed.")
        assert not Submission.objects.get(pk=awaiting.pk).is_own_decision(alone)

    def test_the_history_and_everybody_concerned_hear_of_it(
        self, awaiting: Submission, alone: User, granter: User
    ) -> None:
        admin: User = ErpAdminFactory(company=awaiting.company)
        OutgoingEmail.objects.all().delete()
        submissions.exempt(submission=awaiting, person=alone, by=granter, reason=" Two people in all. ")
        entry = HistoryEntry.objects.get(event="submission.exempted")
        assert (entry.by_id, entry.detail) == (granter.pk, {"user": alone.pk, "reason": "Two people in all."})
        mails = OutgoingEmail.objects.filter(kind=Kind.RIGHTS)
        told = {mail.to_address for mail in mails}
        assert {admin.email, alone.email, awaiting.created_by.email} <= told
        assert granter.email not in told
        assert all("Two people in all." in mail.text_body for mail in mails)

    def test_whoever_could_decide_has_it_in_the_daily_summary(
        self, awaiting: Submission, alone: User, granter: User
    ) -> None:
        submissions.exempt(submission=awaiting, person=alone, by=granter, reason="Two people in all.")
        daily_summaries.store_due_summaries(regardless_of_hour=True)
        mail = OutgoingEmail.objects.get(kind=Kind.DAILY_SUMMARY)
        assert (mail.to_address, awaiting.number in mail.text_body) == (alone.email, True)

    def test_nobody_exempts_themselves(self, awaiting: Submission, alone: User) -> None:
        User.objects.filter(pk=alone.pk).update(is_staff=True, is_superuser=True)
        alone.refresh_from_db()
        with pytest.raises(RightMissing, match="never themselves"):
            submissions.exempt(submission=awaiting, person=alone, by=alone, reason="So.")

    def test_it_takes_the_permission_to_grant_and_being_of_the_company(
        self, awaiting: Submission, alone: User
    ) -> None:
        staff = PersonFactory(is_staff=True)
        staff.user_permissions.set(Permission.objects.exclude(codename="grant_push_to_accounting"))
        join_company(staff, awaiting.company)
        for by in (staff, PrivilegeAdminFactory(), ErpAdminFactory(company=awaiting.company)):
            with pytest.raises(RightMissing, match="staff who may grant"):
                submissions.exempt(submission=awaiting, person=alone, by=by, reason="So.")

    def test_it_takes_a_reason_and_an_approver_who_is_barred(
        self, awaiting: Submission, alone: User, granter: User, company: Company
    ) -> None:
        with pytest.raises(submissions.StatementMissing):
            submissions.exempt(submission=awaiting, person=alone, by=granter, reason=" ")
        with pytest.raises(submissions.DecisionError, match="have Can Push to Accounting"):
            submissions.exempt(
                submission=awaiting, person=ViewerFactory(company=company), by=granter, reason="So."
            )
        with pytest.raises(submissions.DecisionError, match="can already decide on it"):
            submissions.exempt(
                submission=awaiting, person=ApproverFactory(company=company), by=granter, reason="So."
            )

    def test_what_is_decided_has_none(self, awaiting: Submission, granter: User, approver: User) -> None:
        accept(awaiting, approver)
        with pytest.raises(submissions.Conflict):
            submissions.exempt(submission=awaiting, person=awaiting.sent_by, by=granter, reason="Late.")


class TestInDjangoAdmin:
    LIST = "/admin/directory/companymembership/"

    def chosen(self, person: User, of: Submission, /, **entered: str) -> dict[str, str]:
        membership = person.company_memberships.get(company=of.company)
        return {"action": "exempt_once", "_selected_action": str(membership.pk), **entered}

    def test_staff_who_may_grant_choose_the_commitment_and_give_a_reason(
        self, awaiting: Submission, alone: User, granter: User
    ) -> None:
        client = signed_in(granter)
        page = client.post(self.LIST, self.chosen(alone, awaiting)).content.decode()
        assert str(awaiting) in page
        entered = {"submission": str(awaiting.pk), "reason": ""}
        assert (
            "This field is required"
            in client.post(self.LIST, self.chosen(alone, awaiting, **entered)).content.decode()
        )
        entered["reason"] = "Two people in all."
        assert client.post(self.LIST, self.chosen(alone, awaiting, **entered)).status_code == 302
        assert Submission.objects.get(pk=awaiting.pk).exempt == alone

    def test_nobody_themselves(self, awaiting: Submission, alone: User) -> None:
        User.objects.filter(pk=alone.pk).update(is_staff=True, is_superuser=True)
        alone.refresh_from_db()
        entered = self.chosen(alone, awaiting, submission=str(awaiting.pk), reason="So.")
        page = signed_in(alone).post(self.LIST, entered).content.decode()
        assert "never themselves" in page
        assert Submission.objects.get(pk=awaiting.pk).exempt is None

    def test_staff_who_may_not_grant_are_not_offered_it(
        self, awaiting: Submission, alone: User, company: Company
    ) -> None:
        staff: User = PersonFactory(is_staff=True)
        staff.user_permissions.set(Permission.objects.exclude(codename="grant_push_to_accounting"))
        join_company(staff, company)
        client = signed_in(staff)
        assert "exempt_once" not in client.get(self.LIST).content.decode()
        client.post(self.LIST, self.chosen(alone, awaiting, submission=str(awaiting.pk), reason="So."))
        assert Submission.objects.get(pk=awaiting.pk).exempt is None


class TestTheOperatorsCommand:
    def test_it_exempts_names_who_ran_it_and_is_told(self, awaiting: Submission, alone: User) -> None:
        said = ("--submission", str(awaiting.pk), "--person", alone.email, "--reason", "Nobody else is left.")
        with with_command_line_operator():
            call_command("exempt_approver", *said)
        assert Submission.objects.get(pk=awaiting.pk).exempt == alone
        entry = HistoryEntry.objects.get(event="submission.exempted")
        assert entry.by_id is None
        assert " on " in entry.detail["operator"]
        mail = OutgoingEmail.objects.filter(kind=Kind.RIGHTS, to_address=alone.email).get()
        assert f"By: {entry.detail['operator']}" in mail.text_body

    def test_what_can_not_be_is_said(self, awaiting: Submission, company: Company) -> None:
        viewer = ViewerFactory(company=company)
        with pytest.raises(CommandError, match="have Can Push to Accounting"):
            call_command(
                "exempt_approver",
                *("--submission", str(awaiting.pk), "--person", viewer.email, "--reason", "So."),
            )
