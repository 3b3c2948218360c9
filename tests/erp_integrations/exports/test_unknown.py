"""After a call of which nobody knows: nothing goes on before a look, and no look counts too early."""

import sqlite3
import threading
import time
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from commitments.models import Badge, Lock
from directory.models import HistoryEntry
from erp_integrations.adapters.base import NotFound
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.adapters.spectrum.readback import SubcontractRecord
from erp_integrations.exports import unknown, worker
from erp_integrations.exports.unknown import ShownPart
from erp_integrations.models import CallState, ExportJob, JobStatus, Verification
from tests.erp_integrations.deliveries import (
    HEADER,
    LINE,
    NOWHERE,
    delivered,
    due_now,
    in_spectrum,
    looked,
    of,
    quiet_is_over,
    sent,
    states,
    unknown_at,
)
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

WRITTEN, PLANNED, NOT_FOUND = CallState.WRITTEN, CallState.PLANNED, CallState.NOT_FOUND


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


class TestTheQuietPeriod:
    def test_nothing_is_looked_at_or_sent_before_it_is_over(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        assert job.quiet_until is not None
        assert job.unknown_since is not None
        assert job.quiet_until - job.unknown_since > timedelta(seconds=300)
        assert unknown.list_due_for_read_back() == []
        assert unknown.read_back_due(job.connection_id) == 0
        assert worker.run_sweep() == []
        assert (delivered(job).status, sent(simulator, job)) == (JobStatus.UNKNOWN, [HEADER])

    def test_a_commit_that_comes_late_is_not_doubled(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.WIRE_READ_TIMEOUT = 0.3
        settings.QUIET_PERIOD_SECONDS = 2.5
        job = unknown_at(simulator, queued, kind="slow", method=HEADER, seconds=1.5)
        assert simulator.record(job.erp_id) is None  # a look now would see an absence
        settings.WIRE_READ_TIMEOUT = 10
        deadline = time.monotonic() + 20
        while (job := of(job)).status != JobStatus.SYNCED and time.monotonic() < deadline:
            for connection_id in unknown.list_due_for_read_back():
                unknown.read_back_due(connection_id)
            for connection_id in worker.run_sweep():
                worker.export_due_jobs(connection_id)
            time.sleep(0.1)
        assert job.status == JobStatus.SYNCED
        assert sent(simulator, job) == [HEADER, LINE, LINE]

    @pytest.mark.parametrize(("seconds", "expected"), [(94.9, ["erp_integrations.E010"]), (95, [])])
    def test_one_that_is_shorter_than_the_wire_and_the_lag_is_refused_at_start(
        self, settings: Settings, seconds: float, expected: list[str]
    ) -> None:
        settings.WIRE_CONNECT_TIMEOUT, settings.WIRE_READ_TIMEOUT = 5, 60
        settings.READ_BACK_LAG_SECONDS = 30
        settings.QUIET_PERIOD_SECONDS = seconds
        assert [each.id for each in run_checks() if each.id == "erp_integrations.E010"] == expected


class TestALook:
    def test_when_all_of_it_is_there_it_is_synced_and_nothing_is_sent_again(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=LINE, on_call=2)
        job = looked(job)
        assert (job.status, job.verification) == (JobStatus.SYNCED, Verification.MATCH)
        assert states(job) == [WRITTEN] * 3
        assert (job.unknown_since, job.not_before) == (None, None)
        commitment = job.submission.commitment
        assert (commitment.badge, commitment.lock, commitment.erp_id) == (
            Badge.SYNCED,
            Lock.EXPORTED,
            job.erp_id,
        )
        assert sent(simulator, job) == [HEADER, LINE, LINE]
        assert HistoryEntry.objects.get(event="export.found_all").subject_id == job.submission_id

    def test_when_none_of_it_is_there_it_is_queued_and_sent_once_more(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="hang_before_commit", method=HEADER, seconds=0.1)
        job = looked(job)
        assert (job.status, states(job)) == (JobStatus.QUEUED, [NOT_FOUND, PLANNED, PLANNED])
        assert job.submission.commitment.badge == Badge.EXPORTING
        assert delivered(job).status == JobStatus.SYNCED
        assert sent(simulator, job) == [HEADER, HEADER, LINE, LINE]
        assert HistoryEntry.objects.filter(event="export.found_none").count() == 1

    @pytest.mark.parametrize(
        ("fault", "first", "known", "then"),
        [
            (
                {"kind": "commit_then_reset", "method": HEADER},
                [HEADER],
                [WRITTEN, PLANNED, PLANNED],
                [LINE, LINE],
            ),
            (
                {"kind": "commit_then_fault", "method": LINE, "on_call": 1},
                [HEADER, LINE],
                [WRITTEN, WRITTEN, PLANNED],
                [LINE],
            ),
            (
                {"kind": "hang_before_commit", "method": LINE, "on_call": 2, "seconds": 0.1},
                [HEADER, LINE, LINE],
                [WRITTEN, WRITTEN, NOT_FOUND],
                [LINE],
            ),
        ],
    )
    def test_when_a_part_is_there_it_goes_on_at_what_is_missing(
        self,
        simulator: Simulator,
        queued: ExportJob,
        fault: dict[str, object],
        first: list[str],
        known: list[str],
        then: list[str],
    ) -> None:
        job = looked(unknown_at(simulator, queued, **fault))
        assert (job.status, states(job), sent(simulator, job)) == (JobStatus.INCOMPLETE, known, first)
        assert delivered(job).status == JobStatus.SYNCED
        assert sent(simulator, job) == first + then

    def test_other_content_is_shown_and_left_to_a_person(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=LINE, on_call=1)
        in_spectrum(
            simulator,
            "UPDATE VN_SUBCONTRACT_PHASE_MC SET Original_Contract_Amount = 77 "
            "WHERE trim(Subcontract_Number) = ?",
            job.erp_id,
        )
        job = looked(job)
        assert (job.status, job.needs_manual_resolution) == (JobStatus.UNKNOWN, True)
        (difference,) = job.differences
        assert (difference["name"], difference["stored"]) == ("Original_Contract_Amount", "77")
        entry = HistoryEntry.objects.get(event="export.found_other")
        assert entry.detail["differences"] == job.differences
        # It is asked once, and nothing goes on by itself.
        assert unknown.list_due_for_read_back() == []
        assert worker.run_sweep() == []
        assert (delivered(job).status, len(sent(simulator, job))) == (JobStatus.UNKNOWN, 2)

    def test_what_spectrum_affirmed_and_does_not_show_is_left_to_a_person(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="hang_before_commit", method=LINE, seconds=0.1)
        in_spectrum(simulator, "DELETE FROM VN_SUBCONTRACT_MC WHERE trim(Subcontract_Number) = ?", job.erp_id)
        job = looked(job)
        assert (job.status, job.needs_manual_resolution) == (JobStatus.UNKNOWN, True)
        assert job.differences[0]["title"] == "Subcontract"

    def test_a_database_that_does_not_answer_is_asked_again_later(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        settings.INFO_LINKS = NOWHERE
        job = looked(job)
        assert (job.status, job.needs_manual_resolution) == (JobStatus.UNKNOWN, False)
        assert job.not_before is not None
        assert job.not_before > timezone.now()
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        assert looked(job).status == JobStatus.INCOMPLETE

    def test_where_nothing_can_be_read_back_a_person_is_asked_and_nobody_looks(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        job = looked(unknown_at(simulator, queued, kind="commit_then_500", method=HEADER))
        assert (job.status, job.needs_manual_resolution) == (JobStatus.UNKNOWN, True)

    def test_what_was_seen_of_an_earlier_unknown_counts_no_more(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="hang_before_commit", method=HEADER, seconds=0.1)
        seen = unknown.compare_read_back(job)
        assert seen is not None
        assert seen.shown is ShownPart.NONE
        ExportJob.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
        assert not unknown.record_result(job, seen)
        assert of(job).status == JobStatus.UNKNOWN

    def test_two_who_look_at_once_write_down_one_result(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        quiet_is_over(job)
        barrier = threading.Barrier(4)
        known: list[int] = []

        def work() -> None:
            try:
                connection.ensure_connection()
                barrier.wait()
                known.append(unknown.read_back_due(job.connection_id))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(known) == 1
        assert HistoryEntry.objects.filter(event="export.found_part").count() == 1

    def test_an_export_that_ends_unknown_each_time_is_given_up(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.EXPORT_MAX_TRIES = 2
        job = queued
        for _ in range(2):
            job = looked(unknown_at(simulator, job, kind="hang_before_commit", method=HEADER, seconds=0.1))
        assert (job.status, job.tries) == (JobStatus.QUEUED, 2)
        job = delivered(job)
        assert job.status == JobStatus.FAILED
        assert job.problem.startswith("Given up after 2 tries")
        assert sent(simulator, job) == [HEADER, HEADER]


class TestGoingOn:
    def stopped(self, simulator: Simulator, queued: ExportJob) -> ExportJob:
        """After the header and line 1."""
        simulator.set_faults({"kind": "unauthorised", "method": LINE, "on_call": 2, "times": 1})
        job = delivered(queued)
        assert states(job) == [WRITTEN, WRITTEN, PLANNED]
        return job

    def gone_on(self, job: ExportJob) -> ExportJob:
        due_now(job)
        return delivered(job)

    def test_a_record_that_moved_to_another_job_gets_no_more_lines(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = self.stopped(simulator, queued)
        change = "UPDATE VN_SUBCONTRACT_MC SET Job_Number = '24-002' WHERE trim(Subcontract_Number) = ?"
        in_spectrum(simulator, change, job.erp_id)
        job = self.gone_on(job)
        assert (job.status, job.not_before) == (JobStatus.INCOMPLETE, None)
        assert "nother contract, of job 24-002" in job.problem
        assert sent(simulator, job) == [HEADER, LINE, LINE]  # the last one was not authorised

    def test_a_line_that_somebody_entered_meanwhile_is_not_overwritten(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = self.stopped(simulator, queued)
        with sqlite3.connect(simulator.database, timeout=10) as database:
            database.row_factory = sqlite3.Row
            line = dict(
                database.execute(
                    "SELECT * FROM VN_SUBCONTRACT_PHASE_MC WHERE trim(Subcontract_Number) = ?", [job.erp_id]
                ).fetchone()
            )
            line |= {"Phase_Code": "0510000", "Original_Contract_Amount": 5}
            places = ", ".join("?" for _ in line)
            database.execute(
                f"INSERT INTO VN_SUBCONTRACT_PHASE_MC ({', '.join(line)}) VALUES ({places})",
                list(line.values()),
            )
        database.close()
        job = self.gone_on(job)
        assert (job.status, job.not_before) == (JobStatus.INCOMPLETE, None)
        assert "Line 2 Original_Contract_Amount: 5" in job.problem
        assert sent(simulator, job) == [HEADER, LINE, LINE]

    def test_values_that_spectrum_filled_in_by_itself_do_not_stop_it(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = self.stopped(simulator, queued)
        change = "UPDATE VN_SUBCONTRACT_MC SET Retention_Percent = 7.5 WHERE trim(Subcontract_Number) = ?"
        in_spectrum(simulator, change, job.erp_id)
        assert self.gone_on(job).status == JobStatus.SYNCED


class TestAnEarlierExportOfTheSameCommitment:
    """Lines that it wrote into the same record are neither ours of now nor a stranger's."""

    def test_its_header_says_nothing_about_ours(self, simulator: Simulator, queued: ExportJob) -> None:
        job = of(queued)
        adapter = get_adapter(job.connection)
        earlier = [to_call(call) for call in job.list_current_calls()]
        header = {element.name: element.value for element in earlier[0].elements}
        record = SubcontractRecord({**header, "Original_Amount": "0"}, {})
        calls = unknown.list_planned_calls(job)
        changed = job.list_current_calls()[0]
        for element in changed.elements:
            if element["name"] == "Comment":
                element["value"] = "Another title"
        planned = [(to_call(changed), False), *calls[1:]]
        assert unknown.compare_plan(adapter, planned, earlier, record).shown is ShownPart.NONE
        assert unknown.compare_plan(adapter, planned, [], record).shown is ShownPart.OTHER
        assert unknown.compare_plan(adapter, calls, [], record).shown is ShownPart.PART
        assert unknown.compare_plan(adapter, calls, earlier, NotFound()).shown is ShownPart.NONE
