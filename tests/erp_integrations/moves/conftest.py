"""Records of ours whose key somebody changed in Spectrum itself."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from commitments.models import Commitment
from directory.db.leases import stopping
from directory.models import User
from erp_integrations.exports import verification, worker
from erp_integrations.models import ExportJob
from tests.erp_integrations.deliveries import of
from tests.factories import join_project
from tests.simulator import Simulator


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> Iterator[None]:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    settings.QUIET_PERIOD_SECONDS = 0
    yield
    stopping.clear()
    for vendor in ("ACMENEW", "ACMEOLD"):
        simulator.change_keys(company="PHL", vendor=vendor, to="ACME")


@pytest.fixture
def synced(queued: ExportJob) -> ExportJob:
    """The deliverable commitment, written and read back."""
    worker.export_due_jobs(queued.connection_id)
    verification.verify_due()
    return of(queued)


@pytest.fixture
def unlinker(approver: User, deliverable: Commitment) -> User:
    """An accounting approver who is also Admin on the project's Commitments tool."""
    join_project(approver, deliverable.project, "admin")  # type: ignore[arg-type]
    return approver
