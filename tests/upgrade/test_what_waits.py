"""Commitments that waited at an upgrade: rows that an older commit wrote, read and finished by today's.

``before_0016.json`` holds every row of a database in which the commit before migration 0016 had sent,
accepted and delivered six commitments of one vendor, each to another point, and each app's last migration.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from commitments.models import LineItem
from directory.db.search import build_word_filter
from directory.models import User
from erp_integrations import submissions as decisions
from erp_integrations.adapters.base import Accepted, Call, Element, Unknown
from erp_integrations.adapters.registry import build_sending_adapter, to_call
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import unknown, verification, worker
from erp_integrations.models import (
    Alarm,
    CallState,
    ConnectionState,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.snapshots import hash_content, hash_text
from notifications.models import OutgoingEmail
from tests.databases import connected_to, describe_database, migrate_by_replaced_files, new_database
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = Path(__file__).with_name("before_0016.json")


@pytest.fixture
def simulator(settings: Settings) -> Iterator[Simulator]:
    """A Spectrum that answers as the connection of those days expected."""
    with Simulator.start(options=["--success", "S", "--guid", "optional"]) as simulator:
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        settings.INFO_LINKS = {"simulator": f"sqlite:///{simulator.database}"}
        yield simulator


def had_retainage(before: dict[str, Any]) -> dict[str, Any]:
    """The same rows, had every commitment had a retainage of 10 %: the lines said nothing of it then."""
    rows, hashes = before["rows"], {}
    submissions = {row["id"]: row for row in rows["erp_integrations_submission"]}
    (connection,) = rows["erp_integrations_connection"]
    jobs = {row["submission_id"]: row for row in rows["erp_integrations_exportjob"]}

    def basis_hash(submission: dict[str, Any]) -> str:
        return hash_content(
            {
                "document": submission["snapshot_hash"],
                "vendor": "ACME",
                "job": "24-001",
                "account": connection["general_ledger_account"],
                "server": connection["server"],
                "company_code": connection["company_code"],
            }
        )

    for key, submission in submissions.items():
        then = submission["snapshot_hash"]
        if key in jobs:
            assert basis_hash(submission) == jobs[key]["basis_hash"]
        submission["snapshot"] = submission["snapshot"].replace(
            '"default_retainage":"0.00"', '"default_retainage":"10.00"'
        )
        submission["snapshot_hash"] = hashes[then] = hash_text(submission["snapshot"])
        if key in jobs:
            hashes[jobs[key]["basis_hash"]] = basis_hash(submission)
    for commitment in rows["commitments_commitment"]:
        commitment["default_retainage"] = 10.0
    for call in rows["erp_integrations_exportcall"]:
        for element in call["elements"]:
            if element["name"] == "Retention_Percent":
                element["value"] = "10.0"
        elements = tuple(Element(**each) for each in call["elements"])
        hashes[call["payload_hash"]] = Call(call["method"], call["title"], elements).hash
    told = json.dumps(before)
    for then, now in hashes.items():
        told = told.replace(then, now)
    changed: dict[str, Any] = json.loads(told)
    return changed


@contextmanager
def migrated(rows: dict[str, Any], name: str, blocker: DjangoDbBlocker) -> Iterator[str]:
    """A database that has these rows and is migrated, which costs seconds: each test works on a copy."""
    with new_database(name):
        with blocker.unblock(), connected_to(name):
            _migrate_and_load(rows)
        yield name


@pytest.fixture(scope="module")
def without_retainage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with migrated(json.loads(BEFORE.read_text()), "without_retainage", django_db_blocker) as name:
        yield name


@pytest.fixture(scope="module")
def with_retainage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    rows = had_retainage(json.loads(BEFORE.read_text()))
    with migrated(rows, "with_retainage", django_db_blocker) as name:
        yield name


@contextmanager
def upgraded(name: str) -> Iterator[None]:
    """A copy of that database, and what stood in Spectrum then stands there again."""
    with new_database("upgraded", template=name), connected_to("upgraded"):
        _stand_in_spectrum_again()
        yield


def _migrate_and_load(before: dict[str, Any]) -> None:
    migrate_by_replaced_files(before["migrations"].items())
    call_command("createcachetable", verbosity=0)
    with database.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table, rows in before["rows"].items():
            name = database.ops.quote_name(table)
            cursor.execute(
                f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, %s)",
                [json.dumps(rows)],
            )
            cursor.execute(f"SELECT setval(pg_get_serial_sequence(%s, 'id'), max(id)) FROM {name}", [table])
    database.close()
    call_command("migrate", verbosity=0)


def _stand_in_spectrum_again() -> None:
    for job in ExportJob.objects.filter(status__in=["synced", "incomplete", "unknown"]):
        adapter = build_sending_adapter(job)
        for call in job.list_current_calls().filter(state__in=[CallState.WRITTEN, CallState.UNKNOWN]):
            # Of what is over, no rule is kept by which the reply would mean yes.
            assert isinstance(adapter.send_call(to_call(call)), Accepted | Unknown)  # type: ignore[union-attr]


def job_of(number: str) -> ExportJob:
    jobs = ExportJob.objects.select_related("connection__settings", "submission__commitment")
    return jobs.exclude(status=JobStatus.CANCELLED).get(submission__number=number)


def approver_of(job: ExportJob) -> User:
    person = job.submission.decided_by
    assert person is not None
    return person


def money_in(simulator: Simulator, number: str) -> dict[str, str]:
    """The amount of each line that Spectrum holds of a number."""
    (record,) = [each for each in simulator.records() if each["Subcontract_Number"] == number]
    return {line["Phase_Code"]: line["Original_Contract_Amount"] for line in record["lines"]}


def in_spectrum(simulator: Simulator, number: str) -> bool:
    return any(each["Subcontract_Number"] == number for each in simulator.records())


def flags_in(simulator: Simulator, number: str) -> list[str]:
    (record,) = [each for each in simulator.records() if each["Subcontract_Number"] == number]
    return [line["Retention_Flag"] for line in record["lines"]]


def approved_lines(number: str) -> dict[str, str]:
    document = Submission.objects.get(number=number).document
    return {line.cost_code.replace("-", ""): f"{line.amount:.2f}" for line in document.lines}


class TestMigrations:
    """Tables, triggers, rights and permissions: all that a squashed migration makes at once."""

    @pytest.fixture(autouse=True)
    def _upgraded(self, without_retainage: str) -> Iterator[None]:
        self.new = describe_database()
        with new_database("upgraded", template=without_retainage), connected_to("upgraded"):
            yield

    def test_what_was_upgraded_is_what_a_new_one_is(self) -> None:
        assert describe_database() == self.new

    def test_what_workers_wrote_of_a_connection_is_its_state(self) -> None:
        (before,) = json.loads(BEFORE.read_text())["rows"]["erp_integrations_connection"]
        state = ConnectionState.objects.get(connection=before["id"])
        assert state.lease_attempt == before["lease_attempt"] > 0
        assert state.descriptions_checked_at == datetime.fromisoformat(before["descriptions_checked_at"])

    def test_its_secrets_are_its_credentials(self) -> None:
        (before,) = json.loads(BEFORE.read_text())["rows"]["erp_integrations_connection"]
        with database.cursor() as cursor:
            cursor.execute("SELECT authorization_id FROM erp_integrations_connectioncredentials")
            assert cursor.fetchall() == [(before["authorization_id"],)]

    def test_a_worker_of_the_release_before_can_not_renew_its_lease(self) -> None:
        renewal = "UPDATE erp_integrations_connection SET lease_until = now() WHERE lease_attempt = 4"
        with pytest.raises(ProgrammingError, match="lease_until"), database.cursor() as cursor:
            cursor.execute(renewal)

    def test_what_was_sent_is_found_by_the_erp_id_of_its_export(self) -> None:
        sent = Submission.objects.values_list("number", "erp_id")
        assert {number for number, erp_id in sent if erp_id} == {
            job.submission.number for job in ExportJob.objects.current().select_related("submission")
        }
        for job in ExportJob.objects.current().select_related("submission"):
            found = Submission.objects.filter(build_word_filter([job.submission.company_id], job.erp_id))
            assert (job.submission.erp_id, job.submission) == (job.erp_id, found.get())

    def test_the_lines_of_what_is_not_exported_know_their_project(self) -> None:
        lines = LineItem.objects.values_list("unexported_in", "commitment__project", "commitment__lock")
        assert {(known == project, known is None, lock) for known, project, lock in lines} == {
            (True, False, "whole"),
            (False, True, "exported"),
        }

    def test_the_lines_of_what_is_locked_commit_their_amounts(self) -> None:
        lines = LineItem.objects.exclude(commitment__lock="none").values_list("committed", "amount")
        assert lines
        assert all(committed == amount for committed, amount in lines)

    def test_nothing_is_run_where_all_was_run_before_there_were_squashed_ones(self) -> None:
        recorder = MigrationRecorder(database)
        squashed = [key for key in recorder.applied_migrations() if "_squashed_" in key[1]]
        assert len(squashed) == 4
        for app, name in squashed:
            recorder.record_unapplied(app, name)
        executor = MigrationExecutor(database)
        assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


class TestWhatWaits:
    @pytest.fixture(autouse=True)
    def _upgraded(self, simulator: Simulator, without_retainage: str) -> Iterator[None]:
        with upgraded(without_retainage):
            yield

    def test_what_was_accepted_and_not_begun_is_accepted_once_more_because_nobody_had_signed(
        self, simulator: Simulator
    ) -> None:
        before = job_of("QUEUED")
        approver = approver_of(before)
        worker.export_due_jobs(before.connection_id)
        submission = Submission.objects.select_related("company").get(number="QUEUED")
        assert submission.status == SubmissionStatus.AWAITING
        assert not in_spectrum(simulator, "QUEUED")
        (mail,) = OutgoingEmail.objects.filter(subject__contains="QUEUED")
        assert mail.recipient == approver
        assert "because it was accepted before acceptances were signed" in mail.text_body
        basis = build_basis(submission.document)
        assert basis.is_bound_by(before)
        decisions.accept(
            submission=submission,
            by=approver,
            expected_hash=basis.hash,
            erp_id="QUEUED",
            number_looked_up=True,
        )
        worker.export_due_jobs(before.connection_id)
        done = job_of("QUEUED")
        assert (done.status, done.problem) == (JobStatus.SYNCED, "")
        assert money_in(simulator, "QUEUED") == approved_lines("QUEUED")

    def test_what_goes_on_by_itself_waits_for_a_person_who_signs(self, simulator: Simulator) -> None:
        job = job_of("PART")
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        held = money_in(simulator, "PART")
        worker.export_due_jobs(job.connection_id)
        stopped = job_of("PART")
        assert (stopped.status, stopped.not_before) == (JobStatus.INCOMPLETE, None)
        assert "accepted before acceptances were signed" in stopped.problem
        assert money_in(simulator, "PART") == held
        assert Alarm.objects.filter(submission=job.submission, sentence=stopped.problem).exists()

    def test_what_awaits_can_be_accepted_and_is_exported(self, simulator: Simulator) -> None:
        submission = Submission.objects.select_related("company").get(number="AWAITING")
        assert submission.status == SubmissionStatus.AWAITING
        approver = approver_of(job_of("SYNCED"))
        basis = build_basis(submission.document)
        job = decisions.accept(
            submission=submission,
            by=approver,
            expected_hash=basis.hash,
            erp_id="AWAITING",
            number_looked_up=True,
        )
        worker.export_due_jobs(job.connection_id)
        assert job_of("AWAITING").status == JobStatus.SYNCED
        assert money_in(simulator, "AWAITING") == approved_lines("AWAITING")

    def test_what_was_written_in_part_goes_on_with_the_rest(self, simulator: Simulator) -> None:
        job = job_of("PART")
        assert job.status == JobStatus.INCOMPLETE
        approver = approver_of(job)
        decisions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        worker.export_due_jobs(job.connection_id)
        done = job_of("PART")
        assert (done.status, done.problem) == (JobStatus.SYNCED, "")
        assert money_in(simulator, "PART") == approved_lines("PART")

    def test_what_nobody_knew_is_read_back_and_waits_for_a_person_who_signs(
        self, simulator: Simulator
    ) -> None:
        job = job_of("UNKNOWN")
        past = timezone.now() - timedelta(seconds=1)
        ExportJob.objects.filter(pk=job.pk).update(quiet_until=past, not_before=past)
        unknown.read_back_due(job.connection_id)
        worker.export_due_jobs(job.connection_id)
        waits = job_of("UNKNOWN")
        assert (waits.status, waits.not_before) == (JobStatus.INCOMPLETE, None)
        decisions.resume(submission=waits.submission, by=approver_of(waits), expected_version=waits.attempt)
        worker.export_due_jobs(job.connection_id)
        done = job_of("UNKNOWN")
        assert (done.status, done.problem) == (JobStatus.SYNCED, "")
        assert money_in(simulator, "UNKNOWN") == approved_lines("UNKNOWN")

    def test_what_failed_can_be_accepted_again(self, simulator: Simulator) -> None:
        job = job_of("FAILED")
        approver = approver_of(job)
        basis = build_basis(job.submission.document)
        decisions.accept_again(
            submission=job.submission,
            by=approver,
            expected_hash=basis.hash,
            erp_id="FAILED",
            number_looked_up=True,
        )
        worker.export_due_jobs(job.connection_id)
        assert job_of("FAILED").status == JobStatus.SYNCED
        assert money_in(simulator, "FAILED") == approved_lines("FAILED")

    def test_what_is_synced_still_matches(self) -> None:
        job = job_of("SYNCED")
        past = timezone.now() - timedelta(seconds=1)
        ExportJob.objects.filter(pk=job.pk).update(verification=Verification.PENDING, verify_after=past)
        verification.verify_due(job.connection_id)
        assert (job_of("SYNCED").verification, job_of("SYNCED").differences) == (Verification.MATCH, [])


class TestWhatWaitsWithRetainage:
    @pytest.fixture(autouse=True)
    def _upgraded(self, simulator: Simulator, with_retainage: str) -> Iterator[None]:
        with upgraded(with_retainage):
            yield

    def test_what_awaits_can_be_accepted_and_withholds_on_each_line(self, simulator: Simulator) -> None:
        submission = Submission.objects.select_related("company").get(number="AWAITING")
        approver = approver_of(job_of("SYNCED"))
        basis = build_basis(submission.document)
        job = decisions.accept(
            submission=submission,
            by=approver,
            expected_hash=basis.hash,
            erp_id="AWAITING",
            number_looked_up=True,
        )
        worker.export_due_jobs(job.connection_id)
        assert job_of("AWAITING").status == JobStatus.SYNCED
        assert flags_in(simulator, "AWAITING") == ["Y", "Y"]

    def test_what_was_accepted_and_not_begun_comes_back_with_the_reason(self, simulator: Simulator) -> None:
        worker.export_due_jobs(job_of("QUEUED").connection_id)
        assert Submission.objects.get(number="QUEUED").status == SubmissionStatus.AWAITING
        assert not in_spectrum(simulator, "QUEUED")

    def test_what_was_written_in_part_goes_on_and_each_line_without_retention_is_told(
        self, simulator: Simulator, settings: Settings
    ) -> None:
        settings.READ_BACK_LAG_SECONDS = 0
        job = job_of("PART")
        decisions.resume(submission=job.submission, by=approver_of(job), expected_version=job.attempt)
        worker.export_due_jobs(job.connection_id)
        verification.verify_due(job.connection_id)
        done = job_of("PART")
        assert (done.status, done.verification) == (JobStatus.SYNCED, Verification.DIFFERS)
        assert [(each["title"], each["name"]) for each in done.differences] == [
            ("Line 1", "Retention_Flag"),
            ("Line 2", "Retention_Flag"),
        ]
