"""A Spectrum that goes away and comes back."""

from collections.abc import Callable

import pytest

from commitments.models import Badge
from erp_integrations.models import CallState, JobStatus, MastersPull, Phase, SyncStatus
from tests.processes.conftest import HEADER, LINE, AtLineOne, Case, calls, fresh, has_become, states
from tests.processes.running import Broker, Running, until
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_spectrum_that_goes_away_is_waited_for_and_gets_everything_once(
    simulator: Simulator, case: Case, start_worker: Callable[[], Running]
) -> None:
    simulator.kill()
    job = case.accept()
    start_worker()
    until(lambda: fresh(job).connection.state.failed_probes >= 2, "the worker stops, asks, and asks again")
    until(has_become(job, JobStatus.QUEUED), "it backs off")
    waiting = fresh(job)
    assert waiting.problem
    assert waiting.submission.commitment.badge == Badge.EXPORTING
    with AtLineOne(job) as point:
        simulator.run()
        point.wait()
        simulator.kill()
    until(has_become(job, JobStatus.INCOMPLETE), "it backs off at line 1")
    assert states(job) == [CallState.WRITTEN, CallState.PLANNED, CallState.PLANNED]
    simulator.run()
    until(has_become(job, JobStatus.SYNCED), "it goes on at line 1")
    assert calls(simulator, job) == [HEADER, LINE, LINE]
    record = simulator.record(job.erp_id)
    assert record is not None
    assert len(record["lines"]) == 2


def test_a_worker_reads_the_lists_of_a_new_connection_by_itself_and_what_was_accepted_goes_on(
    broker: Broker, case: Case, start_worker: Callable[[], Running]
) -> None:
    broker.kill()
    job = case.accept()
    start_worker()
    until(MastersPull.objects.filter(status=SyncStatus.DONE).exists, "the lists are read")
    assert not MastersPull.objects.exclude(problem="").exists()
    assert Phase.objects.filter(job__connection=case.connection).exists()
    until(has_become(job, JobStatus.SYNCED), "lists that say nothing against it stop nothing")
