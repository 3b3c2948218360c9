"""The drill: a database is put back to an older copy, after what it had waiting was exported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from pytest_django import Settings

from directory.history import checkpoints, sealing
from directory.models import HistoryEntry
from erp_integrations import submissions
from erp_integrations.connections import pauses
from erp_integrations.models import Alarm, Connection, ExportJob, JobStatus, Restore, WireAttempt
from erp_integrations.pages import previews
from tests.conftest import owner
from tests.processes.conftest import Case, calls, fresh, has_become, look_until_decided
from tests.processes.running import Running, until
from tests.simulator import Simulator

pytestmark = [pytest.mark.django_db(transaction=True)]

COPY = "copy_of_yesterday"


@contextmanager
def at_the_server() -> Iterator[Cursor]:
    """A session beside the database, in which nobody else has one."""
    name = connection.settings_dict["NAME"]
    connection.close()
    parameters = {**connection.get_connection_params(), "cursor_factory": None, "dbname": "postgres"}
    if different := owner():
        parameters |= {"user": different["USER"], "password": different["PASSWORD"]}
    session = psycopg2.connect(**parameters)
    session.autocommit = True
    try:
        with session.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (%s, %s)",
                [name, COPY],
            )
            yield cursor
    finally:
        session.close()


def copy() -> None:
    name = sql.Identifier(connection.settings_dict["NAME"])
    with at_the_server() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(COPY)))
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(COPY), name))


def restore() -> None:
    name = sql.Identifier(connection.settings_dict["NAME"])
    with at_the_server() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(COPY), name))


@pytest.fixture
def outside(environment: dict[str, str], settings: Settings, tmp_path: Path) -> Path:
    """The folders that no restore puts back; the workers' and ours."""
    for name in ("WIRE_WATERMARK_DIR", "HISTORY_CHECKPOINTS_DIR"):
        folder = str(tmp_path / name.lower())
        environment[name] = folder
        setattr(settings, name, folder)
    settings.READ_BACK_LAG_SECONDS = 0
    return tmp_path


def history_holds(settings: Settings) -> bool:
    sealing.seal_new_entries(everything=True)
    try:
        call_command(
            "verify_history", checkpoints=[Path(settings.HISTORY_CHECKPOINTS_DIR)], stdout=StringIO()
        )
    except CommandError:
        return False
    return True


def exported_and_put_back(
    case: Case, start_worker: Callable[[], Running], settings: Settings, simulator: Simulator
) -> ExportJob:
    """Queued in the copy, exported after it, and queued again in the database that was put back."""
    job = case.accept()
    sealing.seal_new_entries(everything=True)
    copy()
    worker = start_worker()
    until(has_become(job, JobStatus.SYNCED), "the export")
    worker.kill()
    for early in Path(settings.HISTORY_CHECKPOINTS_DIR).glob("history-*.json"):
        early.unlink()  # the worker wrote it when it began
    assert checkpoints.write_daily_checkpoint()
    restore()
    assert (fresh(job).status, WireAttempt.objects.count()) == (JobStatus.QUEUED, 0)
    assert len(calls(simulator, job)) == 3
    return job


def test_nothing_is_written_twice_and_what_stands_there_is_adopted(
    case: Case,
    outside: Path,
    start_worker: Callable[[], Running],
    settings: Settings,
    simulator: Simulator,
) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    job = exported_and_put_back(case, start_worker, settings, simulator)
    assert not history_holds(settings)

    start_worker()
    until(lambda: Connection.objects.get().paused_at, "the pause")
    assert "older copy" in Connection.objects.get().pause_reason
    assert Alarm.objects.filter(submission=None).exists()
    with pytest.raises(pauses.PauseError, match="older copy"):
        pauses.resume(connection=case.connection, by=None)
    assert (fresh(job).status, len(calls(simulator, job))) == (JobStatus.QUEUED, 3)

    told = StringIO()
    call_command("after_restore", reason="The disk broke; the copy of 02:00", stdout=told)
    assert f"submission {job.submission_id}" in told.getvalue()
    assert "exactly as it would be exported" in told.getvalue()
    assert HistoryEntry.objects.get(event="history.restored").detail["lost"]
    assert history_holds(settings)

    def adopt() -> ExportJob:
        seen = previews.build_preview(job.submission)
        assert seen.adoptable is not None
        return submissions.adopt(
            submission=job.submission,
            by=case.approver,
            expected_hash=seen.expected_hash,
            expected_record=seen.adoptable.record.hash,
            expected_version=job.plan_round,
            erp_id=seen.erp_id,
        )

    look_until_decided(adopt)
    pauses.resume(connection=case.connection, by=None)
    following = case.accept(case.send())
    until(has_become(following, JobStatus.SYNCED), "the next export")
    assert (fresh(job).status, len(calls(simulator, job))) == (JobStatus.SYNCED, 3)
    numbers = [each["Subcontract_Number"] for each in simulator.records()]
    assert numbers.count(job.erp_id) == 1
    assert history_holds(settings)


def test_without_read_back_a_person_says_what_is_there_before_anything_is_sent(
    case: Case,
    outside: Path,
    start_worker: Callable[[], Running],
    settings: Settings,
    environment: dict[str, str],
    simulator: Simulator,
) -> None:
    environment["INFO_LINKS"] = ""
    settings.INFO_LINKS = {}
    job = exported_and_put_back(case, start_worker, settings, simulator)
    call_command("after_restore", reason="The copy of 02:00", stdout=StringIO())
    assert Restore.objects.get().lost.startswith("Calls to Spectrum were sent until")
    held = fresh(job)
    assert (held.status, held.needs_manual_resolution) == (JobStatus.UNKNOWN, True)
    start_worker()
    pauses.resume(connection=case.connection, by=None)
    ExportJob.objects.filter(pk=job.pk).update(quiet_until=held.created_at, not_before=held.created_at)
    submissions.resolve(
        submission=job.submission,
        by=case.approver,
        expected_version=job.attempt,
        attested=submissions.Attested.ALL,
        statement="Looked at subcontract and both lines at 10:15.",
    )
    assert (fresh(job).status, len(calls(simulator, job))) == (JobStatus.SYNCED, 3)
