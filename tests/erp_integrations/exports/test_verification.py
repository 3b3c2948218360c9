"""Before the first write the key is looked up, and after the last one the record is read back."""

import sqlite3
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.utils import timezone
from pytest_django import Settings

from commitments.models import Badge
from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import ledger, verification, worker
from erp_integrations.models import (
    ConnectionState,
    ExportJob,
    JobStatus,
    Submission,
    Verification,
)
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import due_now
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


def of(job: ExportJob) -> ExportJob:
    return ExportJob.objects.select_related("submission__commitment").get(pk=job.pk)


def delivered(job: ExportJob) -> ExportJob:
    worker.export_due_jobs(job.connection_id)
    return of(job)


def in_spectrum(simulator: Simulator, statement: str, *values: object) -> None:
    """Somebody works in Spectrum itself."""
    with sqlite3.connect(simulator.database, timeout=10) as database:
        assert database.execute(statement, values).rowcount > 0
    database.close()


class TestReadBack:
    def test_what_was_accepted_is_found_and_said_so(self, simulator: Simulator, queued: ExportJob) -> None:
        job = delivered(queued)
        assert (job.status, job.verification) == (JobStatus.SYNCED, Verification.PENDING)
        assert verification.verify_due() == 1
        job = of(job)
        assert (job.verification, job.differences) == (Verification.MATCH, [])
        assert job.verified_at is not None
        assert job.submission.commitment.badge == Badge.SYNCED
        assert HistoryEntry.objects.filter(event="export.verified").count() == 1
        assert verification.verify_due() == 0

    def test_it_is_not_looked_at_before_the_lag_is_over(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.READ_BACK_LAG_SECONDS = 60
        job = delivered(queued)
        assert verification.verify_due() == 0
        ExportJob.objects.filter(pk=job.pk).update(verify_after=timezone.now() - timedelta(seconds=1))
        assert verification.verify_due() == 1

    def test_a_value_that_comes_back_different_is_told_field_by_field(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = delivered(queued)
        in_spectrum(
            simulator,
            "UPDATE VN_SUBCONTRACT_MC SET Retention_Percent = 7.5 WHERE trim(Subcontract_Number) = ?",
            job.erp_id,
        )
        verification.verify_due()
        job = of(job)
        assert job.verification == Verification.DIFFERS
        (difference,) = job.differences
        assert (difference["title"], difference["name"]) == ("Subcontract", "Retention_Percent")
        assert difference["stored"] == "7.5"
        assert job.submission.commitment.badge == Badge.SYNCED_WITH_DIFFERENCES
        assert HistoryEntry.objects.get(event="export.differs").detail["differences"] == job.differences

    def test_a_record_that_is_gone_is_absent_and_not_green(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = delivered(queued)
        for table in ("VN_SUBCONTRACT_PHASE_MC", "VN_SUBCONTRACT_MC"):
            in_spectrum(simulator, f"DELETE FROM {table} WHERE trim(Subcontract_Number) = ?", job.erp_id)
        verification.verify_due()
        job = of(job)
        assert job.verification == Verification.ABSENT
        assert job.submission.commitment.badge == Badge.NEEDS_ATTENTION
        assert list(Submission.objects.needing_attention()) == [job.submission]
        assert list(Submission.objects.synced()) == []

    def test_a_database_that_does_not_answer_changes_nothing_and_is_asked_again(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        job = delivered(queued)
        settings.INFO_LINKS = {"simulator": "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"}
        assert verification.verify_due() == 0
        job = of(job)
        assert job.verification == Verification.PENDING
        assert job.verify_after is not None
        assert job.verify_after > timezone.now()
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        ExportJob.objects.filter(pk=job.pk).update(verify_after=timezone.now() - timedelta(seconds=1))
        assert verification.verify_due() == 1

    def test_where_nothing_is_configured_nothing_waits(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        assert delivered(queued).verification == Verification.NOT_CONFIGURED
        assert verification.verify_due() == 0


class TestWhoseTheNumberIs:
    def other(self, simulator: Simulator, queued: ExportJob) -> None:
        """Somebody has typed a subcontract into Spectrum under our number."""
        in_spectrum(
            simulator,
            "INSERT INTO VN_SUBCONTRACT_MC (Company_Code, Vendor_Code, Subcontract_Number, Job_Number, "
            "Status_Code, GL_Account, Date_Issued, Insurance_Cert_Flag, Unit_Price_Flag, Original_Amount, "
            "Simulator_Stored_At) VALUES (?, ?, ?, '24-002    ', 'A', '500100', '2015-07-04', 'N', 'N', 99, "
            "'2015-07-04')",
            "PHL",
            "ACME".ljust(10),
            queued.erp_id.ljust(10),
        )

    def test_a_record_made_by_hand_under_our_key_is_never_overwritten(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        self.other(simulator, queued)
        calls = len(simulator.calls())
        job = delivered(queued)
        assert job.status == JobStatus.FAILED
        assert "which was not created here: job 24-002, 0 lines, amount 99" in job.problem
        assert len(simulator.calls()) == calls
        submission = Submission.objects.get(pk=job.submission_id)
        submissions.reject(submission=submission, by=approver, reason="The number is taken in Spectrum.")

    def test_nor_after_another_number_was_tried(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        call = queued.list_current_calls()[0]
        call.wire_attempts.create(
            attempt=1, payload_hash=call.payload_hash, finished_at=timezone.now(), outcome="unknown"
        )
        ExportJob.objects.filter(pk=queued.pk).update(status=JobStatus.FAILED, not_before=None)
        assert ledger.has_possible_write_under_key(of(queued))
        submission = Submission.objects.get(pk=queued.submission_id)
        seen = build_basis(submission.document).hash
        again = submissions.accept_again(
            submission=submission, by=approver, expected_hash=seen, erp_id="OTHER"
        )
        self.other(simulator, again)
        assert not ledger.has_possible_write_under_key(of(again))
        due_now(again)
        job = delivered(again)
        assert (job.status, job.erp_id) == (JobStatus.FAILED, "OTHER")
        assert "which was not created here" in job.problem

    def test_what_we_wrote_ourselves_is_ours_to_go_on_with(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        simulator.set_faults({"kind": "unauthorised", "method": "UpdateSubcontractPhases", "times": 1})
        job = delivered(queued)
        assert job.status == JobStatus.INCOMPLETE
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        ConnectionState.objects.filter(pk=job.connection_id).update(not_before=None, awaits_probe=False)
        assert delivered(job).status == JobStatus.SYNCED
        verification.verify_due()
        assert of(job).verification == Verification.MATCH

    def test_where_it_can_t_be_looked_up_nothing_is_sent_and_it_is_tried_again(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {"simulator": "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"}
        calls = len(simulator.calls())
        job = delivered(queued)
        assert job.status == JobStatus.QUEUED
        assert "the ERP ID can't be checked" in job.problem
        assert len(simulator.calls()) == calls
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        ConnectionState.objects.filter(pk=job.connection_id).update(not_before=None, awaits_probe=False)
        assert delivered(job).status == JobStatus.SYNCED

    def test_a_second_sending_of_a_written_commitment_would_be_ours(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        job = delivered(accept(awaiting, approver))
        assert ledger.has_possible_write_under_key(job)
        assert not ledger.has_possible_write_under_key(ExportJob(**_key_of(job) | {"erp_id": "OTHER"}))


def _key_of(job: ExportJob) -> dict[str, object]:
    return {
        "submission": job.submission,
        "connection": job.connection,
        "vendor_code": job.vendor_code,
        "erp_id": job.erp_id,
    }


class TestSettings:
    @pytest.mark.parametrize(
        ("links", "expected"),
        [
            ({"simulator": "mssql+pymssql://reader:hush-hush@host/spectrum"}, []),
            ({"other": "sqlite:///x"}, ["erp_integrations.E005"]),
            ({"simulator": "oracle+nothing://reader:hush-hush@host/x"}, ["erp_integrations.E006"]),
            ({"simulator": "hush-hush"}, ["erp_integrations.E006"]),
        ],
    )
    def test_a_link_that_could_not_be_used_is_refused_at_start(
        self, settings: Settings, links: dict[str, str], expected: list[str]
    ) -> None:
        settings.INFO_LINKS = links
        problems = [
            each for each in run_checks() if each.id in ("erp_integrations.E005", "erp_integrations.E006")
        ]
        assert [each.id for each in problems] == expected
        assert not any("hush-hush" in each.msg for each in problems)
