"""Shared by tests of the ERP Integrations tool: a simulator process, and a commitment that it knows."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import ExportJob, Submission
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    ConnectionFactory,
    CostCodeFactory,
    JobLinkFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ProjectFactory,
    VendorLinkFactory,
)
from tests.simulator import AUTHORIZATION_ID, Simulator


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[Simulator]:
    """One simulator for the whole run; each test begins without records and faults."""
    with Simulator.start() as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_process: Simulator, settings: Settings) -> Iterator[Simulator]:
    """The simulator, as the operator's server list names it."""
    settings.SPECTRUM_SERVERS = {"simulator": simulator_process.url}
    simulator_process.set_faults()
    simulator_process.set_drift()
    simulator_process.empty()
    yield simulator_process
    simulator_process.set_faults()
    simulator_process.set_drift()


@pytest.fixture
def deliverable() -> Commitment:
    """An approved subcontract of two lines that the simulator's masters know."""
    project = ProjectFactory()
    connection = ConnectionFactory(
        company=project.company, company_code="PHL", credentials__authorization_id=AUTHORIZATION_ID
    )
    commitment: Commitment = CommitmentFactory(
        approved=True, project=project, lines=0, contract_company__name="Acme"
    )
    JobLinkFactory(project=project, connection=connection, job_number="24-001")
    VendorLinkFactory(connection=connection, contract_company=commitment.contract_company, vendor_code="ACME")
    for code in ("033-0000", "05-10000"):
        LineItemFactory(commitment=commitment, cost_code=CostCodeFactory(project=project, code=code))
    return commitment


@pytest.fixture
def sender(deliverable: Commitment) -> User:
    """A project admin of the deliverable commitment's project."""
    person: User = ProjectAdminFactory(project=deliverable.project)
    return person


@pytest.fixture
def approver(deliverable: Commitment) -> User:
    """An accounting approver of its company."""
    person: User = ApproverFactory(company=deliverable.project.company)
    return person


@pytest.fixture
def awaiting(deliverable: Commitment, sender: User) -> Submission:
    """The deliverable commitment, sent."""
    return submissions.send_to_erp(commitment=deliverable, by=sender)


def accept(submission: Submission, by: User, erp_id: str = "") -> ExportJob:
    """Accept what the box shows now."""
    basis = build_basis(submission.document)
    return submissions.accept(
        submission=submission,
        by=by,
        expected_hash=basis.hash,
        erp_id=erp_id or basis.proposed_erp_id,
        number_looked_up=bool(erp_id),
    )


@pytest.fixture
def queued(awaiting: Submission, approver: User) -> ExportJob:
    """The deliverable commitment, accepted."""
    return accept(awaiting, approver)
