"""People's decisions, their effects, and who is refused."""

import pytest

from commitments import services as commitments
from commitments.errors import CommitmentLocked
from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import (
    ErpIdHold,
    ExportJob,
    JobLink,
    JobStatus,
    Submission,
    SubmissionStatus,
    VendorLink,
)
from erp_integrations.snapshots import build_document
from notifications.models import OutgoingEmail
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    ConnectionFactory,
    CreatorFactory,
    ExportJobFactory,
    ProjectAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db


def events(submission: Submission) -> list[str]:
    return list(HistoryEntry.objects.about(submission).values_list("event", flat=True))


# Send, retrieve


def test_sending_locks_the_commitment_and_keeps_a_snapshot(deliverable: Commitment, sender: User) -> None:
    submission = submissions.send_to_erp(commitment=deliverable, by=sender)
    deliverable.refresh_from_db()
    assert (deliverable.lock, deliverable.badge) == (Lock.WHOLE, Badge.AWAITING)
    assert submission.document == build_document(deliverable)
    assert submission.total == submission.document.total
    assert events(submission) == ["submission.sent"]


def test_a_creator_can_not_send(deliverable: Commitment) -> None:
    with pytest.raises(RightMissing):
        submissions.send_to_erp(commitment=deliverable, by=CreatorFactory(project=deliverable.project))
    assert not Submission.objects.exists()


def test_every_reason_why_it_can_not_be_sent_comes_at_once() -> None:
    commitment = CommitmentFactory(number="", title="", lines=0)
    with pytest.raises(submissions.ExportBlocked) as refusal:
        submissions.send_to_erp(commitment=commitment, by=ProjectAdminFactory(project=commitment.project))
    codes = {finding.code for finding in refusal.value.issues}
    assert {"status-not-approved", "number-blank", "title-blank", "no-lines"} <= codes
    commitment.refresh_from_db()
    assert (commitment.lock, commitment.badge) == (Lock.NONE, Badge.NOT_SENT)


def test_a_locked_commitment_can_not_be_edited(awaiting: Submission) -> None:
    commitment = awaiting.commitment
    with pytest.raises(CommitmentLocked, match="Retrieve from ERP"):
        commitments.update_commitment(
            commitment=commitment,
            by=commitment.created_by,
            version=commitment.version,
            values={"title": "Other works"},
            lines=None,
        )


def test_it_can_not_be_sent_twice(awaiting: Submission, sender: User) -> None:
    with pytest.raises(submissions.Conflict):
        submissions.send_to_erp(commitment=awaiting.commitment, by=sender)
    assert Submission.objects.count() == 1


def test_retrieving_unlocks(awaiting: Submission, sender: User) -> None:
    submissions.retrieve_from_erp(commitment=awaiting.commitment, by=sender)
    awaiting.refresh_from_db()
    assert awaiting.status == SubmissionStatus.RETRIEVED
    assert (awaiting.commitment.lock, awaiting.commitment.badge) == (Lock.NONE, Badge.RETRIEVED)
    assert events(awaiting) == ["submission.sent", "submission.retrieved"]


def test_nothing_is_retrieved_after_a_decision(queued: ExportJob, sender: User) -> None:
    with pytest.raises(submissions.Conflict, match="accepted this commitment"):
        submissions.retrieve_from_erp(commitment=queued.submission.commitment, by=sender)


# Accept


def test_accepting_stores_exactly_the_calls_that_were_shown(awaiting: Submission, approver: User) -> None:
    basis = build_basis(awaiting.document)
    shown = basis.build_calls(erp_id=basis.proposed_erp_id)
    job = accept(awaiting, approver)
    assert [call.payload_hash for call in job.list_current_calls()] == [call.hash for call in shown]
    assert [call.method for call in job.list_current_calls()] == [
        "UpdateSubcontract",
        "UpdateSubcontractPhases",
        "UpdateSubcontractPhases",
    ]
    awaiting.refresh_from_db()
    assert (awaiting.status, awaiting.decided_by) == (SubmissionStatus.ACCEPTED, approver)
    assert awaiting.commitment.badge == Badge.EXPORTING
    assert job.status == JobStatus.QUEUED
    assert "submission.accepted" in events(awaiting)


def test_no_stored_call_holds_a_secret(queued: ExportJob) -> None:
    connection = queued.connection
    assert all(
        connection.credentials.authorization_id not in str(call.elements) for call in queued.calls.all()
    )


def test_the_erp_id_of_the_approver_is_the_one_that_is_written(awaiting: Submission, approver: User) -> None:
    job = accept(awaiting, approver, erp_id=" sc-77 ")
    assert job.erp_id == "SC-77"
    header = job.list_current_calls()[0]
    assert {"SC-77"} == {
        element["value"] for element in header.elements if element["name"] == "Subcontract_Number"
    }


def test_a_link_that_changed_after_the_preview_is_a_conflict(awaiting: Submission, approver: User) -> None:
    seen = build_basis(awaiting.document).hash
    awaiting.connection.vendor_links.update(vendor_code="OTHER")
    with pytest.raises(submissions.Conflict, match="changed since you opened this page"):
        submissions.accept(submission=awaiting, by=approver, expected_hash=seen, erp_id="SC-1")
    awaiting.refresh_from_db()
    assert awaiting.status == SubmissionStatus.AWAITING
    assert not ExportJob.objects.exists()


def test_the_second_approver_is_told_who_was_first(queued: ExportJob, approver: User) -> None:
    second = ApproverFactory(company=queued.submission.company)
    with pytest.raises(submissions.Conflict, match=str(approver)):
        accept(queued.submission, second)
    with pytest.raises(submissions.Conflict, match=str(approver)):
        submissions.reject(submission=queued.submission, by=second, reason="No")


def test_an_erp_id_that_does_not_fit_blocks_the_export(awaiting: Submission, approver: User) -> None:
    with pytest.raises(submissions.ExportBlocked) as refusal:
        accept(awaiting, approver, erp_id="SC-123456789")
    assert [finding.code for finding in refusal.value.issues] == ["erp-id-too-long"]
    assert not ErpIdHold.objects.exists()


def test_two_commitments_can_not_have_one_name_in_spectrum(queued: ExportJob, approver: User) -> None:
    first = queued.submission.commitment
    second = ReadyCommitmentFactory(
        number="OTHER-1", project=first.project, contract_company=first.contract_company
    )
    submission = SubmissionFactory(commitment=second)
    with pytest.raises(submissions.ExportBlocked) as refusal:
        accept(submission, approver, erp_id=queued.erp_id)
    assert [finding.code for finding in refusal.value.issues] == ["erp-id-taken"]


# Who may decide


def test_a_viewer_can_not_decide(awaiting: Submission) -> None:
    viewer = ViewerFactory(company=awaiting.company)
    with pytest.raises(RightMissing):
        accept(awaiting, viewer)
    with pytest.raises(RightMissing):
        submissions.reject(submission=awaiting, by=viewer, reason="No")
    awaiting.refresh_from_db()
    assert awaiting.status == SubmissionStatus.AWAITING


def test_the_privilege_without_a_level_gives_nothing(awaiting: Submission) -> None:
    person = ViewerFactory(
        company=awaiting.company, erp_integrations_level="none", can_push_to_accounting=True
    )
    with pytest.raises(RightMissing):
        accept(awaiting, person)


def test_an_approver_of_another_company_can_not_decide(awaiting: Submission) -> None:
    with pytest.raises(RightMissing):
        accept(awaiting, ApproverFactory())


def test_nobody_decides_on_what_they_created_or_sent(awaiting: Submission, sender: User) -> None:
    for person in (sender, awaiting.commitment.created_by):
        join_company(person, awaiting.company, erp_integrations_level="admin", can_push_to_accounting=True)
        with pytest.raises(RightMissing, match="another accounting approver"):
            accept(awaiting, person)
        with pytest.raises(RightMissing, match="another accounting approver"):
            submissions.reject(submission=awaiting, by=person, reason="No")


def test_a_company_can_be_freed_from_the_own_decision_rule(awaiting: Submission, sender: User) -> None:
    join_company(sender, awaiting.company, erp_integrations_level="standard", can_push_to_accounting=True)
    type(awaiting.company).objects.update(allows_own_decisions=True)
    assert accept(awaiting, sender).status == JobStatus.QUEUED


# Reject


def test_rejecting_unlocks_and_mails_the_creator_and_the_sender(awaiting: Submission, approver: User) -> None:
    submissions.reject(submission=awaiting, by=approver, reason="  Wrong vendor.\nSee the bid.  ")
    awaiting.refresh_from_db()
    assert (awaiting.status, awaiting.reason) == (SubmissionStatus.REJECTED, "Wrong vendor.\nSee the bid.")
    assert (awaiting.commitment.lock, awaiting.commitment.badge) == (Lock.NONE, Badge.REJECTED)
    mails = OutgoingEmail.objects.filter(kind="rejection")
    assert {mail.recipient for mail in mails} == {awaiting.created_by, awaiting.sent_by}
    assert all("Wrong vendor." in mail.text_body and "/edit/" in mail.text_body for mail in mails)


def test_the_project_admins_are_told_when_the_creator_is_gone(awaiting: Submission, approver: User) -> None:
    creator = awaiting.commitment.created_by
    creator.is_active = False
    creator.save()
    other_admin = ProjectAdminFactory(project=awaiting.project)
    submissions.reject(submission=awaiting, by=approver, reason="Wrong vendor")
    recipients = set(OutgoingEmail.objects.values_list("recipient", flat=True))
    assert recipients == {awaiting.sent_by_id, other_admin.pk}


@pytest.mark.parametrize("reason", ["", "   ", "\n\t", "\u200b", "\u2800", "…"])
def test_a_rejection_needs_a_reason(awaiting: Submission, approver: User, reason: str) -> None:
    with pytest.raises(submissions.DecisionError, match="Enter a reason"):
        submissions.reject(submission=awaiting, by=approver, reason=reason)
    awaiting.refresh_from_db()
    assert awaiting.status == SubmissionStatus.AWAITING
    assert not OutgoingEmail.objects.exists()


def test_a_rejected_commitment_can_be_corrected_and_sent_again(
    awaiting: Submission, approver: User, sender: User
) -> None:
    submissions.reject(submission=awaiting, by=approver, reason="Wrong title")
    commitment = Commitment.objects.get(pk=awaiting.commitment_id)
    commitments.update_commitment(
        commitment=commitment,
        by=commitment.created_by,
        version=commitment.version,
        values={"title": "Right title"},
        lines=None,
    )
    again = submissions.send_to_erp(commitment=commitment, by=sender)
    assert again.title == "Right title"
    assert awaiting.document.title != "Right title"
    assert accept(again, approver).status == JobStatus.QUEUED


# After a failed export


def test_a_failed_export_can_be_rejected() -> None:
    job = ExportJobFactory(failed=True)
    decider = ApproverFactory(company=job.submission.company)
    submissions.reject(submission=job.submission, by=decider, reason="Vendor is closed")
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert Submission.objects.get(pk=job.submission_id).status == SubmissionStatus.REJECTED
    assert not ErpIdHold.objects.exists()


@pytest.mark.parametrize("situation", ["exporting", "synced", "unknown"])
def test_an_export_that_began_can_not_be_rejected(situation: str) -> None:
    job = ExportJobFactory(**{situation: True})
    decider = ApproverFactory(company=job.submission.company)
    with pytest.raises(submissions.Conflict):
        submissions.reject(submission=job.submission, by=decider, reason="Too late")
    assert Submission.objects.get(pk=job.submission_id).status == SubmissionStatus.ACCEPTED


def test_a_failed_export_can_be_tried_again_with_another_erp_id() -> None:
    job = ExportJobFactory(failed=True)
    decider = ApproverFactory(company=job.submission.company)
    basis = build_basis(job.submission.document)
    again = submissions.accept_again(
        submission=job.submission,
        by=decider,
        expected_hash=basis.hash,
        erp_id="SC-NEW",
        number_looked_up=True,
    )
    assert again.pk == job.pk
    assert (again.status, again.erp_id, again.plan_round, again.tries) == (JobStatus.QUEUED, "SC-NEW", 2, 0)
    assert [call.state for call in again.list_current_calls()] == ["planned"] * 3
    assert again.calls.filter(plan_round=1).count() == 3  # the ledger of the first round stays
    assert ErpIdHold.objects.get().erp_id == "SC-NEW"
    assert Submission.objects.get().erp_id == "SC-NEW"


def test_the_right_of_a_project_admin_is_asked_of_the_project(awaiting: Submission) -> None:
    stranger = ProjectAdminFactory()
    join_project(stranger, awaiting.project, "read_only")  # type: ignore[arg-type]
    with pytest.raises(RightMissing):
        submissions.retrieve_from_erp(commitment=awaiting.commitment, by=stranger)


def test_a_retry_is_the_decision_of_the_person_who_retried() -> None:
    job = ExportJobFactory(failed=True)
    second = ApproverFactory(company=job.submission.company)
    basis = build_basis(job.submission.document)
    submissions.accept_again(
        submission=job.submission, by=second, expected_hash=basis.hash, erp_id=job.erp_id
    )
    assert Submission.objects.get(pk=job.submission_id).decided_by == second


def test_who_left_the_company_is_not_told_of_a_rejection(awaiting: Submission, approver: User) -> None:
    creator = awaiting.commitment.created_by
    creator.company_memberships.all().delete()
    submissions.reject(submission=awaiting, by=approver, reason="Wrong vendor")
    assert creator.pk not in OutgoingEmail.objects.values_list("recipient", flat=True)


def test_a_failed_export_whose_job_link_is_gone_says_what_is_missing() -> None:
    job = ExportJobFactory(failed=True)
    JobLink.objects.all().delete()
    decider = ApproverFactory(company=job.submission.company)
    seen = build_basis(job.submission.document).hash
    with pytest.raises(submissions.ExportBlocked, match="not linked to a Spectrum job"):
        submissions.accept_again(submission=job.submission, by=decider, expected_hash=seen, erp_id=job.erp_id)


def test_a_failed_export_is_not_tried_again_in_another_spectrum_company() -> None:
    job = ExportJobFactory(failed=True)
    other = ConnectionFactory(company=job.submission.company)
    JobLink.objects.update(connection=other)
    VendorLink.objects.update(connection=other)
    decider = ApproverFactory(company=job.submission.company)
    seen = build_basis(job.submission.document).hash
    with pytest.raises(submissions.Conflict, match="now linked to another Spectrum company"):
        submissions.accept_again(submission=job.submission, by=decider, expected_hash=seen, erp_id=job.erp_id)
