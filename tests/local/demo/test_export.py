"""The demo's commitments on the real wire, to the simulator with the demo's own masters."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from pytest_django import Settings

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import worker
from erp_integrations.models import ExportJob, JobStatus, Submission
from local.demo.accounts import APPROVER, HARBOR_APPROVER, HARBOR_PROJECT_ADMIN, PROJECT_ADMIN
from local.demo.contracts import read_contracts
from local.demo.masters import MASTERS
from local.demo.planning import BAD
from local.demo.waiting import waiting_numbers
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def process() -> Iterator[Simulator]:
    with Simulator.start(masters=MASTERS) as simulator:
        yield simulator


@pytest.fixture
def simulator(process: Simulator, settings: Settings) -> Simulator:
    settings.SPECTRUM_SERVERS = {"simulator": process.url}
    return process


def accepted(commitment: Commitment) -> ExportJob:
    """Sent if it was not, and accepted, by the people of its company."""
    keystone = commitment.project.company.slug == "keystone"
    sender, approver = (
        User.objects.get(email=account.email)
        for account in ((PROJECT_ADMIN, APPROVER) if keystone else (HARBOR_PROJECT_ADMIN, HARBOR_APPROVER))
    )
    submission = Submission.objects.awaiting().filter(commitment=commitment).first()
    if submission is None:
        submission = submissions.send_to_erp(commitment=commitment, by=sender)
    basis = build_basis(submission.document)
    return submissions.accept(
        submission=submission, by=approver, expected_hash=basis.hash, erp_id=basis.proposed_erp_id
    )


def exported(*commitments: Commitment) -> list[ExportJob]:
    jobs = [accepted(commitment) for commitment in commitments]
    for connection_id in {job.connection_id for job in jobs}:
        while worker.export_due_jobs(connection_id):
            pass
    for job in jobs:
        job.refresh_from_db()
    return jobs


def test_what_waits_is_in_spectrum_after_accepting_with_its_real_total(
    loaded: dict[str, Commitment], simulator: Simulator
) -> None:
    numbers = [number for number in waiting_numbers()[::4] if number not in {*CASES, *BAD}]
    kinds = {loaded[number].kind for number in numbers}
    companies = {loaded[number].project.company_id for number in numbers}
    assert len(kinds) == len(companies) == 2
    amounts = {contract.number: contract.amount for contract in read_contracts()}
    jobs = exported(*(loaded[number] for number in numbers))
    for number, job in zip(numbers, jobs, strict=True):
        assert (job.status, job.problem) == (JobStatus.SYNCED, "")
        stored = simulator.record(job.erp_id, vendor=job.vendor_code)
        assert stored is not None
        total = sum(Decimal(str(line["Original_Contract_Amount"])) for line in stored["lines"])
        assert total == amounts[number]


CASES = {
    "130282": (JobStatus.FAILED, "GL_Account"),
    "990844": (JobStatus.FAILED, "Date_Issued"),
    "912797": (JobStatus.FAILED, "Date_Issued"),
    "144167": (JobStatus.FAILED, "Operator is not authorized for job HQ-01"),
    "144035": (JobStatus.INCOMPLETE, "Phase_Code"),
    "144094": (JobStatus.INCOMPLETE, "Phase_Code"),
    "144113": (JobStatus.SYNCED, ""),
    "134071": (JobStatus.SYNCED, ""),
    "120214": (JobStatus.SYNCED, ""),
    "150159": (JobStatus.SYNCED, ""),
    "150139": (JobStatus.SYNCED, ""),
    "130170": (JobStatus.SYNCED, ""),
}


def test_each_case_that_only_spectrum_decides_ends_as_the_readme_says(
    loaded: dict[str, Commitment], simulator: Simulator
) -> None:
    jobs = exported(*(loaded[number] for number in CASES))
    for (number, (status, field)), job in zip(CASES.items(), jobs, strict=True):
        assert job.status == status, (number, job.problem)
        assert field in job.problem


@pytest.mark.parametrize("pair", [("144091", "134136"), ("154019", "B34089"), ("154085", "150143")])
def test_the_second_of_two_with_one_vendor_and_number_is_blocked(
    loaded: dict[str, Commitment], pair: tuple[str, str]
) -> None:
    first, second = (loaded[number] for number in pair)
    accepted(first)
    with pytest.raises(submissions.ExportBlocked) as refusal:
        accepted(second)
    assert [finding.code for finding in refusal.value.issues] == ["erp-id-taken"]
