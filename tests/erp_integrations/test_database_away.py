"""PostgreSQL dies under a statement of a worker: nothing that is known is lost."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from erp_integrations.connections import secret_rotation
from erp_integrations.exports import verification, worker
from erp_integrations.master_data import syncing
from erp_integrations.models import (
    Connection,
    ConnectionState,
    ExportJob,
    JobStatus,
    MastersPull,
    Reconciliation,
    ReconciliationStatus,
    SyncStatus,
    WireAttempt,
)
from erp_integrations.reconciliation import comparison, schedule
from tests.dying_database import crash_at, instead_of
from tests.factories import ConnectionFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "first-client-secret"


@pytest.fixture
def hosted(settings: Settings) -> Iterator[Simulator]:
    with Simulator.start(options=["--client", f"ledgergate:{SECRET}"]) as simulator:
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        yield simulator


def test_an_answer_of_spectrums_is_written_down_once_it_is_back(
    simulator: Simulator, queued: ExportJob
) -> None:
    with crash_at('UPDATE "erp_integrations_wireattempt"'):
        worker.export_due_jobs(queued.connection_id)
    assert ExportJob.objects.get(pk=queued.pk).status == JobStatus.SYNCED
    attempts = WireAttempt.objects.filter(call__job=queued)
    assert [attempt.outcome for attempt in attempts] == ["accepted"] * 3


CUT = "SELECT pg_terminate_backend(pg_backend_pid())"


def test_where_a_session_was_cut_the_answer_is_written_in_another_and_the_export_goes_on(
    simulator: Simulator, queued: ExportJob
) -> None:
    with instead_of('UPDATE "erp_integrations_wireattempt"', CUT):
        worker.export_due_jobs(queued.connection_id)
    assert ExportJob.objects.get(pk=queued.pk).status == JobStatus.SYNCED
    assert WireAttempt.objects.filter(outcome="accepted").count() == WireAttempt.objects.count() == 3


def test_where_it_was_cut_at_the_first_intent_the_connection_is_free_at_once(
    simulator: Simulator, queued: ExportJob
) -> None:
    with instead_of('INSERT INTO "erp_integrations_wireattempt"', CUT), pytest.raises(DatabaseError):
        worker.export_due_jobs(queued.connection_id)
    assert not ConnectionState.objects.get().lease_holder


def test_a_delivery_that_it_ends_is_no_mistake_of_ours_and_uses_up_no_words(
    simulator: Simulator, queued: ExportJob
) -> None:
    with crash_at('INSERT INTO "erp_integrations_wireattempt"'), pytest.raises(DatabaseError):
        worker.export_due_jobs(queued.connection_id)
    job = ExportJob.objects.get(pk=queued.pk)
    assert (job.status, job.problem) == (JobStatus.EXPORTING, "")


def test_a_secret_that_is_told_once_is_kept(hosted: Simulator) -> None:
    held: Connection = ConnectionFactory(
        company_code="PHL", client_id="ledgergate", credentials__client_secret=SECRET
    )
    with crash_at('"previous_client_secret" = '):
        assert secret_rotation.rotate(connection=held, by=None).done
    assert Connection.objects.get(pk=held.pk).credentials.client_secret not in ("", SECRET)


def test_a_comparison_goes_on_later(simulator: Simulator, queued: ExportJob, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    worker.export_due_jobs(queued.connection_id)
    verification.verify_due()
    run, _ = schedule.open_run(queued.connection)
    with crash_at('FROM "erp_integrations_drift"'), pytest.raises(DatabaseError):
        comparison.run_reconciliation(run)
    assert Reconciliation.objects.get(pk=run.pk).status == ReconciliationStatus.RUNNING


def test_a_reading_of_the_lists_begins_anew(simulator: Simulator, queued: ExportJob) -> None:
    syncing.requeue_sync(queued.connection_id)
    with crash_at('INSERT INTO "erp_integrations_vendor"'), pytest.raises(DatabaseError):
        syncing.sync_connection(queued.connection_id)
    assert MastersPull.objects.get(connection=queued.connection_id).status == SyncStatus.PULLING
