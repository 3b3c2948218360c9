"""The sequels of a delivery: undo, resolve, resume, reject of a part, unlink; against the simulator."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from commitments import services as commitments
from commitments.models import Badge, Commitment, Lock
from directory.models import CompanyMembership, HistoryEntry, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.checks import leftovers, preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import worker
from erp_integrations.models import (
    CallState,
    ConnectionState,
    ErpIdHold,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.snapshots import build_document
from erp_integrations.submissions import Attested
from tests.clients import signed_in
from tests.conftest import session_of_owner
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import (
    HEADER,
    LINE,
    NOWHERE,
    delete_in_spectrum,
    delivered,
    in_spectrum,
    incomplete_at,
    looked,
    of,
    quiet_is_over,
    sent,
    states,
    unknown_at,
)
from tests.factories import ApproverFactory, ExportJobFactory, ViewerFactory, join_project
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

WRITTEN, PLANNED, GONE = CallState.WRITTEN, CallState.PLANNED, CallState.GONE
SAW = "I opened it in Spectrum at noon."


@pytest.fixture
def read_back(simulator: Simulator, settings: Settings) -> None:
    """Spectrum can be read back, without delay."""
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


@pytest.fixture
def unlinker(approver: User, deliverable: Commitment) -> User:
    """An accounting approver who is also Admin on the project's Commitments tool."""
    join_project(approver, deliverable.project, "admin")  # type: ignore[arg-type]
    return approver


def submission_of(job: ExportJob) -> Submission:
    return Submission.objects.select_related("commitment", "decided_by").get(pk=job.submission_id)


def detail_of(event: str) -> dict[str, object]:
    detail: dict[str, object] = HistoryEntry.objects.get(event=event).detail
    return detail


def resolve(job: ExportJob, by: User, attested: Attested, **more: object) -> ExportJob:
    values: dict[str, object] = {"statement": SAW, "expected_version": job.attempt, **more}
    return submissions.resolve(submission=job.submission, by=by, attested=attested, **values)  # type: ignore[arg-type]


class TestUndo:
    def test_within_the_grace_no_worker_begins_and_undo_leaves_nothing_behind(
        self, simulator: Simulator, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.UNDO_SECONDS = 60
        job = accept(awaiting, approver)
        assert worker.run_sweep() == []
        assert delivered(job).status == JobStatus.QUEUED
        submissions.undo(submission=awaiting, by=approver)
        job = of(job)
        assert job.status == JobStatus.CANCELLED
        submission = submission_of(job)
        assert (submission.status, submission.decided_by) == (SubmissionStatus.AWAITING, None)
        assert (submission.commitment.badge, submission.commitment.lock) == (Badge.AWAITING, Lock.WHOLE)
        assert submission.erp_id == ""
        assert not ErpIdHold.objects.exists()
        assert sent(simulator, job) == []
        assert detail_of("submission.undone")["accepted_by"] == approver.pk
        assert accept(submission, approver).status == JobStatus.QUEUED

    @pytest.mark.parametrize(("seconds", "messages"), [(0, 1), (60, 0)])
    def test_a_worker_is_woken_only_for_what_is_due(
        self, awaiting: Submission, approver: User, settings: Settings, seconds: int, messages: int
    ) -> None:
        settings.UNDO_SECONDS = seconds
        with transaction.atomic():
            accept(awaiting, approver)
            after_the_commit = [each[1].__qualname__ for each in connection.run_on_commit]
        assert sum(name.startswith("wake.") for name in after_the_commit) == messages

    def test_when_the_grace_is_over_it_is_exported(
        self, simulator: Simulator, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.UNDO_SECONDS = 0.05
        job = accept(awaiting, approver)
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        assert delivered(job).status == JobStatus.SYNCED

    @pytest.mark.parametrize("fault", ["unauthorised", "hang_before_commit", "refuse"])
    def test_once_a_call_may_have_been_written_it_is_too_late(
        self, simulator: Simulator, queued: ExportJob, approver: User, fault: str
    ) -> None:
        simulator.set_faults({"kind": fault, "seconds": 0.1, "method": LINE})
        job = delivered(queued)
        with pytest.raises(submissions.Conflict, match="too late"):
            submissions.undo(submission=job.submission, by=approver)
        assert submission_of(job).status == SubmissionStatus.ACCEPTED

    def test_after_an_unknown_of_which_nothing_was_found_it_is_too_late_too(
        self, simulator: Simulator, queued: ExportJob, approver: User, read_back: None
    ) -> None:
        job = looked(unknown_at(simulator, queued, kind="hang_before_commit", seconds=0.1))
        assert job.status == JobStatus.QUEUED
        with pytest.raises(submissions.Conflict, match="too late"):
            submissions.undo(submission=job.submission, by=approver)

    def test_a_connection_that_rests_does_not_stop_an_undo(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        simulator.set_faults({"kind": "unauthorised"})
        job = delivered(queued)
        assert job.status == JobStatus.QUEUED
        submissions.undo(submission=job.submission, by=approver)
        assert of(job).status == JobStatus.CANCELLED

    def test_it_needs_the_right_and_another_persons_commitment(self, queued: ExportJob, sender: User) -> None:
        with pytest.raises(RightMissing):
            submissions.undo(
                submission=queued.submission, by=ViewerFactory(company=queued.submission.company)
            )
        with pytest.raises(RightMissing):
            submissions.undo(submission=queued.submission, by=sender)
        assert of(queued).status == JobStatus.QUEUED

    def test_what_is_not_accepted_can_not_be_undone(self, awaiting: Submission, approver: User) -> None:
        with pytest.raises(submissions.Conflict):
            submissions.undo(submission=awaiting, by=approver)


class TestRevocation:
    def test_the_sweep_takes_back_what_waits_for_another_reason(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        """Also where the claim comes much later, as on a connection that rests."""
        ExportJob.objects.filter(pk=queued.pk).update(not_before=timezone.now() + timedelta(hours=1))
        CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=False)
        worker.run_sweep()
        job = of(queued)
        assert job.status == JobStatus.CANCELLED
        assert submission_of(job).status == SubmissionStatus.AWAITING
        assert detail_of("submission.returned")["accepted_by"] == approver.pk

    def test_what_has_begun_is_finished(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        simulator.set_faults({"kind": "unauthorised", "method": LINE, "times": 1})
        job = delivered(queued)
        CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=False)
        worker.run_sweep()
        assert of(job).status == JobStatus.INCOMPLETE
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        ConnectionState.objects.update(not_before=None, awaits_probe=False)
        assert delivered(job).status == JobStatus.SYNCED

    def test_one_job_that_can_not_be_taken_up_does_not_stop_the_sweep(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=False)
        broken = ExportJobFactory(abandoned=True)
        with connection.cursor() as cursor:
            # Its commitment's row is held by somebody who does not let go.
            cursor.execute("SET lock_timeout = '200ms'")
        with session_of_owner() as owner:
            table = Commitment._meta.db_table
            owner.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", [broken.submission.commitment_id])
            assert worker.run_sweep() == []
        assert of(queued).status == JobStatus.CANCELLED
        assert of(broken).status == JobStatus.EXPORTING


class TestResolve:
    def test_before_the_quiet_period_is_over_it_waits_and_says_until_when(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        for attested in Attested:
            with pytest.raises(submissions.TooEarly, match=r"can decide from .*, \d\d:\d\d UTC"):
                resolve(job, approver, attested, positions=[1])
        assert of(job).status == JobStatus.UNKNOWN

    def test_all_of_it_is_synced_and_attested_in_words_that_are_kept(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=LINE, on_call=2)
        quiet_is_over(job)
        resolve(job, approver, Attested.ALL, statement=f"  {SAW} ")
        job = of(job)
        assert (job.status, job.verification, states(job)) == (
            JobStatus.SYNCED,
            Verification.ATTESTED,
            [WRITTEN] * 3,
        )
        commitment = job.submission.commitment
        assert (commitment.badge, commitment.lock, commitment.erp_id) == (
            Badge.SYNCED,
            Lock.EXPORTED,
            job.erp_id,
        )
        entry = HistoryEntry.objects.get(event="export.attested_all")
        assert (entry.by_id, entry.detail["statement"]) == (approver.pk, SAW)
        assert len(sent(simulator, job)) == 3

    def test_none_of_it_is_sent_once_more_on_the_decision_of_who_said_so(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="hang_before_commit", method=HEADER, seconds=0.1)
        quiet_is_over(job)
        second: User = ApproverFactory(company=job.submission.company)
        resolve(job, second, Attested.NONE)
        assert (of(job).status, of(job).tries) == (JobStatus.QUEUED, 0)
        assert states(job) == [CallState.NOT_FOUND, PLANNED, PLANNED]
        assert submission_of(job).decided_by == second
        CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=False)
        assert delivered(job).status == JobStatus.SYNCED
        assert sent(simulator, job) == [HEADER, HEADER, LINE, LINE]

    def test_of_a_part_the_others_go_on_and_the_end_is_attested(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_fault", method=LINE, on_call=1)
        quiet_is_over(job)
        resolve(job, approver, Attested.PART, positions=[1, 2])
        assert (of(job).status, states(job)) == (JobStatus.INCOMPLETE, [WRITTEN, WRITTEN, PLANNED])
        job = delivered(job)
        assert (job.status, job.verification) == (JobStatus.SYNCED, Verification.ATTESTED)
        assert sent(simulator, job) == [HEADER, LINE, LINE]

    @pytest.mark.parametrize("positions", [[], [2], [1, 2, 3]])
    def test_a_part_is_neither_nothing_nor_all_and_begins_with_the_header(
        self, simulator: Simulator, queued: ExportJob, approver: User, positions: list[int]
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        quiet_is_over(job)
        with pytest.raises(submissions.StatementMissing):
            resolve(job, approver, Attested.PART, positions=positions)
        assert of(job).status == JobStatus.UNKNOWN

    @pytest.mark.parametrize("statement", ["", "  ", "…"])
    def test_words_are_required(
        self, simulator: Simulator, queued: ExportJob, approver: User, statement: str
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        quiet_is_over(job)
        with pytest.raises(submissions.StatementMissing, match="Say what you found"):
            resolve(job, approver, Attested.ALL, statement=statement)
        assert of(job).status == JobStatus.UNKNOWN

    def test_where_spectrum_can_be_read_back_it_is_asked_and_not_a_person(
        self, simulator: Simulator, queued: ExportJob, approver: User, read_back: None
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        quiet_is_over(job)
        with pytest.raises(submissions.TooEarly, match="Spectrum is read back first"):
            resolve(job, approver, Attested.NONE)

    def test_other_content_is_a_persons_to_judge_even_there(
        self, simulator: Simulator, queued: ExportJob, approver: User, read_back: None
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        in_spectrum(
            simulator,
            "UPDATE VN_SUBCONTRACT_MC SET Retention_Percent = 7.5 WHERE trim(Subcontract_Number) = ?",
            job.erp_id,
        )
        job = looked(job)
        assert job.needs_manual_resolution
        resolve(job, approver, Attested.PART, positions=[1])
        detail = detail_of("export.attested_part")
        assert detail["seen"] == job.differences
        assert delivered(job).status == JobStatus.SYNCED
        assert sent(simulator, job) == [HEADER, LINE, LINE]

    def test_it_needs_the_right(self, simulator: Simulator, queued: ExportJob, sender: User) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        quiet_is_over(job)
        for person in (sender, ViewerFactory(company=job.submission.company)):
            with pytest.raises(RightMissing):
                resolve(job, person, Attested.ALL)

    def test_what_is_known_by_now_is_not_overruled(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        quiet_is_over(job)
        resolve(job, approver, Attested.PART, positions=[1])
        with pytest.raises(submissions.Conflict):
            resolve(job, approver, Attested.NONE)
        ExportJob.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
        with pytest.raises(submissions.Conflict, match="has moved on since you opened it"):
            resolve(job, approver, Attested.NONE)


class TestResume:
    def test_it_goes_on_with_the_calls_that_are_not_written(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        assert worker.run_sweep() == []
        submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        assert HistoryEntry.objects.get(event="export.resumed").by_id == approver.pk
        job = delivered(job)
        assert job.status == JobStatus.SYNCED
        assert sent(simulator, job) == [HEADER, LINE, LINE, LINE]

    def test_what_somebody_changed_in_spectrum_stops_it_before_the_wire(
        self, simulator: Simulator, queued: ExportJob, approver: User, read_back: None
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        in_spectrum(
            simulator,
            "UPDATE VN_SUBCONTRACT_MC SET Job_Number = '24-002' WHERE trim(Subcontract_Number) = ?",
            job.erp_id,
        )
        submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        job = delivered(job)
        assert (job.status, job.not_before) == (JobStatus.INCOMPLETE, None)
        assert "nother contract, of job 24-002" in job.problem
        assert sent(simulator, job) == [HEADER, LINE, LINE]

    def test_it_needs_the_right_and_the_delivery_that_was_seen(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = incomplete_at(simulator, queued, 1)
        with pytest.raises(RightMissing):
            submissions.resume(
                submission=job.submission,
                by=ViewerFactory(company=job.submission.company),
                expected_version=job.attempt,
            )
        with pytest.raises(submissions.Conflict, match="has moved on since"):
            submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt - 1)
        assert of(job).not_before is None

    def test_only_an_incomplete_one_is_resumed(self, queued: ExportJob, approver: User) -> None:
        with pytest.raises(submissions.Conflict):
            submissions.resume(submission=queued.submission, by=approver, expected_version=queued.attempt)

    def test_whoever_resumes_second_is_told_that_it_goes_on(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        other = ApproverFactory(company=job.submission.company)
        with pytest.raises(submissions.Conflict, match="already been resumed"):
            submissions.resume(submission=job.submission, by=other, expected_version=job.attempt)
        assert HistoryEntry.objects.get(event="export.resumed").by_id == approver.pk
        page = signed_in(other).get(job.submission.get_absolute_url()).content.decode()
        assert ">Resume</a>" not in page

    def test_it_waits_for_a_quiet_period(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = incomplete_at(simulator, queued, 1)
        ExportJob.objects.filter(pk=job.pk).update(quiet_until=timezone.now() + timedelta(minutes=1))
        with pytest.raises(submissions.TooEarly):
            submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        with pytest.raises(submissions.TooEarly):
            submissions.reject(submission=job.submission, by=approver, reason="Too early.")


class TestRejectingAPart:
    @pytest.fixture
    def rejected(
        self, simulator: Simulator, queued: ExportJob, approver: User, settings: Settings
    ) -> ExportJob:
        """Header and line 1 are in Spectrum; line 2 was refused, and then the commitment rejected."""
        job = incomplete_at(simulator, queued, 2)
        submissions.reject(submission=job.submission, by=approver, reason="Phase 05-10000 is closed.")
        return of(job)

    def change(self, job: ExportJob, **values: object) -> Commitment:
        commitment = Commitment.objects.get(pk=job.submission.commitment_id)
        return commitments.update_commitment(
            commitment=commitment,
            by=commitment.created_by,
            version=commitment.version,
            values={name: value for name, value in values.items() if name != "lines"},
            lines=values.get("lines"),  # type: ignore[arg-type]
        )

    def lines_of(self, job: ExportJob) -> list[dict[str, object]]:
        stored = job.submission.commitment.lines.select_related("cost_code", "cost_type").order_by("position")
        return [{name: getattr(line, name) for name in commitments.LINE_FIELDS} for line in stored]

    def blocking(self, commitment: Commitment) -> set[str]:
        basis = build_basis(build_document(commitment))
        found = preflight.check_export(basis, moment=preflight.Moment.SEND, erp_id=basis.proposed_erp_id)
        return {finding.code for finding in preflight.list_blocking(found)}

    def test_it_is_unlocked_and_its_erp_id_stays_its_own(self, rejected: ExportJob) -> None:
        assert rejected.status == JobStatus.CANCELLED
        commitment = rejected.submission.commitment
        assert (commitment.badge, commitment.lock) == (Badge.REJECTED, Lock.NONE)
        hold = ErpIdHold.objects.get()
        assert (hold.commitment, hold.erp_id) == (commitment, rejected.erp_id)
        assert detail_of("submission.rejected")["left_in_spectrum"] == ["Subcontract", "Line 1"]

    def test_corrected_and_re_sent_it_goes_on_in_the_same_record(
        self, simulator: Simulator, rejected: ExportJob, sender: User, approver: User, read_back: None
    ) -> None:
        commitment = self.change(rejected, title="Corrected works", description="")
        assert self.blocking(commitment) == set()
        again = submissions.send_to_erp(commitment=commitment, by=sender)
        job = delivered(accept(again, approver))
        assert job.status == JobStatus.SYNCED, job.problem
        record = simulator.record(rejected.erp_id)
        assert record is not None
        assert record["Comment_1"].strip() == "Corrected works"
        assert len(record["lines"]) == 2

    def test_vendor_job_and_erp_id_stay_fixed(
        self, rejected: ExportJob, sender: User, approver: User
    ) -> None:
        commitment = rejected.submission.commitment
        rejected.connection.vendor_links.update(vendor_code="BOLT")
        commitment.project.job_link.job_number = "24-002"
        commitment.project.job_link.save()
        assert self.blocking(commitment) == {"vendor-fixed", "job-fixed"}
        with pytest.raises(submissions.ExportBlocked):
            submissions.send_to_erp(commitment=commitment, by=sender)
        rejected.connection.vendor_links.update(vendor_code="ACME")
        commitment.project.job_link.job_number = "24-001"
        commitment.project.job_link.save()
        again = submissions.send_to_erp(commitment=commitment, by=sender)
        with pytest.raises(submissions.ExportBlocked) as refusal:
            accept(again, approver, erp_id="OTHER")
        assert [finding.code for finding in refusal.value.issues] == ["erp-id-fixed"]

    def test_a_line_that_is_in_spectrum_and_not_in_the_commitment_blocks_until_it_is_deleted_there(
        self, simulator: Simulator, rejected: ExportJob, sender: User, read_back: None
    ) -> None:
        second = self.lines_of(rejected)[1:]
        commitment = self.change(rejected, lines=second)
        assert self.blocking(commitment) == {"line-left-in-spectrum"}
        ExportJob.objects.filter(pk=rejected.pk).update(verify_after=timezone.now() - timedelta(seconds=1))
        assert leftovers.list_due_for_read_back() == [rejected.pk]
        assert leftovers.read_back_leftovers(rejected.pk) == 0
        assert self.blocking(commitment) == {"line-left-in-spectrum"}
        in_spectrum(
            simulator,
            "DELETE FROM VN_SUBCONTRACT_PHASE_MC WHERE trim(Subcontract_Number) = ?",
            rejected.erp_id,
        )
        assert leftovers.read_back_leftovers(rejected.pk) == 1
        assert states(rejected) == [WRITTEN, GONE, CallState.REFUSED]
        assert self.blocking(commitment) == set()
        submissions.send_to_erp(commitment=commitment, by=sender)

    def test_where_that_can_t_be_looked_up_the_approver_is_told(self, rejected: ExportJob) -> None:
        commitment = self.change(rejected, lines=self.lines_of(rejected)[1:])
        basis = build_basis(build_document(commitment))
        found = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=rejected.erp_id)
        (finding,) = [each for each in found if each.code == "line-left-in-spectrum"]
        assert (finding.severity, "Delete it in Spectrum" in finding.action) == ("cannot_check", True)

    def test_a_record_that_is_deleted_whole_frees_everything(
        self, simulator: Simulator, rejected: ExportJob, read_back: None
    ) -> None:
        delete_in_spectrum(simulator, rejected)
        assert leftovers.read_back_leftovers(rejected.pk) == 2
        assert leftovers.list_due_for_read_back() == []
        rejected.connection.vendor_links.update(vendor_code="BOLT")
        assert self.blocking(rejected.submission.commitment) == set()

    def test_a_second_export_that_is_taken_back_keeps_the_erp_id(
        self, rejected: ExportJob, sender: User, approver: User
    ) -> None:
        commitment = Commitment.objects.get(pk=rejected.submission.commitment_id)
        again = submissions.send_to_erp(commitment=commitment, by=sender)
        accept(again, approver)
        submissions.undo(submission=again, by=approver)
        assert ErpIdHold.objects.get().erp_id == rejected.erp_id
        submissions.reject(submission=again, by=approver, reason="Not yet.")
        assert ErpIdHold.objects.get().erp_id == rejected.erp_id


class TestUnlink:
    def unlink(self, job: ExportJob, by: User, statement: str = "") -> Submission:
        return submissions.unlink(
            submission=submission_of(job), by=by, expected_version=job.attempt, statement=statement
        )

    def test_a_record_that_is_gone_frees_commitment_and_erp_id(
        self, simulator: Simulator, queued: ExportJob, unlinker: User, read_back: None
    ) -> None:
        job = delivered(queued)
        delete_in_spectrum(simulator, job)
        self.unlink(job, unlinker)
        job = of(job)
        assert (job.status, states(job)) == (JobStatus.CANCELLED, [GONE] * 3)
        submission = submission_of(job)
        assert (submission.status, submission.ended_by) == (SubmissionStatus.UNLINKED, unlinker)
        commitment = submission.commitment
        assert (commitment.badge, commitment.lock, commitment.erp_id) == (Badge.UNLINKED, Lock.NONE, "")
        assert not ErpIdHold.objects.exists()
        assert detail_of("submission.unlinked")["proof"] == "read back"

    def test_one_that_spectrum_still_shows_is_not_unlinked(
        self, simulator: Simulator, queued: ExportJob, unlinker: User, read_back: None
    ) -> None:
        job = delivered(queued)
        with pytest.raises(submissions.DecisionError, match="Spectrum still has vendor ACME"):
            self.unlink(job, unlinker, SAW)
        assert of(job).status == JobStatus.SYNCED

    def test_nor_one_of_which_nobody_can_tell(
        self, simulator: Simulator, queued: ExportJob, unlinker: User, settings: Settings, read_back: None
    ) -> None:
        job = delivered(queued)
        settings.INFO_LINKS = NOWHERE
        with pytest.raises(submissions.DecisionError, match="Try again in a moment"):
            self.unlink(job, unlinker, SAW)
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        settings.READ_BACK_LAG_SECONDS = 60
        delete_in_spectrum(simulator, job)
        with pytest.raises(submissions.TooEarly, match="written a moment ago"):
            self.unlink(job, unlinker, SAW)
        assert of(job).status == JobStatus.SYNCED

    def test_without_read_back_a_persons_words_are_the_proof(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = incomplete_at(simulator, queued, 1)
        with pytest.raises(submissions.StatementMissing):
            self.unlink(job, unlinker)
        self.unlink(job, unlinker, SAW)
        assert of(job).status == JobStatus.CANCELLED
        detail = detail_of("submission.unlinked")
        assert (detail["proof"], detail["statement"]) == ("attested", SAW)

    def test_it_needs_both_rights(
        self, simulator: Simulator, queued: ExportJob, approver: User, sender: User
    ) -> None:
        job = delivered(queued)
        for person in (approver, sender):
            with pytest.raises(RightMissing):
                self.unlink(job, person, SAW)
        assert of(job).status == JobStatus.SYNCED

    @pytest.mark.parametrize("status", ["queued", "unknown"])
    def test_only_what_is_in_spectrum_is_unlinked(
        self, simulator: Simulator, queued: ExportJob, unlinker: User, status: str
    ) -> None:
        job = queued
        if status == "unknown":
            job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
            with pytest.raises(submissions.TooEarly):
                self.unlink(job, unlinker, SAW)
            quiet_is_over(job)
        with pytest.raises(submissions.Conflict):
            self.unlink(job, unlinker, SAW)
        assert of(job).status == status

    def test_sent_again_it_is_a_new_record_and_a_strangers_is_not_overwritten(
        self, simulator: Simulator, queued: ExportJob, unlinker: User, sender: User, read_back: None
    ) -> None:
        job = delivered(queued)
        delete_in_spectrum(simulator, job)
        self.unlink(job, unlinker)
        commitment = Commitment.objects.get(pk=job.submission.commitment_id)
        in_spectrum(
            simulator,
            "INSERT INTO VN_SUBCONTRACT_MC (Company_Code, Vendor_Code, Subcontract_Number, Job_Number, "
            "Status_Code, GL_Account, Date_Issued, Insurance_Cert_Flag, Unit_Price_Flag, Original_Amount, "
            "Simulator_Stored_At) VALUES ('PHL', 'ACME      ', ?, '24-001    ', 'A', '500100', '2015-07-04', "
            "'N', 'N', 99, '2015-07-04')",
            job.erp_id.ljust(10),
        )
        # The person who unlinked may decide on it: they neither created nor sent it.
        again = delivered(accept(submissions.send_to_erp(commitment=commitment, by=sender), unlinker))
        assert again.status == JobStatus.FAILED
        assert "which was not created here" in again.problem
