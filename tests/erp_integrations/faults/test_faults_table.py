"""docs/faults.md says what becomes of each fault; it is made here, and has to be what is made now."""

import copy
import os
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from directory.models import User
from erp_integrations import submissions
from erp_integrations.models import ExportJob
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.faults.cases import FAULTS
from tests.erp_integrations.faults.observing import Row, observe
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
from tests.simulator import AUTHORIZATION_ID, MASTERS, ROOT, Simulator

pytestmark = pytest.mark.django_db(transaction=True)

COMPANIES = [f"F{number:02}" for number in range(len(FAULTS))]
DOCUMENT = ROOT / "docs" / "faults.md"
HEAD = """# What becomes of each fault

Each row was run against the product and the simulator: a subcontract of two lines is accepted, and
the fault strikes while a worker delivers it. *At first* is what the approver's page says right after
the worker's first turn, *in the end* what it says when the fault is over, every waiting time has
passed and nothing changes by itself any more. The last column holds the buttons that an accounting
approver then has. Read-back is configured. Made by `script/faults-table`; a test fails when it is
not what is made now.

| fault | Spectrum holds in the end | the product says at first | and in the end | what an approver can do |
|---|---|---|---|---|
"""


@pytest.fixture(scope="module")
def copied() -> Iterator[Simulator]:
    """With a company for each fault, so that none of them sees what another left."""
    first = MASTERS["companies"][0]
    companies = [copy.deepcopy(first) | {"code": code} for code in COMPANIES]
    with Simulator.start(masters={"companies": companies}, copied=True) as simulator:
        yield simulator


def accepted(company_code: str) -> tuple[ExportJob, User]:
    """A subcontract of two lines that waits for a worker, and who accepted it."""
    project = ProjectFactory()
    connection = ConnectionFactory(
        company=project.company, company_code=company_code, credentials__authorization_id=AUTHORIZATION_ID
    )
    commitment = CommitmentFactory(approved=True, project=project, lines=0)
    JobLinkFactory(project=project, connection=connection, job_number="24-001")
    VendorLinkFactory(connection=connection, contract_company=commitment.contract_company, vendor_code="ACME")
    for code in ("033-0000", "05-10000"):
        LineItemFactory(commitment=commitment, cost_code=CostCodeFactory(project=project, code=code))
    sender, approver = ProjectAdminFactory(project=project), ApproverFactory(company=project.company)
    return accept(submissions.send_to_erp(commitment=commitment, by=sender), approver), approver


def written(rows: list[Row]) -> str:
    """The document."""
    return HEAD + "".join(
        f"| {row.fault} | {row.stored} | {row.at_first} | {_again(row)} | {row.can_do} |\n" for row in rows
    )


def _again(row: Row) -> str:
    return "the same" if row.in_the_end == row.at_first else row.in_the_end


def test_the_table_of_faults_is_what_the_product_does_now(copied: Simulator, settings: Settings) -> None:
    settings.SPECTRUM_SERVERS = {"simulator": copied.url}
    settings.INFO_LINKS = {"simulator": copied.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    settings.WIRE_READ_TIMEOUT = 30
    rows = []
    for fault, company_code in zip(FAULTS, COMPANIES, strict=True):
        job, approver = accepted(company_code)
        rows.append(observe(fault, job, approver, copied))
    if os.environ.get("FAULTS_TABLE") == "write":
        DOCUMENT.write_text(written(rows), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8").splitlines() == written(rows).splitlines(), (
        "run script/faults-table"
    )
