"""Everything that is synced is compared with what Spectrum holds now, by whichever worker, once."""

import sqlite3
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import connections, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from commitments.locks import EXPORTED_FIELDS
from commitments.models import Badge, Commitment
from directory.db.leases import stopping
from directory.models import HistoryEntry, User
from directory.rights.permissions import RightMissing
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.exports import verification, worker
from erp_integrations.models import (
    Drift,
    ExportJob,
    Reconciliation,
    ReconciliationStatus,
    Submission,
    Verification,
)
from erp_integrations.reconciliation import comparison, drift, requests, schedule
from erp_integrations.snapshots import Document
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CostCodeFactory,
    ErpAdminFactory,
    LineItemFactory,
    SubmissionFactory,
    VendorLinkFactory,
    ViewerFactory,
)
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> Iterator[None]:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    yield
    stopping.clear()


@pytest.fixture
def synced(queued: ExportJob) -> ExportJob:
    """The deliverable commitment, written and read back."""
    worker.export_due_jobs(queued.connection_id)
    verification.verify_due()
    return of(queued)


def of(job: ExportJob) -> ExportJob:
    return ExportJob.objects.select_related("submission__commitment", "connection").get(pk=job.pk)


def another(job: ExportJob, approver: User) -> ExportJob:
    """One more synced commitment of the same project."""
    project = job.submission.project
    commitment = CommitmentFactory(approved=True, project=project, lines=0)
    VendorLinkFactory(
        connection=job.connection, contract_company=commitment.contract_company, vendor_code="BOLT"
    )
    LineItemFactory(commitment=commitment, cost_code=project.cost_codes.first() or CostCodeFactory())
    queued = accept(SubmissionFactory(commitment=commitment), approver)
    worker.export_due_jobs(job.connection_id)
    verification.verify_due()
    return of(queued)


def in_spectrum(simulator: Simulator, statement: str, *values: object) -> None:
    """Somebody works in Spectrum itself."""
    with sqlite3.connect(simulator.database, timeout=10) as spectrum:
        assert spectrum.execute(statement, values).rowcount > 0
    spectrum.close()


def set_retention(simulator: Simulator, job: ExportJob, percent: str) -> None:
    in_spectrum(
        simulator,
        "UPDATE VN_SUBCONTRACT_MC SET Retention_Percent = ? WHERE trim(Subcontract_Number) = ?",
        percent,
        job.erp_id,
    )


def remove(simulator: Simulator, job: ExportJob) -> None:
    for table in ("VN_SUBCONTRACT_PHASE_MC", "VN_SUBCONTRACT_MC"):
        in_spectrum(simulator, f"DELETE FROM {table} WHERE trim(Subcontract_Number) = ?", job.erp_id)


def compared(job: ExportJob) -> Reconciliation:
    """A whole run over the job's connection."""
    run, _ = schedule.open_run(job.connection)
    assert comparison.run_reconciliation(run)
    run.refresh_from_db()
    return run


def told(job: ExportJob) -> list[tuple[str, str, str, str, str]]:
    """The job's current drift, finding by finding."""
    return [
        (each["kind"], each["title"], each["name"], each["exported"], each["now"])
        for found in Drift.objects.current().filter(job=job)
        for each in found.findings
    ]


def events(job: ExportJob) -> list[str]:
    entries = HistoryEntry.objects.filter(subject_type="erp_integrations.submission")
    return list(
        entries.filter(subject_id=job.submission_id, event__startswith="drift")
        .order_by("pk")
        .values_list("event", flat=True)
    )


class TestWhatDrifts:
    def test_nothing_when_spectrum_holds_what_was_exported(self, synced: ExportJob) -> None:
        run = compared(synced)
        assert (run.status, run.to_compare, run.compared) == (ReconciliationStatus.FINISHED, 1, 1)
        assert not Drift.objects.exists()
        assert events(synced) == []

    def test_a_changed_field_with_both_values_and_the_badge(
        self, simulator: Simulator, synced: ExportJob
    ) -> None:
        set_retention(simulator, synced, "7.5")
        compared(synced)
        (found,) = told(synced)
        assert found[:3] == ("changed", "Subcontract", "Retention_Percent")
        assert found[4] == "7.5"
        job = of(synced)
        assert job.verification == Verification.DIFFERS
        assert job.submission.commitment.badge == Badge.SYNCED_WITH_DIFFERENCES
        assert events(job) == ["drift.began"]

    def test_a_record_that_is_gone_needs_attention(self, simulator: Simulator, synced: ExportJob) -> None:
        remove(simulator, synced)
        compared(synced)
        assert told(synced) == [("missing", "Subcontract", "", synced.erp_id, "nothing")]
        job = of(synced)
        assert job.verification == Verification.ABSENT
        assert job.submission.commitment.badge == Badge.NEEDS_ATTENTION
        assert list(Submission.objects.needing_attention()) == [job.submission]

    def test_a_line_that_is_gone_and_one_too_many(self, simulator: Simulator, synced: ExportJob) -> None:
        in_spectrum(
            simulator,
            "UPDATE VN_SUBCONTRACT_PHASE_MC SET Phase_Code = '0990000' "
            "WHERE trim(Subcontract_Number) = ? AND trim(Phase_Code) = '0510000'",
            synced.erp_id,
        )
        compared(synced)
        assert [each[:4] for each in told(synced)] == [
            ("missing", "Line 2", "", "the line"),
            ("extra-lines", "Another line", "", "nothing"),
        ]
        assert Drift.objects.get().kinds == ["missing", "extra-lines"]

    def test_what_was_changed_here_is_marked_and_is_no_fault_of_spectrum_s(self, synced: ExportJob) -> None:
        commitment = synced.submission.commitment
        exported = commitment.trade
        Commitment.objects.filter(pk=commitment.pk).update(trade="Painting", issue_date=date(2016, 2, 29))
        compared(synced)
        assert told(synced) == [
            ("changed-here", "Commitment", "Trade", exported, "Painting"),
            ("changed-here", "Commitment", "Issue date", "", "02/29/2016"),
        ]
        job = of(synced)
        assert job.verification == Verification.MATCH
        assert job.submission.commitment.badge == Badge.SYNCED

    def test_every_field_that_stays_editable_is_compared(self) -> None:
        names = {field.name for field in Commitment._meta.get_fields()} & set(Document.__dataclass_fields__)
        given_at_creation = {"kind", "created_by"}
        # Lines are compared by themselves, and Spectrum has no files that could differ.
        assert names - EXPORTED_FIELDS - given_at_creation - {"lines", "attachments"} == set(
            drift.EDITABLE_FIELDS
        )

    def test_a_snapshot_that_was_altered_is_said_so_and_stops_nobody_else(
        self, synced: ExportJob, approver: User
    ) -> None:
        second = another(synced, approver)
        Submission.objects.filter(pk=synced.submission_id).update(snapshot="{}")
        assert compared(synced).compared == 2
        assert [each[:2] for each in told(synced)] == [("changed-here", "Snapshot")]
        assert told(second) == []


class TestItsWay:
    def test_it_ends_when_it_agrees_again(self, simulator: Simulator, synced: ExportJob) -> None:
        set_retention(simulator, synced, "7.5")
        compared(synced)
        set_retention(simulator, synced, str(synced.submission.document.default_retainage))
        compared(synced)
        assert told(synced) == []
        assert Drift.objects.get().gone_at is not None
        job = of(synced)
        assert (job.verification, job.differences) == (Verification.MATCH, [])
        assert job.submission.commitment.badge == Badge.SYNCED
        assert events(job) == ["drift.began", "drift.ended"]

    def test_what_stays_is_only_seen_again(self, simulator: Simulator, synced: ExportJob) -> None:
        set_retention(simulator, synced, "7.5")
        compared(synced)
        before = Drift.objects.get()
        compared(synced)
        after = Drift.objects.get()
        assert after.first_seen_at == before.first_seen_at
        assert after.last_seen_at > before.last_seen_at
        assert events(synced) == ["drift.began"]

    def test_another_difference_is_told_once_more(self, simulator: Simulator, synced: ExportJob) -> None:
        set_retention(simulator, synced, "7.5")
        compared(synced)
        set_retention(simulator, synced, "8.5")
        compared(synced)
        assert [each[4] for each in told(synced)] == ["8.5"]
        assert of(synced).differences[0]["stored"] == "8.5"
        assert events(synced) == ["drift.began", "drift.changed"]

    def test_it_ends_with_an_unlink(self, simulator: Simulator, synced: ExportJob) -> None:
        remove(simulator, synced)
        compared(synced)
        with transaction.atomic():
            ExportJob.objects.filter(pk=synced.pk).update(status="cancelled")
            Submission.objects.filter(pk=synced.submission_id).update(
                status="unlinked", ended_by=synced.submission.sent_by_id, ended_at=Now()
            )
        compared(synced)
        assert told(synced) == []
        assert events(synced) == ["drift.began", "drift.ended"]

    def test_what_was_never_read_back_is_verified(
        self, queued: ExportJob, settings: Settings, simulator: Simulator
    ) -> None:
        settings.INFO_LINKS = {}
        worker.export_due_jobs(queued.connection_id)
        assert of(queued).verification == Verification.NOT_CONFIGURED
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        compared(queued)
        assert of(queued).verification == Verification.MATCH
        assert HistoryEntry.objects.filter(event="export.verified").count() == 1

    def test_what_was_just_exported_is_left_out(self, synced: ExportJob, settings: Settings) -> None:
        settings.READ_BACK_LAG_SECONDS = 60
        run = compared(synced)
        assert (run.status, run.to_compare, run.compared) == (ReconciliationStatus.FINISHED, 0, 0)
        ExportJob.objects.update(synced_at=Now() - timedelta(seconds=61))
        assert compared(synced).compared == 1


class TestAnOutage:
    def test_it_can_t_be_checked_now_and_nothing_is_missing(
        self, synced: ExportJob, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {"simulator": NOWHERE}
        run = compared(synced)
        assert (run.status, run.compared) == (ReconciliationStatus.STOPPED, 0)
        assert "could not be read" in run.problem
        assert not Drift.objects.exists()
        assert of(synced).verification == Verification.MATCH

    def test_it_keeps_the_drift_that_is_known(
        self, simulator: Simulator, synced: ExportJob, settings: Settings
    ) -> None:
        set_retention(simulator, synced, "7.5")
        compared(synced)
        settings.INFO_LINKS = {"simulator": NOWHERE}
        compared(synced)
        assert len(told(synced)) == 1

    def test_a_mistake_of_ours_ends_the_run_and_is_logged(
        self, synced: ExportJob, caplog: pytest.LogCaptureFixture
    ) -> None:
        synced.calls.filter(position=synced.calls.order_by("position")[0].position).update(elements=[])
        run = compared(synced)
        assert run.status == ReconciliationStatus.STOPPED
        assert "See its log" in run.problem
        assert "broke down" in caplog.text


class TestWorkers:
    def test_a_daily_run_begins_by_itself_once(self, synced: ExportJob, settings: Settings) -> None:
        assert comparison.run_next()
        assert not comparison.run_next()
        run = Reconciliation.objects.get()
        assert (run.status, run.asked_by) == (ReconciliationStatus.FINISHED, None)
        Reconciliation.objects.update(ended_at=Now() - timedelta(hours=23.9))
        assert not comparison.run_next()
        Reconciliation.objects.update(ended_at=Now() - timedelta(hours=24.1))
        assert comparison.run_next()

    def test_after_an_outage_it_is_tried_again_in_an_hour(
        self, synced: ExportJob, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {"simulator": NOWHERE}
        assert comparison.run_next()
        assert not comparison.run_next()
        Reconciliation.objects.update(ended_at=Now() - timedelta(hours=1.1))
        assert comparison.run_next()
        assert Reconciliation.objects.count() == 2

    def test_where_nothing_reads_back_or_is_synced_nothing_begins(
        self, queued: ExportJob, settings: Settings
    ) -> None:
        assert not comparison.run_next()
        worker.export_due_jobs(queued.connection_id)
        settings.INFO_LINKS = {}
        assert not comparison.run_next()

    def test_a_run_that_a_dead_worker_left_goes_on_from_its_last_batch(
        self, simulator: Simulator, synced: ExportJob, approver: User
    ) -> None:
        second = another(synced, approver)
        for job in (synced, second):
            set_retention(simulator, job, "7.5")
        run, _ = schedule.open_run(synced.connection)
        Reconciliation.objects.filter(pk=run.pk).update(
            status="running",
            attempt=1,
            after_job=synced.pk,
            to_compare=2,
            compared=1,
            lease_until=Now() + timedelta(seconds=60),
        )
        assert not comparison.run_reconciliation(run)
        Reconciliation.objects.update(lease_until=Now() - timedelta(seconds=1))
        assert comparison.run_reconciliation(run)
        run.refresh_from_db()
        assert (run.status, run.attempt, run.compared) == (ReconciliationStatus.FINISHED, 2, 2)
        assert (len(told(synced)), len(told(second))) == (0, 1)

    def test_a_late_worker_changes_nothing(self, simulator: Simulator, synced: ExportJob) -> None:
        set_retention(simulator, synced, "7.5")
        run, _ = schedule.open_run(synced.connection)
        claimed = comparison.claim_run(Reconciliation.objects.due())
        assert claimed is not None
        Reconciliation.objects.update(attempt=2)  # somebody else has it by now
        assert comparison.compare_claimed_run(claimed)
        run.refresh_from_db()
        assert (run.status, run.compared, run.after_job) == (ReconciliationStatus.RUNNING, 0, 0)
        assert told(synced) == []
        assert of(synced).verification == Verification.MATCH

    def test_a_worker_that_is_told_to_stop_hands_the_run_back(self, synced: ExportJob) -> None:
        run, _ = schedule.open_run(synced.connection)
        claimed = comparison.claim_run(Reconciliation.objects.due())
        assert claimed is not None
        stopping.set()
        assert not comparison.compare_claimed_run(claimed)
        run.refresh_from_db()
        assert (run.status, run.lease_until) == (ReconciliationStatus.WAITING, None)
        assert not comparison.run_next()
        stopping.clear()
        assert comparison.run_reconciliation(run)

    def test_a_run_that_nobody_can_end_is_given_up(self, synced: ExportJob) -> None:
        run, _ = schedule.open_run(synced.connection)
        Reconciliation.objects.update(attempt=comparison.MAX_ATTEMPTS)
        assert comparison.run_reconciliation(run)
        run.refresh_from_db()
        assert run.status == ReconciliationStatus.STOPPED

    def test_two_workers_at_one_moment_do_no_harm(
        self, simulator: Simulator, synced: ExportJob, approver: User
    ) -> None:
        second = another(synced, approver)
        for job in (synced, second):
            set_retention(simulator, job, "7.5")
        together = threading.Barrier(4)
        done: list[bool] = []

        def work() -> None:
            together.wait()
            done.append(comparison.run_next())
            connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(done) == [False, False, False, True]
        assert Reconciliation.objects.get().compared == 2
        assert [events(job) for job in (synced, second)] == [["drift.began"], ["drift.began"]]

    def test_the_same_comparison_by_two_workers_is_written_once(
        self, simulator: Simulator, synced: ExportJob
    ) -> None:
        set_retention(simulator, synced, "7.5")
        schedule.open_run(synced.connection)
        claimed = comparison.claim_run(Reconciliation.objects.due())
        assert claimed is not None
        jobs = list(comparison.list_jobs_to_compare(claimed))
        adapter = get_adapter(claimed.connection)
        for _ in range(2):
            seen = adapter.verify_plans([comparison.list_planned_calls(jobs)[synced.pk]])[0]
            drift.record_comparison(drift.Comparison(synced, seen, None), lambda: None)  # type: ignore[arg-type]  # never CannotTell here
        assert events(synced) == ["drift.began"]

    def test_batch_follows_batch_to_the_last(
        self, simulator: Simulator, synced: ExportJob, approver: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(comparison, "MAX_RECORDS_AT_ONCE", 1)
        second = another(synced, approver)
        for job in (synced, second):
            set_retention(simulator, job, "7.5")
        run = compared(synced)
        assert (run.to_compare, run.compared, run.after_job) == (2, 2, second.pk)
        assert [len(told(job)) for job in (synced, second)] == [1, 1]

    def test_batches_cost_the_same_number_of_questions_however_many_commitments_agree(
        self, synced: ExportJob, approver: User
    ) -> None:
        def questions() -> int:
            run, _ = schedule.open_run(synced.connection)
            with CaptureQueriesContext(database) as queries:
                comparison.run_reconciliation(run)
            return len(queries)

        one = questions()
        another(synced, approver)
        assert questions() == one


class TestAsking:
    def test_an_approver_and_an_admin_may(self, synced: ExportJob, approver: User) -> None:
        company = synced.connection.company
        (run,) = requests.start_reconciliations(company=company, by=approver)
        assert run.asked_by == approver
        assert requests.start_reconciliations(company=company, by=ErpAdminFactory(company=company)) == [run]
        assert HistoryEntry.objects.filter(event="reconciliation.asked").count() == 1

    def test_others_only_look(self, synced: ExportJob) -> None:
        company = synced.connection.company
        for person in (ViewerFactory(company=company), ApproverFactory()):
            with pytest.raises(RightMissing):
                requests.start_reconciliations(company=company, by=person)
        assert not Reconciliation.objects.exists()

    def test_where_nothing_reads_back_it_is_said_so(
        self, synced: ExportJob, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        with pytest.raises(requests.NothingToCompare, match="INFO_LINKS"):
            requests.start_reconciliations(company=synced.connection.company, by=approver)


class TestTheCommand:
    def run(self, *arguments: str) -> str:
        said = StringIO()
        call_command("reconcile", *arguments, stdout=said)
        return said.getvalue()

    def test_it_compares_and_counts(self, simulator: Simulator, synced: ExportJob) -> None:
        set_retention(simulator, synced, "7.5")
        assert self.run().strip().endswith("1 compared, 1 drifting.")
        assert (
            self.run("--company", synced.connection.company.slug).strip().endswith("1 compared, 1 drifting.")
        )

    def test_an_outage_is_an_error(self, synced: ExportJob, settings: Settings) -> None:
        settings.INFO_LINKS = {"simulator": NOWHERE}
        with pytest.raises(CommandError, match="1 of 1 connections can't be checked now"):
            self.run()

    def test_no_connection_that_reads_back_is_an_error(self, synced: ExportJob) -> None:
        with pytest.raises(CommandError, match="INFO_LINKS"):
            self.run("--company", "nobody")
