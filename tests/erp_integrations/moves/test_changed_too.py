"""A record that was moved and changed, or whose key another contract has: no money is doubled for it."""

import pytest

from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.checks import leftovers
from erp_integrations.exports import verification
from erp_integrations.models import (
    CallState,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.pages import previews
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import (
    delivered,
    in_spectrum,
    incomplete_at,
    looked,
    of,
    sent,
    states,
    unknown_at,
)
from tests.erp_integrations.moves.test_moved import (
    KNOWS,
    MOVED,
    amounts,
    as_ours,
    compared,
    move_record,
    renumber,
    told,
    unlink,
)
from tests.erp_integrations.submissions.test_adopting import adopt, written_elsewhere
from tests.factories import lists_know
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

LINES = "UPDATE VN_SUBCONTRACT_PHASE_MC SET"
ONE_MORE = f"{LINES} Original_Contract_Amount = Original_Contract_Amount + 1"
ONE_LINE = f"{ONE_MORE} WHERE trim(Phase_Code) = '0510000'"
COST_TYPES = f"{LINES} Cost_Type = 'M'"

RENUMBERED: dict[str, object] = {"number": True, "to_number": MOVED}
CHANGED: dict[str, tuple[dict[str, object], str]] = {
    "renumbered and one amount changed": (RENUMBERED, ONE_LINE),
    "renumbered and all amounts changed": (RENUMBERED, ONE_MORE),
    "renumbered and the cost types corrected": (RENUMBERED, COST_TYPES),
    "given to another vendor and all amounts changed": ({"number": True, "to": "BOLT"}, ONE_MORE),
}
changed = pytest.mark.parametrize(("move", "change"), CHANGED.values(), ids=CHANGED)


def move_and_change(simulator: Simulator, job: ExportJob, move: dict[str, object], change: str) -> None:
    move_record(simulator, job, **move)
    in_spectrum(simulator, change)


def another_job_has_its_key(simulator: Simulator, job: ExportJob) -> None:
    """Ours was renumbered, and somebody has entered a contract for another job under its number."""
    renumber(simulator, job)
    as_ours(simulator, job.submission, job.erp_id, Job_Number="24-002")


@changed
class TestMovedAndChanged:
    def test_unlink_is_refused_until_the_very_record_is_ticked_off_with_words(
        self,
        simulator: Simulator,
        synced: ExportJob,
        unlinker: User,
        move: dict[str, object],
        change: str,
    ) -> None:
        move_and_change(simulator, synced, move, change)
        with pytest.raises(submissions.RecordMayHaveMoved) as refused:
            unlink(synced, unlinker, KNOWS)
        (record,) = refused.value.records
        with pytest.raises(submissions.RecordMayHaveMoved, match="say how you know"):
            unlink(synced, unlinker, "", record.fingerprint)
        unlink(synced, unlinker, KNOWS, record.fingerprint)
        detail = HistoryEntry.objects.get(event="submission.unlinked").detail
        assert (detail["statement"], detail["other_records"][0]["fingerprint"]) == (KNOWS, record.fingerprint)

    def test_it_is_missing_and_the_finding_names_what_may_be_it(
        self,
        simulator: Simulator,
        synced: ExportJob,
        unlinker: User,
        move: dict[str, object],
        change: str,
    ) -> None:
        move_and_change(simulator, synced, move, change)
        job = compared(synced)
        ((kind, _, now),) = told(job)
        assert kind == "missing"
        assert (
            f"it may be vendor {move.get('to', 'ACME')}, subcontract {move.get('to_number', job.erp_id)}"
            in now
        )
        assert job.verification == Verification.ABSENT
        with pytest.raises(
            submissions.DecisionError, match="no longer has it under another vendor or number"
        ):
            submissions.list_moves(job)  # nobody but a person can say that it is the same

    def test_accept_is_blocked_and_the_worker_writes_nothing(
        self,
        simulator: Simulator,
        synced: ExportJob,
        unlinker: User,
        sender: User,
        move: dict[str, object],
        change: str,
    ) -> None:
        move_and_change(simulator, synced, move, change)
        with pytest.raises(submissions.RecordMayHaveMoved) as refused:
            unlink(synced, unlinker)
        others = [each.fingerprint for each in refused.value.records]
        unlink(synced, unlinker, KNOWS, *others)
        again = submissions.send_to_erp(commitment=of(synced).submission.commitment, by=sender)
        lists_know(again.commitment)
        seen = previews.build_preview(again)
        assert seen.is_blocked
        assert seen.live_check.issue is not None
        assert "may already have it" in seen.live_check.issue.sentence
        assert previews.build_preview(again, ticked=others).live_check.issue is None
        job = delivered(accept(again, unlinker))
        assert job.status == JobStatus.FAILED
        assert "may already have it" in job.problem
        assert len(amounts(simulator)) == 1


def test_the_unlink_box_asks_for_the_tick_and_takes_it(
    simulator: Simulator, synced: ExportJob, unlinker: User
) -> None:
    move_and_change(simulator, synced, RENUMBERED, ONE_LINE)
    client = signed_in(unlinker)
    address = f"{synced.submission.get_absolute_url()}unlink/"
    answer = client.post(address, {"expected_version": synced.attempt, "statement": KNOWS})
    assert answer.status_code == 422
    assert "If it is a different record" in answer.content.decode()
    assert answer.context is not None
    (record,) = answer.context["possible"]
    ticked = {"expected_version": synced.attempt, "statement": KNOWS, "other_records": [record.fingerprint]}
    without_words = client.post(address, ticked | {"statement": ""}).content.decode()
    assert f'value="{record.fingerprint}"' in without_words
    assert "checked" in without_words
    client.post(address, ticked)
    assert of(synced).submission.status == SubmissionStatus.UNLINKED


def test_what_a_rejected_part_left_is_not_gone_because_it_was_moved_and_changed(
    simulator: Simulator, queued: ExportJob, unlinker: User
) -> None:
    job = incomplete_at(simulator, queued, 2)
    submissions.reject(submission=job.submission, by=unlinker, reason="Too dear")
    move_and_change(simulator, job, RENUMBERED, ONE_MORE)
    assert leftovers.read_back_leftovers(job.pk) == 0
    assert leftovers.find_leftovers(job.submission.commitment_id) is not None


def test_a_part_that_somebody_changed_and_completed_elsewhere_is_found_by_the_whole_plan(
    simulator: Simulator, queued: ExportJob, unlinker: User
) -> None:
    job = incomplete_at(simulator, queued, 2)
    move_and_change(simulator, job, RENUMBERED, ONE_MORE)
    rest = job.submission.document.lines[1]
    line = {"Phase_Code": "0510000", "Cost_Type": "S", "Original_Contract_Amount": str(rest.amount)}
    simulator.enter(Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number=MOVED, lines=[line])
    with pytest.raises(submissions.RecordMayHaveMoved, match=f"subcontract {MOVED}.*1 of 2 lines"):
        unlink(job, unlinker)


class TestAHeaderAlone:
    def test_that_of_another_vendor_with_only_the_number_is_not_followed(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = incomplete_at(simulator, queued, 1)
        simulator.delete(job.erp_id, vendor="ACME", company="PHL")
        as_ours(simulator, job.submission, job.erp_id, Vendor_Code="BOLT", lines=[])
        with pytest.raises(
            submissions.DecisionError, match="no longer has it under another vendor or number"
        ):
            submissions.list_moves(of(job))
        assert unlink(job, unlinker).status == SubmissionStatus.UNLINKED


class TestAKeyThatAnotherJobHas:
    def test_ours_is_followed_where_it_stands_and_unlink_says_whose_job_has_its_key(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        another_job_has_its_key(simulator, synced)
        with pytest.raises(submissions.RecordMoved, match=f"Another contract, of job 24-002.*{MOVED}"):
            unlink(synced, unlinker)
        (move,) = submissions.list_moves(of(synced))
        assert move.record.key.erp_id == MOVED

    def test_reconciliation_and_the_first_read_back_say_that_it_was_moved(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = delivered(queued)
        another_job_has_its_key(simulator, job)
        verification.verify_due()
        assert of(job).verification == Verification.ELSEWHERE
        assert [each[0] for each in told(compared(job))] == ["elsewhere"]
        simulator.delete(MOVED, vendor="ACME", company="PHL")
        job = compared(job)
        assert [(kind, now) for kind, _, now in told(job)] == [("missing", "another contract, of job 24-002")]

    def test_what_was_deleted_is_unlinked_though_its_key_is_in_use(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        simulator.delete(synced.erp_id, vendor="ACME", company="PHL")
        as_ours(simulator, synced.submission, synced.erp_id, Job_Number="24-002")
        assert unlink(synced, unlinker).status == SubmissionStatus.UNLINKED

    def test_an_unknown_is_known_to_have_moved(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = unknown_at(
            simulator, queued, kind="commit_then_reset", method="UpdateSubcontractPhases", on_call=2
        )
        another_job_has_its_key(simulator, job)
        job = looked(job)
        assert (job.status, job.has_moved) == (JobStatus.UNKNOWN, True)

    @pytest.mark.parametrize("is_ours_there", [True, False])
    def test_resume_writes_nothing_there_and_says_so(
        self, simulator: Simulator, queued: ExportJob, unlinker: User, is_ours_there: bool
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        another_job_has_its_key(simulator, job)
        if not is_ours_there:
            simulator.delete(MOVED, vendor="ACME", company="PHL")
        before = len(sent(simulator, job))
        submissions.resume(submission=job.submission, by=unlinker, expected_version=job.attempt)
        job = delivered(job)
        assert (job.status, job.has_moved) == (JobStatus.INCOMPLETE, is_ours_there)
        assert "nother contract, of job 24-002" in job.problem
        assert "Correct it there" not in job.problem
        assert len(sent(simulator, job)) == before

    def test_a_rejected_part_is_not_gone_because_another_contract_has_its_key(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        submissions.reject(submission=job.submission, by=unlinker, reason="Too dear")
        renumber(simulator, job)
        simulator.enter(
            Company_Code="PHL",
            Vendor_Code="ACME",
            Subcontract_Number=job.erp_id,
            Job_Number="24-002",
            lines=[],
        )
        assert leftovers.read_back_leftovers(job.pk) == 0


class TestReject:
    def test_what_stands_whole_under_another_number_is_not_rejected(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        as_ours(simulator, awaiting, "CHOSEN-7")
        with pytest.raises(submissions.DecisionError, match="subcontract CHOSEN-7"):
            submissions.reject(submission=awaiting, by=approver, reason="Too dear")
        assert Submission.objects.get().status == SubmissionStatus.AWAITING

    def test_nor_after_an_export_that_failed_for_it_nor_where_another_job_has_the_number(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        as_ours(simulator, awaiting, "CHOSEN-7")
        job = delivered(accept(awaiting, approver))
        assert job.status == JobStatus.FAILED
        as_ours(simulator, awaiting, job.erp_id, Job_Number="24-002")
        with pytest.raises(submissions.DecisionError, match="subcontract CHOSEN-7"):
            submissions.reject(submission=of(job).submission, by=approver, reason="Too dear")

    def test_what_may_be_it_is_rejected_and_the_history_says_where_it_may_stand(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        as_ours(simulator, awaiting, "CHOSEN-7")
        in_spectrum(simulator, ONE_LINE)
        submissions.reject(submission=awaiting, by=approver, reason="Too dear")
        detail = HistoryEntry.objects.get(event="submission.rejected").detail
        assert "subcontract CHOSEN-7" in detail["stands_in_spectrum"]


def test_a_part_is_not_adopted_where_the_whole_stands_under_another_number(
    simulator: Simulator, awaiting: Submission, approver: User
) -> None:
    written_elsewhere(awaiting, calls=2)
    as_ours(simulator, awaiting, "WHOLE")
    with pytest.raises(submissions.Conflict, match="subcontract WHOLE"):
        adopt(awaiting, approver)
    assert not ExportJob.objects.exists()


def test_no_line_is_sent_to_a_key_whose_header_was_taken_away(
    simulator: Simulator, queued: ExportJob, unlinker: User
) -> None:
    job = incomplete_at(simulator, queued, 2)
    simulator.delete(job.erp_id, vendor="ACME", company="PHL")
    before = len(sent(simulator, job))
    submissions.resume(submission=job.submission, by=unlinker, expected_version=job.attempt)
    job = delivered(job)
    assert job.status == JobStatus.INCOMPLETE
    assert "What was written is not in Spectrum" in job.problem
    assert states(job)[0] == CallState.WRITTEN
    assert len(sent(simulator, job)) == before
