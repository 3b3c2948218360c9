"""Another account for one commitment: one person proposes it, and another confirms exactly that."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commitments.models import Commitment
from directory.models import HistoryEntry, Level, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.confirmations import pending_changes
from erp_integrations.models import Connection, ExportJob, JobStatus, Submission, UnconfirmedChange
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import delivered
from tests.factories import ApproverFactory, ErpAdminFactory, PrivilegeAdminFactory, join_company
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(simulator: Simulator, awaiting: Submission, approver: User) -> Submission:
    """Spectrum has refused its account."""
    Connection.objects.update(general_ledger_account="500900")
    job = delivered(accept(awaiting, approver))
    assert job.status == JobStatus.FAILED
    assert "GL_Account" in job.problem
    return Submission.objects.get(pk=awaiting.pk)


@pytest.fixture
def other(failed: Submission) -> User:
    person: User = ApproverFactory(company=failed.company)
    return person


def propose(submission: Submission, by: User, account: str = "500200") -> None:
    version = submission.jobs.current().get().plan_round
    submissions.set_other_account(submission=submission, by=by, account=account, expected_version=version)


def retry(submission: Submission, by: User, *ticked: str, seen: str = "") -> ExportJob:
    basis = build_basis(submission.document)
    return submissions.accept_again(
        submission=submission,
        by=by,
        expected_hash=seen or basis.hash,
        erp_id=basis.proposed_erp_id,
        confirmed=ticked,
    )


def stamps(submission: Submission) -> list[str]:
    return [each.stamp for each in pending_changes.list_for_document(submission.document)]


def box(submission: Submission, name: str) -> str:
    return reverse(f"erp_integrations:{name}", args=[submission.company.slug, submission.pk])


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def test_it_is_proposed_confirmed_and_exported_and_the_history_names_both(
    simulator: Simulator, failed: Submission, approver: User, other: User
) -> None:
    client = signed_in(approver)
    assert "Another account" in text(client, failed.get_absolute_url())
    html = client.get(box(failed, "account")).content.decode()
    version = re.findall(r'name="expected_version"\s+value="(\d+)"', html)[0]
    posted = {"expected_version": version, "account": " 500100 "}
    assert client.post(box(failed, "account"), posted).status_code == 302
    assert client.get(box(failed, "accept")).status_code == 403
    assert OutgoingEmail.objects.filter(to_address=other.email, subject__contains="account").exists()

    second = signed_in(other)
    shown = text(second, box(failed, "accept"))
    assert "500100 For this commitment only" in shown
    assert f"Commitment {failed.number} goes to account 500100, by {approver} on" in shown
    assert "before: the default account." in shown
    html = second.get(box(failed, "accept")).content.decode()
    entered = dict(re.findall(r'type="hidden"\s+name="(expected_\w+)"\s+value="([^"]*)"', html))
    entered["erp_id"] = re.findall(r'name="erp_id" value="([^"]*)"', html)[0]
    assert second.post(box(failed, "accept"), entered).status_code == 422
    assert second.post(box(failed, "accept"), entered | {"confirmed": stamps(failed)}).status_code == 302
    job = delivered(failed.jobs.get())
    assert job.status == JobStatus.SYNCED
    record = simulator.record(job.erp_id)
    assert record is not None
    assert record["GL_Account"] == "500100"
    proposed, confirmed = HistoryEntry.objects.filter(event__startswith="submission.account_").order_by("pk")
    assert (proposed.by_id, confirmed.by_id) == (approver.pk, other.pk)
    assert confirmed.detail["changed_by"] == [approver.pk]
    assert confirmed.detail["after"] == {"general_ledger_account": "500100"}
    assert "Another account proposed: account 500100; before: the default account" in text(
        second, failed.get_absolute_url()
    )


class TestNobodyAlone:
    def test_who_proposed_accepts_nothing_until_another_has_confirmed(
        self, failed: Submission, approver: User
    ) -> None:
        propose(failed, approver)
        with pytest.raises(RightMissing, match="You changed where this is exported to: Commitment"):
            retry(failed, approver, *stamps(failed))
        admin = ErpAdminFactory(company=failed.company)
        client, where = signed_in(admin), reverse("erp_integrations:settings", args=[failed.company.slug])
        assert "goes to account 500200" in text(client, where)
        client.post(
            reverse("erp_integrations:confirm", args=[failed.company.slug]),
            {"confirmed": stamps(failed), "page": "settings"},
        )
        assert not UnconfirmedChange.objects.exists()
        assert retry(failed, approver).status == JobStatus.QUEUED

    def test_nor_by_an_admins_right_of_their_own(self, failed: Submission, approver: User) -> None:
        approver.company_memberships.update(erp_integrations_level=Level.ADMIN)
        propose(failed, approver)
        with pytest.raises(pending_changes.NotConfirmed):
            pending_changes.confirm(company=failed.company, ticked=stamps(failed), by=approver)

    @pytest.mark.parametrize("part", ["created_by", "sent_by", "hands"])
    def test_nobody_with_a_hand_in_the_commitment_confirms_as_an_admin(
        self, failed: Submission, approver: User, part: str
    ) -> None:
        admin = ErpAdminFactory(company=failed.company)
        Submission.objects.filter(pk=failed.pk).update(**{part: [admin.pk] if part == "hands" else admin})
        propose(failed, approver)
        with pytest.raises(pending_changes.NotConfirmed, match="You were involved"):
            pending_changes.confirm(company=failed.company, ticked=stamps(failed), by=admin)
        page = text(signed_in(admin), reverse("erp_integrations:settings", args=[failed.company.slug]))
        assert "You were involved" in page

    @pytest.mark.parametrize("way", ["exempt", "freed"])
    @pytest.mark.parametrize("who", ["proposer", "sender"])
    def test_no_exemption_makes_one_person_enough(
        self, failed: Submission, approver: User, sender: User, way: str, who: str
    ) -> None:
        person = approver if who == "proposer" else sender
        if who == "sender":
            rights = {"can_push_to_accounting": True, "erp_integrations_level": Level.STANDARD}
            join_company(sender, failed.company, **rights)
        propose(failed, approver)
        if way == "freed":
            failed.company.allows_own_decisions = True
            failed.company.save()
        else:
            granter = PrivilegeAdminFactory()
            join_company(granter, failed.company)
            submissions.exempt(submission=failed, person=person, by=granter, reason="Nobody else is left.")
        with pytest.raises(RightMissing, match="involved in where this is exported to"):
            retry(Submission.objects.get(pk=failed.pk), person, *stamps(failed))

    def test_who_proposes_another_one_meanwhile_is_in_it_too(
        self, failed: Submission, approver: User, other: User
    ) -> None:
        propose(failed, approver)
        propose(failed, other, "500300")
        for person in (approver, other):
            with pytest.raises(RightMissing):
                retry(failed, person, *stamps(failed))

    def test_who_may_not_decide_proposes_nothing(self, failed: Submission, sender: User) -> None:
        for person in (sender, ErpAdminFactory(company=failed.company)):
            with pytest.raises(RightMissing):
                propose(failed, person)


class TestExactlyThat:
    def test_a_tick_at_the_former_account_or_a_former_page_counts_for_nothing(
        self, failed: Submission, approver: User, other: User
    ) -> None:
        before = build_basis(failed.document).hash
        propose(failed, approver)
        old, seen = stamps(failed), build_basis(failed.document).hash
        propose(failed, approver, "500300")
        for page in (before, seen):
            with pytest.raises(submissions.Conflict):
                retry(failed, other, *old, seen=page)
        with pytest.raises(submissions.StatementMissing):
            retry(failed, other, *old)
        admin = ErpAdminFactory(company=failed.company)
        with pytest.raises(pending_changes.NotConfirmed):
            pending_changes.confirm(company=failed.company, ticked=old, by=admin)
        assert retry(failed, other, *stamps(failed)).status == JobStatus.QUEUED

    def test_the_default_again_waits_for_nobody(self, failed: Submission, approver: User) -> None:
        propose(failed, approver)
        propose(failed, approver, "")
        assert not UnconfirmedChange.objects.exists()
        with pytest.raises(submissions.DecisionError, match="already"):
            propose(failed, approver, "")

    def test_it_is_of_this_sending_alone(
        self, failed: Submission, approver: User, deliverable: Commitment, sender: User
    ) -> None:
        default = build_basis(failed.document).references.general_ledger_account
        propose(failed, approver)
        submissions.reject(submission=failed, by=approver, reason="Wrong.")
        assert not UnconfirmedChange.objects.exists()
        again = submissions.send_to_erp(commitment=Commitment.objects.get(pk=deliverable.pk), by=sender)
        assert build_basis(again.document).references.general_ledger_account == default

    def test_only_after_a_failed_export_and_as_it_was_seen(
        self, failed: Submission, approver: User, other: User
    ) -> None:
        with pytest.raises(submissions.Conflict):
            submissions.set_other_account(submission=failed, by=approver, account="1", expected_version=9)
        retry(failed, other)
        with pytest.raises(submissions.Conflict):
            propose(failed, approver)

    @pytest.mark.parametrize("account", ["12-34", "x", "1234567890123", "\0", "١٢"])
    def test_what_is_no_account_is_refused(self, failed: Submission, approver: User, account: str) -> None:
        posted: dict[str, Any] = {"expected_version": 1, "account": account}
        answer = signed_in(approver).post(box(failed, "account"), posted)
        assert answer.status_code == 422
        failed.refresh_from_db()
        assert failed.general_ledger_account == ""


def test_an_undone_retry_keeps_what_two_people_chose(failed: Submission, approver: User, other: User) -> None:
    propose(failed, approver)
    retry(failed, other, *stamps(failed))
    submissions.undo(submission=failed, by=other)
    assert build_basis(failed.document).references.general_ledger_account == "500200"
    assert not UnconfirmedChange.objects.exists()
