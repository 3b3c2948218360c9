"""Connections that hang, or are dead, leave the others alone."""

from collections.abc import Callable

import pytest

from erp_integrations.models import JobStatus
from tests.processes.conftest import COMPANY_CODES, HEADER, Case, fresh, has_become
from tests.processes.running import Running, until
from tests.processes.test_workers import hangs
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def test_connections_that_hang_delay_no_other(
    simulator: Simulator, environment: dict[str, str], start_worker: Callable[[], Running]
) -> None:
    """By the worker's own look: no message wakes it, so Celery's threads have no part in it."""
    environment |= {"WIRE_READ_TIMEOUT": "100", "EXPORT_LEASE_SECONDS": "120"}
    *slow, quick = [Case(code) for code in COMPANY_CODES]
    held_up = [case.accept() for case in slow]
    simulator.set_faults(
        *(
            {"kind": "hang_before_commit", "method": HEADER, "key": job.erp_id, "seconds": 90}
            for job in held_up
        )
    )
    start_worker()
    for job in held_up:
        until(hangs(simulator, job), "Spectrum hangs", seconds=60)
    other = quick.accept()
    until(has_become(other, JobStatus.SYNCED), "the other connection is served", seconds=30)
    assert [fresh(job).status for job in held_up] == [JobStatus.EXPORTING] * len(held_up)
