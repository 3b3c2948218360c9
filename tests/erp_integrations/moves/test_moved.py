"""A record that is absent under our key may stand under another one: an absence alone proves nothing."""

from collections.abc import Callable

import pytest
from django.db import connection as database
from pytest_django import Settings

from commitments.models import Badge
from directory.models import HistoryEntry, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.adapters.base import NotFound
from erp_integrations.adapters.spectrum.readback import InfoLink
from erp_integrations.checks import leftovers
from erp_integrations.exports import ledger, verification
from erp_integrations.models import (
    CallState,
    Drift,
    ErpIdHold,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    VendorLink,
    Verification,
)
from erp_integrations.pages import previews
from erp_integrations.reconciliation import comparison, schedule
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import (
    LINE,
    delivered,
    due_now,
    in_spectrum,
    incomplete_at,
    looked,
    of,
    sent,
    states,
    unknown_at,
)
from tests.factories import CommitmentFactory, LineItemFactory, SubmissionFactory, lists_know
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

MOVED = "SC-MOVED"
KNOWS = "I asked Mrs. Bell in accounts payable: it is the second roof."


def compared(job: ExportJob) -> ExportJob:
    """The job after a whole reconciliation."""
    run, _ = schedule.open_run(job.connection)
    assert comparison.run_reconciliation(run)
    return of(job)


def move_record(simulator: Simulator, job: ExportJob, **move: object) -> None:
    """An accountant gives the vendor another code, which takes all its records along, or only this one."""
    if move.get("number") is True:
        move["number"] = job.erp_id
    simulator.change_keys(company="PHL", vendor="ACME", **move)


def renumber(simulator: Simulator, job: ExportJob) -> None:
    move_record(simulator, job, number=True, to_number=MOVED)


def amounts(simulator: Simulator) -> list[tuple[str, str]]:
    """Where money stands in Spectrum, by number."""
    return [(each["Subcontract_Number"], each["Original_Amount"]) for each in simulator.records()]


def told(job: ExportJob) -> list[tuple[str, str, str]]:
    """The job's current drift, finding by finding."""
    return [
        (each["kind"], each["exported"], each["now"])
        for found in Drift.objects.current().filter(job=job)
        for each in found.findings
    ]


def unlink(job: ExportJob, by: User, statement: str = "", *others: str) -> Submission:
    return submissions.unlink(
        submission=of(job).submission,
        by=by,
        expected_version=job.attempt,
        statement=statement,
        dismissed=others,
    )


def follow(job: ExportJob, by: User) -> ExportJob:
    """Follow to where it stands, likeliest first."""
    job = of(job)
    move = submissions.list_moves(job)[0]
    submissions.follow(
        submission=job.submission,
        by=by,
        expected_version=job.attempt,
        fingerprint=move.record.fingerprint,
    )
    return of(job)


def as_ours(simulator: Simulator, submission: Submission, number: str, **changes: object) -> None:
    """Somebody has entered the same job and lines in Spectrum, under another number."""
    lines = [
        {
            "Phase_Code": line.cost_code.replace("-", ""),
            "Cost_Type": line.cost_type,
            "Original_Contract_Amount": str(line.amount),
        }
        for line in submission.document.lines
    ]
    record = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": number, "lines": lines}
    simulator.enter(**{**record, "Job_Number": "24-001", **changes})


MOVES: dict[str, dict[str, object]] = {
    "a vendor code": {"to": "ACMENEW"},
    "another vendor, while the old one goes on": {"number": True, "to": "BOLT"},
    "another number": {"number": True, "to_number": MOVED},
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_whatever_people_do_after_a_key_was_changed_the_money_stands_there_once(
    simulator: Simulator, synced: ExportJob, unlinker: User, sender: User, move: dict[str, object]
) -> None:
    move_record(simulator, synced, **move)
    compared(synced)
    try:
        unlink(synced, unlinker)
    except submissions.DecisionError:
        pass
    else:
        again = submissions.send_to_erp(commitment=of(synced).submission.commitment, by=sender)
        box = f"{again.get_absolute_url()}accept/"
        client = signed_in(unlinker)
        page = client.get(box).context
        assert page is not None
        seen = {
            "expected_hash": page["expected_hash"],
            "expected_version": 0,
            "erp_id": synced.erp_id,
            "note": "",
        }
        client.post(box, seen)
        if (job := ExportJob.objects.filter(submission=again).first()) is not None:
            delivered(job)
    assert [amount for _, amount in amounts(simulator)] == [str(synced.submission.total)]
    assert Submission.objects.count() == 1


class TestReconciliation:
    def test_it_says_where_it_stands_and_not_that_it_is_missing(
        self, simulator: Simulator, synced: ExportJob
    ) -> None:
        renumber(simulator, synced)
        job = compared(synced)
        (found,) = told(job)
        assert found == (
            "elsewhere",
            f"vendor ACME, subcontract {job.erp_id}",
            f"vendor ACME, subcontract {MOVED}, with the same job (24-001) and 2 of 2 lines",
        )
        assert job.verification == Verification.ELSEWHERE
        assert job.submission.commitment.badge == Badge.NEEDS_ATTENTION
        assert list(Submission.objects.needing_attention()) == [job.submission]
        simulator.change_keys(company="PHL", vendor="ACME", number=MOVED, to_number=job.erp_id)
        job = compared(synced)
        assert (told(job), job.verification) == ([], Verification.MATCH)

    def test_the_first_read_back_says_so_too(self, simulator: Simulator, queued: ExportJob) -> None:
        job = delivered(queued)
        renumber(simulator, job)
        verification.verify_due()
        assert of(job).verification == Verification.ELSEWHERE
        assert HistoryEntry.objects.filter(event="export.elsewhere").exists()

    def test_a_number_alone_is_nothing(self, simulator: Simulator, synced: ExportJob, unlinker: User) -> None:
        simulator.delete(synced.erp_id, vendor="ACME", company="PHL")
        other = {"Phase_Code": "0330000", "Cost_Type": "S", "Original_Contract_Amount": "17.00"}
        as_ours(simulator, synced.submission, synced.erp_id, Vendor_Code="BOLT", lines=[other])
        as_ours(simulator, synced.submission, "OTHER-JOB", Job_Number="24-002")
        assert [each[0] for each in told(compared(synced))] == ["missing"]
        assert unlink(synced, unlinker).status == SubmissionStatus.UNLINKED

    def test_what_another_commitment_exported_is_not_it(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        twin = CommitmentFactory(
            approved=True,
            project=synced.submission.project,
            contract_company=synced.submission.commitment.contract_company,
            lines=0,
        )
        for line in synced.submission.commitment.lines.all():
            LineItemFactory(commitment=twin, cost_code=line.cost_code, amount=line.amount)
        other = delivered(accept(SubmissionFactory(commitment=twin), unlinker))
        assert other.status == JobStatus.SYNCED
        simulator.delete(synced.erp_id, vendor="ACME", company="PHL")
        assert [each[0] for each in told(compared(synced))] == ["missing"]
        assert unlink(synced, unlinker).status == SubmissionStatus.UNLINKED

    def test_phases_that_were_expanded_with_zeros_are_the_same_lines(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        lines = "UPDATE VN_SUBCONTRACT_PHASE_MC SET Phase_Code = trim(Phase_Code) || '00'"
        in_spectrum(simulator, lines)
        assert told(compared(synced)) == [
            ("elsewhere", "0330000", "033000000"),
            ("elsewhere", "0510000", "051000000"),
        ]
        job = follow(synced, unlinker)
        assert told(job) == []
        assert compared(job).verification == Verification.MATCH

    def test_a_batch_is_looked_for_at_once_and_only_where_something_is_absent(
        self, simulator: Simulator, synced: ExportJob, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks: list[int] = []
        real = InfoLink.find_moved_records

        def counted(self: InfoLink, plans: object) -> object:
            looks.append(len(plans))  # type: ignore[arg-type]
            return real(self, plans)  # type: ignore[arg-type]

        monkeypatch.setattr(InfoLink, "find_moved_records", counted)
        compared(synced)
        assert looks == []
        renumber(simulator, synced)
        compared(synced)
        assert looks == [1]


class TestUnlink:
    def test_it_is_refused_and_says_where_it_stands(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        renumber(simulator, synced)
        with pytest.raises(submissions.RecordMoved, match=f"vendor ACME, subcontract {MOVED}"):
            unlink(synced, unlinker)
        assert of(synced).status == JobStatus.SYNCED

    def test_the_box_offers_to_follow_instead(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        renumber(simulator, synced)
        address = f"{synced.submission.get_absolute_url()}unlink/"
        answer = signed_in(unlinker).post(address, {"expected_version": synced.attempt, "statement": ""})
        html = answer.content.decode()
        assert answer.status_code == 422
        assert f"subcontract {MOVED}" in html
        assert "Follow the move" in html

    @pytest.mark.parametrize(
        ("line", "refusal"), [(1, submissions.RecordMayHaveMoved), (2, submissions.RecordMoved)]
    )
    def test_so_is_that_of_a_part(
        self,
        simulator: Simulator,
        queued: ExportJob,
        unlinker: User,
        line: int,
        refusal: type[submissions.DecisionError],
    ) -> None:
        job = incomplete_at(simulator, queued, line)
        renumber(simulator, job)
        with pytest.raises(refusal):
            unlink(job, unlinker)

    def test_where_nobody_can_look_for_it_nothing_is_unlinked(
        self, simulator: Simulator, synced: ExportJob, unlinker: User, settings: Settings
    ) -> None:
        renumber(simulator, synced)
        settings.INFO_LINKS = {"simulator": "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"}
        with pytest.raises(submissions.DecisionError, match="Try again in a moment"):
            unlink(synced, unlinker)

    def test_what_a_rejected_export_left_is_not_forgotten_because_it_moved(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        submissions.reject(submission=job.submission, by=unlinker, reason="Too dear")
        renumber(simulator, job)
        assert leftovers.read_back_leftovers(job.pk) == 0
        assert leftovers.find_leftovers(job.submission.commitment_id) is not None


class TestFollow:
    def test_key_reservation_and_read_back_go_by_the_new_key_and_the_history_says_so(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        move_record(simulator, synced, number=True, to="BOLT", to_number=MOVED)
        compared(synced)
        job = follow(synced, unlinker)
        assert (job.vendor_code, job.erp_id, job.verification) == ("BOLT", MOVED, Verification.PENDING)
        assert states(job) == [CallState.WRITTEN] * 3
        hold = ErpIdHold.objects.get()
        assert (hold.vendor_code, hold.erp_id) == ("BOLT", MOVED)
        commitment = job.submission.commitment
        assert (commitment.erp_id, commitment.badge) == (MOVED, Badge.SYNCED)
        assert Submission.objects.get(pk=job.submission_id).erp_id == MOVED
        assert told(job) == []
        entry = HistoryEntry.objects.get(event="export.followed")
        assert entry.by_id == unlinker.pk
        assert entry.detail["old"] == {"vendor_code": "ACME", "erp_id": synced.erp_id}
        assert entry.detail["new"] == {"vendor_code": "BOLT", "erp_id": MOVED}
        assert (entry.detail["compared"]["lines"], entry.detail["compared"]["lines_matched"]) == (2, 2)
        assert ledger.find_altered_call(job, list(job.list_current_calls())) == ""
        verification.verify_due()
        assert of(job).verification == Verification.MATCH
        assert compared(job).verification == Verification.MATCH
        with pytest.raises(submissions.DecisionError, match=f"still has vendor BOLT, subcontract {MOVED}"):
            unlink(job, unlinker)

    def test_a_look_under_the_old_key_says_nothing_of_the_new_one(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        renumber(simulator, synced)
        follow(synced, unlinker)
        assert not verification.record_verdict(synced.pk, NotFound(), synced.plan_round)
        assert of(synced).verification == Verification.PENDING

    def test_resume_sends_what_is_missing_to_the_new_key(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        renumber(simulator, job)
        submissions.resume(submission=job.submission, by=unlinker, expected_version=job.attempt)
        job = delivered(job)
        assert job.status == JobStatus.INCOMPLETE
        assert f"subcontract {MOVED}" in job.problem
        assert job.has_moved
        job = follow(job, unlinker)
        submissions.resume(submission=job.submission, by=unlinker, expected_version=job.attempt)
        job = delivered(job)
        assert job.status == JobStatus.SYNCED
        assert amounts(simulator) == [(MOVED, str(job.submission.total))]

    def test_an_unknown_that_moved_is_not_sent_again_and_is_known_once_it_is_followed(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_reset", method=LINE, on_call=2)
        renumber(simulator, job)
        calls = len(sent(simulator, job))
        job = looked(job)
        assert (job.status, job.has_moved) == (JobStatus.UNKNOWN, True)
        assert len(sent(simulator, job)) == calls
        job = looked(follow(job, unlinker))
        assert job.status == JobStatus.SYNCED
        assert amounts(simulator) == [(MOVED, str(job.submission.total))]

    def test_it_needs_both_rights_of_unlink(
        self, simulator: Simulator, synced: ExportJob, approver: User, sender: User
    ) -> None:
        renumber(simulator, synced)
        for person in (approver, sender):
            with pytest.raises(RightMissing):
                follow(synced, person)

    def test_another_record_than_was_seen_is_not_followed(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        renumber(simulator, synced)
        (move,) = submissions.list_moves(synced)
        in_spectrum(simulator, "UPDATE VN_SUBCONTRACT_PHASE_MC SET Bid_Item_Number = 'X'")
        with pytest.raises(submissions.Conflict, match="has changed since you opened this page"):
            submissions.follow(
                submission=synced.submission,
                by=unlinker,
                expected_version=synced.attempt,
                fingerprint=move.record.fingerprint,
            )

    def test_a_key_that_another_commitment_has_is_not_given_away(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        renumber(simulator, synced)
        other = CommitmentFactory(project=synced.submission.project)
        hold = {"connection": synced.connection, "vendor_code": "ACME", "erp_id": MOVED}
        ErpIdHold.objects.create(commitment=other, **hold)
        with pytest.raises(submissions.Conflict, match="Another commitment here has"):
            follow(synced, unlinker)
        assert of(synced).erp_id == synced.erp_id

    def test_the_box_says_what_was_compared_and_that_the_link_is_old_and_the_button_follows(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        move_record(simulator, synced, number=True, to="BOLT")
        compared(synced)
        client = signed_in(unlinker)
        assert "Follow the move" in client.get(synced.submission.get_absolute_url()).content.decode()
        address = f"{synced.submission.get_absolute_url()}follow/"
        shown = client.get(address)
        html = shown.content.decode()
        assert "2 of 2 lines" in html
        assert "is still linked to vendor ACME" in html
        assert shown.context is not None
        (move,) = shown.context["moves"]
        client.post(address, {"expected_version": synced.attempt, "record": move.record.fingerprint})
        assert of(synced).vendor_code == "BOLT"
        assert VendorLink.objects.get().vendor_code == "ACME"
        assert client.get(address).status_code == 409


class TestBeforeTheFirstWrite:
    @pytest.fixture
    def box(self, awaiting: Submission, approver: User) -> Callable[..., str]:
        lists_know(awaiting.commitment)
        client = signed_in(approver)
        address = f"{awaiting.get_absolute_url()}accept/"

        def post(**entered: object) -> str:
            page = client.get(address).context
            assert page is not None
            seen = {
                "expected_hash": page["expected_hash"],
                "expected_version": 0,
                "erp_id": "NEW-1",
                "note": "",
            }
            return client.post(address, {**seen, **entered}).content.decode()

        return post

    def fingerprint(self, awaiting: Submission) -> str:
        (moved,) = previews.build_preview(awaiting, erp_id="NEW-1").live_check.moved
        return moved.fingerprint

    def test_accept_is_blocked_and_says_where_it_stands(
        self, simulator: Simulator, awaiting: Submission, box: Callable[..., str]
    ) -> None:
        as_ours(simulator, awaiting, "OLD-1")
        html = box()
        assert "vendor ACME, subcontract OLD-1, with the same job (24-001) and 2 of 2 lines" in html
        assert "It would be there twice" in html
        assert not ExportJob.objects.exists()

    def test_it_is_ticked_off_only_with_words_and_the_worker_honours_exactly_that_record(
        self, simulator: Simulator, awaiting: Submission, box: Callable[..., str]
    ) -> None:
        as_ours(simulator, awaiting, "OLD-1")
        tick = self.fingerprint(awaiting)
        assert "Say how you know" in box(other_records=[tick])
        assert not ExportJob.objects.exists()
        box(other_records=[tick], others_reason=KNOWS)
        detail = HistoryEntry.objects.get(event="submission.accepted").detail
        assert detail["others_reason"] == KNOWS
        assert detail["other_records"] == [{"vendor_code": "ACME", "erp_id": "OLD-1", "fingerprint": tick}]
        job = delivered(ExportJob.objects.get())
        assert job.status == JobStatus.SYNCED
        # Nor is it taken for ours when ours is deleted one day.
        simulator.delete("NEW-1", vendor="ACME", company="PHL")
        assert [each[0] for each in told(compared(job))] == ["missing"]

    @pytest.mark.parametrize("number", ["OLD-1", "OLD-2"])
    def test_a_record_with_other_content_or_another_one_is_not_ticked_off(
        self, simulator: Simulator, awaiting: Submission, box: Callable[..., str], number: str
    ) -> None:
        as_ours(simulator, awaiting, "OLD-1")
        box(other_records=[self.fingerprint(awaiting)], others_reason=KNOWS)
        extra = {"Phase_Code": "0990000", "Cost_Type": "S", "Original_Contract_Amount": "5.00"}
        if number == "OLD-1":
            simulator.enter(Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number="OLD-1", lines=[extra])
        else:
            as_ours(simulator, awaiting, number)
        job = delivered(ExportJob.objects.get())
        assert job.status == JobStatus.FAILED
        assert f"subcontract {number}" in job.problem
        assert "NEW-1" not in dict(amounts(simulator))

    def test_the_worker_finds_what_was_entered_since_and_writes_nothing(
        self, simulator: Simulator, awaiting: Submission, queued: ExportJob
    ) -> None:
        as_ours(simulator, awaiting, "OLD-1")
        job = delivered(queued)
        assert job.status == JobStatus.FAILED
        assert "subcontract OLD-1" in job.problem
        assert sent(simulator, job) == []

    def test_what_was_to_be_sent_again_is_looked_for_once_more(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = looked(unknown_at(simulator, queued, kind="hang_before_commit", seconds=0.1))
        assert job.status == JobStatus.QUEUED
        as_ours(simulator, job.submission, "OLD-1")
        due_now(job)
        assert delivered(job).status == JobStatus.FAILED
        assert [number for number, _ in amounts(simulator)] == ["OLD-1"]

    def test_without_read_back_it_says_that_it_was_not_looked_for(
        self, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        html = signed_in(approver).get(f"{awaiting.get_absolute_url()}accept/").content.decode()
        assert "It may already be there" in html

    def test_no_transaction_is_open_while_it_is_asked(
        self, simulator: Simulator, synced: ExportJob, unlinker: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_ones: list[bool] = []
        real = InfoLink.find_moved_records

        def ask(self: InfoLink, plans: object) -> object:
            open_ones.append(database.in_atomic_block)
            return real(self, plans)  # type: ignore[arg-type]

        monkeypatch.setattr(InfoLink, "find_moved_records", ask)
        renumber(simulator, synced)
        follow(synced, unlinker)
        assert open_ones == [False, False]
