"""Invoiced and paid, as Spectrum says: read with reconciliation, shown, and no unlink past it."""

import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from commitments.models import Badge
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.checks.budgets import PhaseBudget, list_budgets
from erp_integrations.master_data import syncing
from erp_integrations.models import ExportJob, JobBilling, JobStatus, Verification
from erp_integrations.reconciliation import comparison, schedule
from tests.clients import signed_in
from tests.erp_integrations.deliveries import in_spectrum, incomplete_at, of
from tests.factories import ProjectAdminFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def compared(job: ExportJob) -> ExportJob:
    """The job after a whole reconciliation."""
    run, _ = schedule.open_run(job.connection)
    assert comparison.run_reconciliation(run)
    return of(job)


def bill(simulator: Simulator, job: ExportJob, **invoice: object) -> None:
    key = {"Company_Code": "PHL", "Vendor_Code": job.vendor_code, "Subcontract_Number": job.erp_id}
    simulator.bill(**key, **invoice)


def bill_the_first_line(simulator: Simulator, job: ExportJob, amount: str = "250.00") -> None:
    bill(simulator, job, Phase_Code="0330000", Cost_Type="S", amount=amount)


class TestReading:
    def test_totals_and_lines_are_kept_with_the_time_of_the_look(
        self, simulator: Simulator, synced: ExportJob
    ) -> None:
        in_spectrum(simulator, "UPDATE VN_SUBCONTRACT_MC SET Retention_Percent = 10")
        bill_the_first_line(simulator, synced)
        bill(simulator, synced, paid="200.00")
        job = compared(synced)
        kept = JobBilling.objects.get()
        assert [f"{label} {amount}" for label, amount in kept.figures] == [
            "Billed 250.00",
            "Paid 200.00",
            "Retention held 25.00",
            "Balance 1750.00",
        ]
        assert kept.billed_lines == [("Line 1", Decimal(250))]
        assert job.verification == Verification.DIFFERS
        first = kept.read_at
        bill_the_first_line(simulator, synced, "50.00")
        compared(synced)
        kept.refresh_from_db()
        assert (str(kept.billed), kept.read_at > first) == ("300.00", True)

    def test_it_costs_two_queries_of_ours_for_a_batch(self, simulator: Simulator, synced: ExportJob) -> None:
        bill_the_first_line(simulator, synced)
        with CaptureQueriesContext(
            database,
        ) as captured:
            compared(synced)
        assert len([each for each in captured if "jobbilling" in each["sql"].lower()]) == 2

    def test_what_was_read_stays_with_its_own_time_when_the_record_is_gone(
        self, simulator: Simulator, synced: ExportJob
    ) -> None:
        bill_the_first_line(simulator, synced)
        compared(synced)
        before = JobBilling.objects.get().read_at
        simulator.delete(synced.erp_id, vendor="ACME", company="PHL")
        assert compared(synced).submission.commitment.badge == Badge.NEEDS_ATTENTION
        assert JobBilling.objects.get().read_at == before

    def test_a_release_without_the_columns_shows_nothing_and_nothing_fails(
        self, simulator: Simulator, synced: ExportJob, settings: Settings, tmp_path: Path
    ) -> None:
        bill_the_first_line(simulator, synced)
        old = tmp_path / "an-old-release.sqlite3"
        with sqlite3.connect(simulator.database) as there, sqlite3.connect(old) as copy:
            there.backup(copy)
            copy.execute("DROP VIEW JC_PHASE_ESTIMATE_TOTAL_MC")
            for column in ("Total_Billed", "Total_Paid", "Retention_Balance", "Total_Balance"):
                copy.execute(f"ALTER TABLE VN_SUBCONTRACT_MC DROP COLUMN {column}")
            for column in ("Amount_Billed_To_Date", "Quantity_Billed_To_Date"):
                copy.execute(f"ALTER TABLE VN_SUBCONTRACT_PHASE_MC DROP COLUMN {column}")
        settings.INFO_LINKS = {"simulator": f"sqlite:///file:{old}?mode=ro&uri=true"}
        assert compared(synced).verification == Verification.MATCH
        assert not JobBilling.objects.exists()


def test_what_is_billed_is_cost_and_no_commitment_any_more_and_leaves_as_much_to_others(
    simulator: Simulator, synced: ExportJob
) -> None:
    def get_budget() -> PhaseBudget:
        syncing.requeue_sync(synced.connection_id)
        syncing.sync_connection(synced.connection_id)
        return list_budgets(build_basis(replace(synced.submission.document, commitment_id=0)))[0]

    before = get_budget()
    assert (before.to_date, before.committed, before.left) == (
        Decimal("1234.56"),
        Decimal("1000.00"),
        Decimal("6765.44"),
    )
    bill_the_first_line(simulator, synced, "250.10")
    compared(synced)
    after = get_budget()
    assert (after.to_date, after.committed) == (Decimal("1484.66"), Decimal("749.90"))
    assert after.left == before.left


class TestShown:
    def test_on_the_commitment_its_review_page_and_the_list(
        self, simulator: Simulator, synced: ExportJob, approver: User
    ) -> None:
        bill_the_first_line(simulator, synced)
        compared(synced)
        client = signed_in(approver)
        review = client.get(synced.submission.get_absolute_url()).content.decode()
        assert "Invoiced and paid" in review
        assert "Billed of 1 line" in review
        listed = client.get(synced.submission.get_absolute_url().rsplit("/", 2)[0] + "/?view=synced")
        assert "250.00 billed" in listed.content.decode()
        member = signed_in(ProjectAdminFactory(project=synced.submission.project))
        page = member.get(synced.submission.commitment.get_absolute_url()).content.decode()
        assert "Invoiced and paid" in page

    def test_nothing_is_shown_where_nothing_was_read(self, synced: ExportJob, approver: User) -> None:
        html = signed_in(approver).get(synced.submission.get_absolute_url()).content.decode()
        assert "Invoiced and paid" not in html


class TestUnlink:
    def unlink(self, job: ExportJob, by: User, statement: str = "") -> None:
        submissions.unlink(
            submission=of(job).submission, by=by, expected_version=job.attempt, statement=statement
        )

    def test_what_is_billed_is_not_unlinked_and_the_person_is_told_so(
        self, simulator: Simulator, synced: ExportJob, unlinker: User
    ) -> None:
        bill_the_first_line(simulator, synced)
        with pytest.raises(submissions.DecisionError, match=r"250\.00 of it was billed"):
            self.unlink(synced, unlinker)

    def test_nor_when_it_is_absent_and_was_billed_when_it_was_read_last(
        self, simulator: Simulator, synced: ExportJob, unlinker: User, settings: Settings
    ) -> None:
        bill_the_first_line(simulator, synced)
        compared(synced)
        simulator.delete(synced.erp_id, vendor="ACME", company="PHL")
        with pytest.raises(submissions.DecisionError, match="can't be unlinked"):
            self.unlink(synced, unlinker)
        settings.INFO_LINKS = {}
        with pytest.raises(submissions.DecisionError, match="can't be unlinked"):
            self.unlink(synced, unlinker, "I looked.")
        assert of(synced).status == JobStatus.SYNCED

    def test_so_is_a_part_of_an_export_that_is_billed(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = incomplete_at(simulator, queued, 2)
        bill_the_first_line(simulator, job)
        with pytest.raises(submissions.DecisionError, match=r"250\.00 of it was billed"):
            self.unlink(job, unlinker)
