"""After Synced: a status goes through the same gate, and writes the header alone."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from commitments import services
from commitments.errors import CommitmentLocked
from commitments.models import Badge, Commitment, Lock
from directory.models import Level, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import outcomes, verification, worker
from erp_integrations.models import (
    ConnectionSettings,
    Drift,
    ExportJob,
    JobBilling,
    JobStatus,
    Reconciliation,
    SnapshotUnreadable,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.reconciliation import comparison
from erp_integrations.snapshots import Purpose
from erp_integrations.submissions import Conflict, ExportBlocked
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.erp_integrations.deliveries import (
    HEADER,
    delete_in_spectrum,
    delivered,
    due_now,
    in_spectrum,
    looked,
    of,
    sent,
    unknown_at,
)
from tests.erp_integrations.races.together import ROUNDS, race, refusals
from tests.factories import CreatorFactory
from tests.factories.directory import join_project
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

SET_STATUS = "UPDATE VN_SUBCONTRACT_MC SET Status_Code = ?"


@pytest.fixture(autouse=True)
def read_back_at_once(settings: Settings, simulator: Simulator) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = settings.UNDO_SECONDS = 0


def accepted(submission: Submission, by: User, erp_id: str | None = None) -> ExportJob:
    basis = build_basis(submission.document)
    number = basis.proposed_erp_id if erp_id is None else erp_id
    return submissions.accept(submission=submission, by=by, expected_hash=basis.hash, erp_id=number)


@pytest.fixture
def whole(awaiting: Submission, approver: User, simulator: Simulator) -> ExportJob:
    """The commitment in Spectrum, read back."""
    ConnectionSettings.objects.update(terminated_code="I", void_code="I")
    job = delivered(accepted(awaiting, approver))
    verification.verify_due()
    assert of(job).verification == Verification.MATCH
    return of(job)


def sent_status(whole: ExportJob, sender: User, status: str = "complete") -> Submission:
    commitment = whole.submission.commitment
    return submissions.send_status(commitment=commitment, by=sender, status=status)


def now(whole: ExportJob) -> Commitment:
    return Commitment.objects.get(pk=whole.submission.commitment_id)


def is_as_before(whole: ExportJob) -> bool:
    row = now(whole)
    return (row.status, row.lock, row.badge, row.erp_id) == (
        "approved",
        Lock.EXPORTED,
        Badge.SYNCED,
        whole.erp_id,
    )


def reconciled(whole: ExportJob) -> ExportJob:
    run = Reconciliation.objects.create(connection=whole.connection)
    assert comparison.run_reconciliation(run)
    return of(whole)


def test_an_accepted_status_changes_the_header_alone_and_nothing_is_unlocked(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    (before,) = simulator.records()
    status = sent_status(whole, sender)
    assert is_as_before(whole)
    assert (status.purpose, status.new_status) == (Purpose.STATUS, "complete")
    assert status.total == 0  # no money moves with it
    job = delivered(accepted(status, approver))
    assert job.status == JobStatus.SYNCED, job.problem
    (after,) = simulator.records()
    changed = {name for name in before if before[name] != after[name]}
    assert (changed - {"Simulator_Stored_At"}, after["Status_Code"]) == ({"Status_Code"}, "C")
    assert sent(simulator, job)[-1] == HEADER
    row = now(whole)
    assert (row.status, row.lock, row.badge, row.erp_id) == (
        "complete",
        Lock.EXPORTED,
        Badge.SYNCED,
        whole.erp_id,
    )
    verification.verify_due()
    assert (of(job).verification, of(job).filled) == (Verification.MATCH, [])
    assert reconciled(whole).verification == Verification.MATCH
    with pytest.raises(CommitmentLocked):
        services.update_commitment(
            commitment=row, by=sender, version=row.version, values={"status": "approved"}, lines=None
        )


def test_a_second_status_follows_the_first_and_counts_for_both(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    first = delivered(accepted(sent_status(whole, sender), approver))
    second = delivered(accepted(sent_status(whole, sender, "terminated"), approver))
    verification.verify_due()
    assert {of(job).verification for job in (first, second)} == {Verification.MATCH}
    assert (now(whole).status, simulator.records()[0]["Status_Code"]) == ("terminated", "I")
    in_spectrum(simulator, SET_STATUS, "A")
    drifted = reconciled(whole)
    assert [(each["sent"], each["stored"]) for each in drifted.differences] == [("I", "A")]
    assert now(whole).badge == Badge.SYNCED_WITH_DIFFERENCES


def test_what_is_rejected_or_retrieved_leaves_the_status_as_it_was(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    submissions.reject(submission=sent_status(whole, sender), by=approver, reason="Retention is open.")
    assert is_as_before(whole)
    sent_status(whole, sender)
    submissions.retrieve_from_erp(commitment=now(whole), by=sender)
    assert is_as_before(whole)
    job = accepted(sent_status(whole, sender), approver)
    submissions.undo(submission=job.submission, by=approver)
    assert is_as_before(whole)
    assert now(whole).erp_id_hold.erp_id == whole.erp_id
    assert simulator.records()[0]["Status_Code"] == "A"


def test_what_spectrum_refuses_leaves_the_status_as_it_was_and_is_retried_or_rejected(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    status = sent_status(whole, sender)
    simulator.set_faults({"kind": "refuse", "method": HEADER, "times": 1})
    job = delivered(accepted(status, approver))
    assert job.status == JobStatus.FAILED
    assert is_as_before(whole)
    basis = build_basis(status.document)
    job = submissions.accept_again(
        submission=status, by=approver, expected_hash=basis.hash, erp_id=whole.erp_id
    )
    simulator.set_faults({"kind": "refuse", "method": HEADER, "times": 1})
    assert delivered(job).status == JobStatus.FAILED
    status.refresh_from_db()
    submissions.reject(submission=status, by=approver, reason="Not yet.")
    assert is_as_before(whole)
    assert now(whole).erp_id_hold.erp_id == whole.erp_id
    assert reconciled(whole).verification == Verification.MATCH
    assert sent_status(whole, sender).status == SubmissionStatus.AWAITING


@pytest.mark.parametrize(
    ("fault", "is_written"), [("hang_before_commit", False), ("commit_then_reset", True)]
)
def test_nobody_knows_whether_it_was_written_until_it_is_read_back(
    whole: ExportJob,
    sender: User,
    approver: User,
    simulator: Simulator,
    fault: str,
    is_written: bool,
) -> None:
    in_spectrum(simulator, "UPDATE VN_SUBCONTRACT_MC SET Comment_1 = 'changed there'")
    fault_of = {"kind": fault, "method": HEADER, "seconds": 0.1}
    job = unknown_at(simulator, accepted(sent_status(whole, sender), approver), **fault_of)
    assert now(whole).status == "approved"
    differences = {each["name"] for each in reconciled(whole).differences}
    assert differences == {"Comment"}  # of its status nobody knows
    job = looked(job)
    assert job.status == (JobStatus.SYNCED if is_written else JobStatus.QUEUED)
    assert now(whole).status == ("complete" if is_written else "approved")
    due_now(job)
    assert delivered(job).status == JobStatus.SYNCED
    assert (now(whole).status, simulator.records()[0]["Status_Code"]) == ("complete", "C")


def test_a_record_that_is_gone_is_not_made_anew(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator, settings: Settings
) -> None:
    job = accepted(sent_status(whole, sender), approver)
    delete_in_spectrum(simulator, whole)
    settings.INFO_LINKS = {}
    job = delivered(job)
    assert (job.status, simulator.records()) == (JobStatus.FAILED, [])
    assert "Job_Number" in job.problem or "GL_Account" in job.problem


def test_a_record_that_read_back_does_not_show_gets_no_status(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    calls = len(simulator.calls())
    job = accepted(sent_status(whole, sender), approver)
    delete_in_spectrum(simulator, whole)
    job = delivered(job)
    assert (job.status, len(simulator.calls())) == (JobStatus.FAILED, calls)
    assert "not in Spectrum any more" in job.problem


def test_unlink_ends_every_submission_of_the_commitment(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    done = delivered(accepted(sent_status(whole, sender), approver))
    pending = sent_status(whole, sender, "terminated")
    join_project(approver, whole.submission.project, Level.ADMIN)
    with pytest.raises(Conflict):
        submissions.unlink(submission=done.submission, by=approver, expected_version=done.attempt)
    delete_in_spectrum(simulator, whole)
    submissions.unlink(submission=whole.submission, by=approver, expected_version=whole.attempt)
    statuses = Submission.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["unlinked", "unlinked", "retrieved"]
    assert set(ExportJob.objects.values_list("status", flat=True)) == {JobStatus.CANCELLED}
    assert (now(whole).lock, pending.pk > done.submission_id) == (Lock.NONE, True)


def test_a_status_that_was_changed_there_is_told_until_it_agrees(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    job = delivered(accepted(sent_status(whole, sender), approver))
    in_spectrum(simulator, SET_STATUS, "A")
    verification.verify_due()
    assert of(job).verification == Verification.DIFFERS
    assert reconciled(whole).verification == Verification.DIFFERS
    assert Drift.objects.current().get().job == whole
    in_spectrum(simulator, SET_STATUS, "C")
    assert reconciled(whole).verification == of(job).verification == Verification.MATCH
    assert not Drift.objects.current().exists()


def test_a_status_goes_to_where_its_record_was_followed(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    first = delivered(accepted(sent_status(whole, sender), approver))
    second = accepted(sent_status(whole, sender, "terminated"), approver)
    simulator.change_keys(company="PHL", vendor="ACME", number=whole.erp_id, to_number="SC-MOVED")
    verification.verify_due()
    assert delivered(second).status == JobStatus.FAILED
    assert reconciled(whole).verification == Verification.ELSEWHERE
    join_project(approver, whole.submission.project, Level.ADMIN)
    (move,) = submissions.list_moves(of(whole))
    submissions.follow(
        submission=whole.submission,
        by=approver,
        expected_version=whole.attempt,
        fingerprint=move.record.fingerprint,
    )
    assert of(first).verification == Verification.ATTESTED
    basis = build_basis(second.submission.document)
    submission = Submission.objects.get(pk=second.submission_id)
    with pytest.raises(ExportBlocked):
        submissions.accept_again(
            submission=submission, by=approver, expected_hash=basis.hash, erp_id=whole.erp_id
        )
    job = submissions.accept_again(
        submission=submission, by=approver, expected_hash=basis.hash, erp_id="SC-MOVED"
    )
    assert delivered(job).status == JobStatus.SYNCED
    verification.verify_due()
    (record,) = simulator.records()
    assert (record["Subcontract_Number"], record["Status_Code"]) == ("SC-MOVED", "I")
    assert reconciled(whole).verification == of(job).verification == Verification.MATCH


def test_void_is_blocked_where_something_is_billed(whole: ExportJob, sender: User, approver: User) -> None:
    awaiting_void = sent_status(whole, sender, "void")
    JobBilling.objects.create(job=whole, billed=100, paid=0, read_at=timezone.now())
    with pytest.raises(ExportBlocked):
        accepted(awaiting_void, approver)
    submissions.retrieve_from_erp(commitment=now(whole), by=sender)
    with pytest.raises(Conflict, match="billed"):
        sent_status(whole, sender, "void")
    assert sent_status(whole, sender, "terminated").status == SubmissionStatus.AWAITING


def test_a_status_that_nobody_has_named_in_the_settings_is_not_sent(whole: ExportJob, sender: User) -> None:
    ConnectionSettings.objects.update(terminated_code="")
    with pytest.raises(Conflict, match="Terminated in Spectrum"):
        sent_status(whole, sender, "terminated")


def test_another_code_than_the_accepted_one_is_not_written(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator
) -> None:
    job = accepted(sent_status(whole, sender), approver)
    ConnectionSettings.objects.update(complete_code="I")
    assert delivered(job).status == JobStatus.FAILED
    assert simulator.records()[0]["Status_Code"] == "A"


def test_it_goes_to_its_record_and_no_other(whole: ExportJob, sender: User, approver: User) -> None:
    with pytest.raises(ExportBlocked):
        accepted(sent_status(whole, sender), approver, erp_id="OTHER")


def test_one_at_a_time_and_only_by_who_may_send_it(whole: ExportJob, sender: User) -> None:
    commitment = whole.submission.commitment
    for person in (CreatorFactory(project=commitment.project), commitment.created_by):
        with pytest.raises(RightMissing):
            submissions.send_status(commitment=commitment, by=person, status="complete")
    for status in ("approved", "draft", "closed", ""):
        with pytest.raises(Conflict):
            sent_status(whole, sender, status)
    first = sent_status(whole, sender)
    with pytest.raises(Conflict):
        sent_status(whole, sender, "terminated")
    with pytest.raises(Conflict):
        submissions.send_to_erp(commitment=commitment, by=sender)
    with pytest.raises(IntegrityError), transaction.atomic():
        Submission.objects.create(
            **{
                name: getattr(first, name)
                for name in ("company", "project", "commitment", "connection", "snapshot", "snapshot_hash")
            },
            **{name: getattr(first, name) for name in ("schema_version", "kind", "total", "sent_by")},
            **{name: getattr(first, name) for name in ("created_by", "purpose", "new_status")},
        )


def test_of_two_who_send_one_is_told_that_the_other_was_first(whole: ExportJob, sender: User) -> None:
    for _ in ROUNDS:
        results = race(lambda: sent_status(whole, sender), lambda: sent_status(whole, sender, "terminated"))
        assert [type(refusal) for refusal in refusals(results)] == [Conflict]
        assert Submission.objects.awaiting().count() == 1
        submissions.retrieve_from_erp(commitment=now(whole), by=sender)


def test_its_page_sends_and_retrieves_it_and_accounting_sees_a_status(
    whole: ExportJob, sender: User, approver: User
) -> None:
    address = whole.submission.commitment.get_absolute_url()
    client = signed_in(sender)
    assert 'value="terminated">Terminated' in client.get(address).content.decode()
    page = client.post(f"{address}send-status/", {"status": "complete"}, follow=True).content.decode()
    assert "It changes here once Spectrum has it." in page
    assert "Complete: Awaiting accounting" in page
    status = Submission.objects.get(purpose=Purpose.STATUS)
    accounting = signed_in(approver)
    slug = whole.submission.company.slug
    listed = accounting.get(f"/companies/{slug}/erp-integrations/commitments/").content.decode()
    assert "Status to Complete: " in listed
    dialog = accounting.get(f"{status.get_absolute_url()}accept/").content.decode()
    assert "Approved to Complete" in dialog
    assert "Export changes the status in Spectrum and nothing else" in dialog
    assert "Status Complete sent to accounting" in client.get(address).content.decode()
    assert "Re-sent" not in client.get(address).content.decode()
    assert "Schedule of Values" not in dialog
    client.post(f"{address}retrieve-from-erp/")
    rejected = sent_status(whole, sender)
    posted = {"expected_hash": rejected.snapshot_hash, "expected_version": 0, "reason": "Not yet."}
    accounting.post(f"{rejected.get_absolute_url()}reject/", posted)
    mail = OutgoingEmail.objects.get(kind="rejection", recipient=sender)
    assert "keeps the status that it has" in mail.text_body
    assert "Complete: Rejected" in client.get(address).content.decode()


@pytest.mark.parametrize("altered", [{"new_status": "terminated"}, {"purpose": "whole", "new_status": ""}])
def test_what_it_was_sent_for_can_not_be_altered(
    whole: ExportJob, sender: User, approver: User, altered: dict[str, str]
) -> None:
    status = sent_status(whole, sender)
    if "purpose" in altered:  # beside the open whole, only one that is rejected could be
        submissions.reject(submission=status, by=approver, reason="Not yet.")
    Submission.objects.filter(pk=status.pk).update(**altered)
    with pytest.raises(SnapshotUnreadable, match="altered after it was sent"):
        accepted(Submission.objects.get(pk=status.pk), approver)


def test_who_sent_it_does_not_decide(whole: ExportJob, approver: User) -> None:
    join_project(approver, whole.submission.project, Level.ADMIN)
    status = sent_status(whole, approver)
    with pytest.raises(RightMissing):
        accepted(status, approver)


def test_a_worker_that_stops_after_the_answer_leaves_nothing_half_done(
    whole: ExportJob, sender: User, approver: User, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the answer and its end: taken up again, it is recorded and not sent twice."""
    job = accepted(sent_status(whole, sender), approver)

    def die(*args: object, **kwargs: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(outcomes, "record_synced", die)
        with pytest.raises(SystemExit):
            worker.export_due_jobs(job.connection_id)
    ExportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now())
    worker.run_sweep()
    assert of(job).status in (JobStatus.UNKNOWN, JobStatus.INCOMPLETE)
    assert now(whole).status == "approved"
    if of(job).status == JobStatus.UNKNOWN:
        job = looked(job)
    else:
        delivered(job)
    assert of(job).status == JobStatus.SYNCED
    assert now(whole).status == "complete"
    assert sent(simulator, job).count(HEADER) == 2
