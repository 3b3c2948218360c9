"""Spectrum keeps what is accepted: retention, unit or fixed price, and what it fills in by itself."""

import copy
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.adapters.registry import to_call
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import verification
from erp_integrations.master_data import syncing
from erp_integrations.models import CallState, ConnectionSettings, ExportJob, JobLink, JobStatus, Verification
from erp_integrations.pages import explanations, submission_rows
from erp_integrations.snapshots import hash_content
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import (
    LINE,
    delivered,
    due_now,
    in_spectrum,
    looked,
    of,
    sent,
    signed_anew,
)
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _read_back_at_once(settings: Settings, simulator: Simulator) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


def with_retainage(commitment: Commitment, percent: str) -> Commitment:
    Commitment.objects.filter(pk=commitment.pk).update(default_retainage=Decimal(percent))
    commitment.refresh_from_db()
    return commitment


def read_back(job: ExportJob) -> ExportJob:
    verification.verify_due()
    return of(job)


def flags(simulator: Simulator, job: ExportJob) -> list[str]:
    record = simulator.record(job.erp_id, company="PHL")
    assert record is not None
    return [line["Retention_Flag"] for line in record["lines"]]


@pytest.mark.parametrize(("percent", "flag"), [("10", "Y"), ("0", "N")])
def test_retention_is_withheld_on_every_line_of_a_commitment_with_retainage(
    simulator: Simulator, deliverable: Commitment, sender: User, approver: User, percent: str, flag: str
) -> None:
    submission = submissions.send_to_erp(commitment=with_retainage(deliverable, percent), by=sender)
    job = delivered(accept(submission, approver))
    assert flags(simulator, job) == [flag, flag]
    assert read_back(job).verification == Verification.MATCH


def test_a_line_on_which_nothing_is_withheld_any_more_is_a_difference(
    simulator: Simulator, deliverable: Commitment, sender: User, approver: User
) -> None:
    submission = submissions.send_to_erp(commitment=with_retainage(deliverable, "10"), by=sender)
    job = delivered(accept(submission, approver))
    in_spectrum(
        simulator,
        "UPDATE VN_SUBCONTRACT_PHASE_MC SET Retention_Flag = 'N'"
        " WHERE trim(Subcontract_Number) = ? AND trim(Phase_Code) = '0330000'",
        job.erp_id,
    )
    job = read_back(job)
    assert job.verification == Verification.DIFFERS
    assert [(each["title"], each["name"], each["stored"]) for each in job.differences] == [
        ("Line 1", "Retention_Flag", "N")
    ]


def test_a_retention_rule_that_changes_after_an_acceptance_stops_the_export(
    simulator: Simulator, deliverable: Commitment, sender: User, approver: User
) -> None:
    submission = submissions.send_to_erp(commitment=with_retainage(deliverable, "10"), by=sender)
    job = accept(submission, approver)
    ConnectionSettings.objects.update(retention_rule="never")
    assert delivered(job).status == JobStatus.FAILED
    assert sent(simulator, job) == []


class TestAnAcceptanceOfBeforeLinesSaidWhetherRetentionIsWithheld:
    """The calls of the release before, in which the flag was blank, and its hash of what was accepted."""

    def accepted_before(self, commitment: Commitment, sender: User, approver: User) -> ExportJob:
        ConnectionSettings.objects.update(retention_rule="blank")
        submission = submissions.send_to_erp(commitment=commitment, by=sender)
        job = accept(submission, approver)
        ConnectionSettings.objects.update(retention_rule="retainage")
        hash_then = hash_content(
            {
                "document": submission.snapshot_hash,
                "vendor": "ACME",
                "job": "24-001",
                "account": "500100",
                "server": "simulator",
                "company_code": "PHL",
            }
        )
        return signed_anew(job, basis_hash=hash_then, wire_hash="")

    def test_is_delivered_as_it_was_accepted_where_nothing_is_to_be_withheld(
        self, simulator: Simulator, deliverable: Commitment, sender: User, approver: User
    ) -> None:
        job = delivered(self.accepted_before(with_retainage(deliverable, "0"), sender, approver))
        assert job.status == JobStatus.SYNCED
        assert flags(simulator, job) == ["N", "N"]

    def test_comes_back_with_the_reason_where_retainage_is_to_be_withheld(
        self, simulator: Simulator, deliverable: Commitment, sender: User, approver: User
    ) -> None:
        job = delivered(self.accepted_before(with_retainage(deliverable, "10"), sender, approver))
        assert job.status == JobStatus.FAILED
        assert "is no longer what was accepted: retention on the lines" in job.problem
        assert sent(simulator, job) == []

    def part_of_before(self, job: ExportJob, simulator: Simulator, **fault: object) -> ExportJob:
        """The worker of the release before came so far."""
        ConnectionSettings.objects.update(retention_rule="blank")
        basis = build_basis(job.submission.document)
        signed_anew(job, basis_hash=basis._hash(basis.bound))
        simulator.set_faults({"method": LINE, "on_call": 2, "times": 1, **fault})
        job = delivered(of(job))
        ConnectionSettings.objects.update(retention_rule="retainage")
        return of(job)

    def test_of_which_a_part_is_written_goes_on_as_it_was_accepted_and_each_line_without_retention_is_told(
        self, simulator: Simulator, deliverable: Commitment, sender: User, approver: User
    ) -> None:
        job = self.accepted_before(with_retainage(deliverable, "10"), sender, approver)
        job = self.part_of_before(job, simulator, kind="refuse")
        assert job.status == JobStatus.INCOMPLETE
        box = signed_in(approver).get(f"{job.submission.get_absolute_url()}resume/").content.decode()
        assert "Spectrum may withhold nothing on the lines" in box
        submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        due_now(job)
        job = delivered(job)
        assert job.status == JobStatus.SYNCED
        assert {call.state for call in job.list_current_calls()} == {CallState.WRITTEN}
        job = read_back(job)
        assert job.verification == Verification.DIFFERS
        assert [(each["title"], each["name"], each["stored"]) for each in job.differences] == [
            (title, "Retention_Flag", "N (retention is not withheld on this line)")
            for title in ("Line 1", "Line 2")
        ]

    def test_of_which_nobody_knew_the_last_line_is_told_as_well(
        self, simulator: Simulator, deliverable: Commitment, sender: User, approver: User
    ) -> None:
        job = self.accepted_before(with_retainage(deliverable, "10"), sender, approver)
        job = self.part_of_before(job, simulator, kind="commit_then_500")
        job = read_back(looked(job))
        assert (job.status, job.verification) == (JobStatus.SYNCED, Verification.DIFFERS)

    def test_where_the_site_never_withholds_on_lines_it_is_no_difference(
        self, simulator: Simulator, deliverable: Commitment, sender: User, approver: User
    ) -> None:
        job = self.accepted_before(with_retainage(deliverable, "10"), sender, approver)
        job = self.part_of_before(job, simulator, kind="refuse")
        ConnectionSettings.objects.update(retention_rule="never")
        box = signed_in(approver).get(f"{job.submission.get_absolute_url()}resume/").content.decode()
        assert "Spectrum may withhold nothing" not in box
        submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        due_now(job)
        assert read_back(delivered(job)).verification == Verification.MATCH


@pytest.mark.parametrize(
    ("method", "flag", "told"), [("F", "N", ["", ""]), ("U", "Y", ["100.0000", "10.00"])]
)
def test_what_is_accepted_on_a_job_of_either_price_method_is_what_stands_in_spectrum(
    settings: Settings,
    deliverable: Commitment,
    sender: User,
    approver: User,
    method: str,
    flag: str,
    told: list[str],
) -> None:
    """The whole way: the lists are read from the site, the box shows it, Spectrum keeps it."""
    company = copy.deepcopy(MASTERS["companies"][0])
    company["jobs"][0]["price_method"] = method
    options = ["--blank-unit-price-flag", "N"]
    with Simulator.start(masters={"companies": [company]}, options=options) as site:
        settings.SPECTRUM_SERVERS = {"simulator": site.url}
        settings.INFO_LINKS = {"simulator": site.info_link}
        syncing.requeue_sync(JobLink.objects.get().connection_id)
        syncing.sync_due_connections()
        submission = submissions.send_to_erp(commitment=deliverable, by=sender)
        job = delivered(accept(submission, approver))
        assert job.status == JobStatus.SYNCED
        header, line, _ = (to_call(call).payload for call in job.list_current_calls())
        assert header["Unit_Price_Flag"] == flag
        assert [line["Unit_Price"], line["Original_Contract_Quantity"]] == told
        assert read_back(job).verification == Verification.MATCH


def test_where_the_price_method_is_not_known_what_spectrum_kept_is_a_difference(
    settings: Settings, deliverable: Commitment, sender: User, approver: User
) -> None:
    with Simulator.start(options=["--blank-unit-price-flag", "N"]) as site:
        settings.SPECTRUM_SERVERS = {"simulator": site.url}
        settings.INFO_LINKS = {"simulator": site.info_link}
        job = delivered(accept(submissions.send_to_erp(commitment=deliverable, by=sender), approver))
        job = read_back(job)
    assert job.verification == Verification.DIFFERS
    assert {each["name"] for each in job.differences} == {"Unit_Price", "Original_Contract_Quantity"}


def test_what_spectrum_fills_in_by_itself_is_told_and_is_no_difference(
    settings: Settings, deliverable: Commitment, sender: User, approver: User
) -> None:
    company = copy.deepcopy(MASTERS["companies"][0])
    company["authorization_ids"] = [{"id": AUTHORIZATION_ID, "defaults": {"Contract_Type": "BY THE BOOK"}}]
    company["jobs"][0]["phases"][0]["bid_item"] = "B7"
    with Simulator.start(masters={"companies": [company]}) as site:
        settings.SPECTRUM_SERVERS = {"simulator": site.url}
        settings.INFO_LINKS = {"simulator": site.info_link}
        job = delivered(accept(submissions.send_to_erp(commitment=deliverable, by=sender), approver))
        job = read_back(job)
    assert (job.verification, job.differences) == (Verification.MATCH, [])
    found = {(each["title"], each["name"], each["value"]) for each in job.filled}
    today = timezone.now().strftime("%m/%d/%Y")
    assert found == {
        ("Subcontract", "Contract_Type", "BY THE BOOK"),
        ("Subcontract", "Date_Issued", today),
        ("Subcontract", "Unit_Price_Flag", "Y"),
        ("Line 1", "Bid_Item_Number", "B7"),
    }
    told = explanations.build_explanation(
        submission_rows.SubmissionRow(job.submission, job, approver.company_memberships.get())
    )
    assert told is not None
    assert "Filled in by Spectrum where nothing was sent: Contract_Type BY THE BOOK (Subcontract);" in (
        " ".join(told.sentences)
    )


def test_a_unit_price_that_spectrum_took_from_the_phase_is_told(
    settings: Settings, deliverable: Commitment, sender: User, approver: User
) -> None:
    deliverable.lines.update(quantity=None, unit_cost=None)
    company = copy.deepcopy(MASTERS["companies"][0])
    company["jobs"][0]["phases"][0]["unit_price"] = "12.5"
    with Simulator.start(masters={"companies": [company]}) as site:
        settings.SPECTRUM_SERVERS = {"simulator": site.url}
        settings.INFO_LINKS = {"simulator": site.info_link}
        job = delivered(accept(submissions.send_to_erp(commitment=deliverable, by=sender), approver))
        job = read_back(job)
    assert {"title": "Line 1", "name": "Unit_Price", "value": "12.5"} in job.filled
