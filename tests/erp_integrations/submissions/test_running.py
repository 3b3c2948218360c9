"""Running commitments come in as they stand in Spectrum, and nobody has one of them exported."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from pytest_django import Settings

from commitments import services
from commitments.errors import CommitmentLocked
from commitments.models import Badge, Commitment, Lock
from directory.models import Company, HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.exports import worker
from erp_integrations.links.take_over import HERE, LEFT, MADE
from erp_integrations.models import (
    Drift,
    ErpIdHold,
    ExportJob,
    JobStatus,
    TakeOver,
    TakeOverKind,
    TakeOverStatus,
    UnconfirmedChange,
    VendorLink,
    Verification,
)
from erp_integrations.reconciliation import comparison, requests
from erp_integrations.submissions import take_overs
from erp_integrations.submissions.errors import Conflict, DecisionError, ExportBlocked
from tests.clients import signed_in
from tests.factories import ApproverFactory, ContractCompanyFactory, have_been_read
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def spectrum(simulator: Simulator, settings: Settings) -> Simulator:
    """Four subcontracts, of which one is invoiced, one's vendor is not linked, and one is complete."""
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    enter(simulator, "ACME", "R-1", {"0330000": "1000.10", "0510000": "0.05"}, Comment_1="Roof")
    enter(simulator, "ACME", "R-2", {"0330000": "77.00"}, Status_Code="C")
    enter(simulator, "BOLT", "R-1", {"0330000": "5.00"})
    enter(simulator, "ACME", "R-3", {"0990000": "9.00"})
    key = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": "R-1"}
    simulator.bill(**key, Phase_Code="0330000", Cost_Type="S", amount="400.00")
    return simulator


def enter(simulator: Simulator, vendor: str, number: str, lines: dict[str, str], **header: Any) -> None:
    simulator.enter(
        Company_Code="PHL",
        Vendor_Code=vendor,
        Subcontract_Number=number,
        **{"Job_Number": "24-001", "GL_Account": "500100", "Retention_Percent": "10.0"} | header,
        Original_Amount=str(sum(map(Decimal, lines.values()))),
        lines=[
            {"Phase_Code": phase, "Cost_Type": "S", "Original_Contract_Amount": amount, "Retention_Flag": "Y"}
            for phase, amount in lines.items()
        ],
    )


@pytest.fixture
def by(deliverable: Commitment, approver: User) -> User:
    """An approver of a company whose lists were read, and another one who is told."""
    ApproverFactory(company=deliverable.project.company)
    connection = deliverable.project.job_link.connection
    have_been_read(connection)
    return approver


def look(commitment: Commitment, by: User, **wanted: Any) -> TakeOver:
    connection = commitment.project.job_link.connection
    row = TakeOver(kind=TakeOverKind.COMMITMENTS, connection=connection, **wanted)
    take_overs.ask_for_take_over(wanted=row, by=by)
    take_overs.run_due_take_overs()
    return TakeOver.objects.get(kind=TakeOverKind.COMMITMENTS)


def take(commitment: Commitment, by: User, **wanted: Any) -> TakeOver:
    """Looked at, and taken over."""
    row = look(commitment, by, **wanted)
    take_overs.ask_for_take_over(wanted=row, expected=row.stamp, by=by)
    take_overs.run_due_take_overs()
    return TakeOver.objects.get(kind=TakeOverKind.COMMITMENTS)


def count(row: TakeOver, outcome: str) -> list[Any]:
    found: list[Any] = row.plan["groups"]["Subcontracts"][outcome]
    return found


def compare(company: Company, by: User) -> None:
    requests.start_reconciliations(company=company, by=by)
    assert comparison.run_next()


class TestTheyComeIn:
    def test_as_they_stand_there_with_what_was_invoiced_and_nothing_differs(
        self, deliverable: Commitment, by: User, spectrum: Simulator
    ) -> None:
        before = len(spectrum.calls())
        done = take(deliverable, by)
        assert (done.status, done.problem) == (TakeOverStatus.DONE, "")
        assert (done.report, count(done, MADE)) == ({"running commitments": 1}, [1, "1000.15"])
        assert (count(done, HERE), count(done, LEFT)) == ([0, "0.00"], [3, "91.00"])
        assert [tuple(each[1:5]) for each in done.plan["rows"] if each[3] == LEFT] == [
            ("R-2", "ACME", LEFT, "Complete in Spectrum"),
            ("R-3", "ACME", LEFT, f"Line 1: phase 0990000 is no cost code of {deliverable.project}"),
            ("R-1", "BOLT", LEFT, "Vendor BOLT is not linked"),
        ]
        job = ExportJob.objects.get(taken_over=True)
        commitment = job.submission.commitment
        assert (commitment.lock, commitment.badge, commitment.erp_id) == (Lock.EXPORTED, Badge.SYNCED, "R-1")
        assert (commitment.title, commitment.default_retainage) == ("Roof", Decimal("10.00"))
        assert [line.amount for line in services.list_lines(commitment)] == [
            Decimal("1000.10"),
            Decimal("0.05"),
        ]
        assert (job.status, job.verification) == (JobStatus.SYNCED, Verification.MATCH)
        assert job.billing.billed == Decimal("400.00")
        compare(deliverable.project.company, by)
        assert not Drift.objects.exists()
        assert ExportJob.objects.get(pk=job.pk).verification == Verification.MATCH
        assert len(spectrum.calls()) == before

    def test_once_more_brings_nothing_in(self, deliverable: Commitment, by: User) -> None:
        take(deliverable, by)
        again = take(deliverable, by, with_inactive=True)
        assert count(again, MADE)[0] == 1  # the complete one, now that it was chosen
        assert count(again, HERE) == [1, "1000.15"]
        assert ExportJob.objects.filter(taken_over=True).count() == 2
        assert Commitment.objects.get(number="R-2").status == "complete"

    def test_what_came_in_before_a_worker_ended_is_told_with_the_rest(
        self, deliverable: Commitment, by: User
    ) -> None:
        shown = look(deliverable, by)
        take(deliverable, by)
        # As where it ended before its report.
        own = TakeOver.objects.filter(pk=shown.pk)
        own.update(status=TakeOverStatus.TAKING, shown=shown.shown, report={})
        take_overs.run_due_take_overs()
        done = TakeOver.objects.get(kind=TakeOverKind.COMMITMENTS)
        assert (done.report, count(done, HERE)) == ({"running commitments": 1}, [0, "0.00"])
        assert ExportJob.objects.filter(taken_over=True).count() == 1

    def test_what_has_changed_since_it_was_shown_does_not_come_in(
        self, deliverable: Commitment, by: User, spectrum: Simulator
    ) -> None:
        shown = look(deliverable, by)
        look(deliverable, by, with_inactive=True)  # somebody else's, of more
        with pytest.raises(Conflict, match="not what you were shown any more"):
            take_overs.ask_for_take_over(wanted=shown, expected=shown.stamp, by=by)
        row = look(deliverable, by)
        line = {"Phase_Code": "0510000", "Cost_Type": "S", "Original_Contract_Amount": "0.06"}
        key = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": "R-1"}
        spectrum.enter(**key, Original_Amount="1000.16", lines=[line])
        take_overs.ask_for_take_over(wanted=row, expected=row.stamp, by=by)
        take_overs.run_due_take_overs()
        assert not ExportJob.objects.filter(taken_over=True).exists()
        rows = TakeOver.objects.get(pk=row.pk).plan["rows"]
        assert "Nobody was shown it as it is now. Look again" in [each[4] for each in rows]

    def test_a_change_in_spectrum_is_found_as_of_any_other(
        self, deliverable: Commitment, by: User, spectrum: Simulator
    ) -> None:
        take(deliverable, by)
        line = {"Phase_Code": "0510000", "Cost_Type": "S", "Original_Contract_Amount": "0.06"}
        spectrum.enter(Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number="R-1", lines=[line])
        compare(deliverable.project.company, by)
        assert Drift.objects.get().kinds == ["changed"]

    def test_two_vendors_with_one_number_have_it_with_their_codes(
        self, deliverable: Commitment, by: User
    ) -> None:
        bolt = ContractCompanyFactory(company=deliverable.project.company)
        connection = deliverable.project.job_link.connection
        VendorLink.objects.create(connection=connection, contract_company=bolt, vendor_code="BOLT")
        take(deliverable, by)
        numbers = ExportJob.objects.filter(taken_over=True).values_list("submission__number", flat=True)
        assert set(numbers) == {"R-1", "R-1-BOLT"}

    def test_what_somebody_typed_or_changed_alone_is_left(self, deliverable: Commitment, by: User) -> None:
        Commitment.objects.filter(pk=deliverable.pk).update(number="r-1")
        assert take(deliverable, by).report["running commitments"] == 0
        Commitment.objects.filter(pk=deliverable.pk).update(number="other")
        vendor, connection = deliverable.contract_company_id, deliverable.project.job_link.connection_id
        UnconfirmedChange.objects.create(
            company=deliverable.project.company,
            subject=f"vendor:{connection}:{vendor}",
            confirmed={},
            people=[1],
        )
        assert take(deliverable, by).report["running commitments"] == 0

    def test_without_read_back_the_page_says_so_and_nothing_comes_in(
        self, deliverable: Commitment, by: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        address = reverse("erp_integrations:running", args=[deliverable.project.company.slug])
        assert "Info-Link, which this connection does not have" in signed_in(by).get(address).content.decode()
        with pytest.raises(DecisionError):
            look(deliverable, by)

    def test_the_page_shows_it_and_has_it_come(self, deliverable: Commitment, by: User) -> None:
        client = signed_in(by)
        address = reverse("erp_integrations:running", args=[deliverable.project.company.slug])
        assert client.post(address, {"job_numbers": "24-*"}).status_code == 302
        take_overs.run_due_take_overs()
        page = client.get(address).content.decode()
        assert "Vendor BOLT is not linked" in page
        stamp = TakeOver.objects.get(kind=TakeOverKind.COMMITMENTS).stamp
        assert client.post(address, {"expected": stamp}).status_code == 302
        take_overs.run_due_take_overs()
        assert ExportJob.objects.filter(taken_over=True).count() == 1
        assert client.post(address, {"job_numbers": "\0"}).status_code == 422


class TestNobodyHasOneExported:
    @pytest.fixture
    def job(self, deliverable: Commitment, by: User) -> ExportJob:
        take(deliverable, by)
        return ExportJob.objects.select_related("submission__commitment__project").get(taken_over=True)

    def test_it_is_neither_changed_nor_sent_retrieved_deleted_or_unlinked(
        self, job: ExportJob, sender: User, spectrum: Simulator
    ) -> None:
        commitment = job.submission.commitment
        with pytest.raises(CommitmentLocked):
            services.update_commitment(commitment=commitment, by=sender, version=1, values={}, lines=[])
        with pytest.raises(CommitmentLocked):
            services.delete_commitment(commitment=commitment, by=sender)
        for act in (submissions.send_to_erp, submissions.retrieve_from_erp):
            with pytest.raises(Conflict):
                act(commitment=commitment, by=sender)
        both = ApproverFactory(company=commitment.project.company)
        sender.project_memberships.update(user=both)
        spectrum.delete("R-1", vendor="ACME", company="PHL")
        with pytest.raises(DecisionError, match="never exported from here"):
            submissions.unlink(submission=job.submission, by=both, expected_version=0, statement="Gone.")

    def test_gone_from_spectrum_and_seen_it_counts_for_nothing_until_it_is_there_again(
        self, job: ExportJob, spectrum: Simulator
    ) -> None:
        company, other = job.submission.company, ApproverFactory(company=job.submission.company)
        key = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": "R-1"}
        lines = job.submission.commitment.lines.values_list("committed", flat=True)
        whole = {Decimal("600.10"), Decimal("0.05")}
        spectrum.delete("R-1", vendor="ACME", company="PHL")
        compare(company, other)
        assert set(lines.all()) == whole
        page = signed_in(other).get(job.submission.get_absolute_url()).content.decode()
        assert "counts for nothing on its cost" in page
        assert "Unlink" not in page
        job.refresh_from_db()
        look: dict[str, Any] = {"expected_version": job.attempt, "expected_look": str(job.verified_at)}
        submissions.record_as_seen(submission=job.submission, by=other, reason="Cancelled.", **look)
        assert set(lines.all()) == {Decimal(0)}
        enter(spectrum, "ACME", "R-1", {"0330000": "1000.10", "0510000": "0.05"}, Comment_1="Roof")
        spectrum.bill(**key, Phase_Code="0330000", Cost_Type="S", amount="400.00")
        compare(company, other)
        assert set(lines.all()) == whole

    @pytest.mark.parametrize("status", [each for each in JobStatus if each != JobStatus.SYNCED])
    def test_the_database_knows_no_other_status_of_it(self, job: ExportJob, status: JobStatus) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ExportJob.objects.filter(pk=job.pk).update(status=status)

    def test_no_worker_takes_it_up(self, job: ExportJob, spectrum: Simulator) -> None:
        before = len(spectrum.calls())
        worker.run_sweep()
        worker.export_due_jobs(job.connection_id)
        assert len(spectrum.calls()) == before

    def test_its_number_with_this_vendor_is_nobody_elses(
        self, job: ExportJob, deliverable: Commitment, sender: User
    ) -> None:
        Commitment.objects.filter(pk=deliverable.pk).update(
            kind="purchase_order", number="R-1", status="approved"
        )
        with pytest.raises(ExportBlocked):
            submissions.send_to_erp(commitment=Commitment.objects.get(pk=deliverable.pk), by=sender)
        assert ErpIdHold.objects.get(erp_id="R-1").commitment == job.submission.commitment

    def test_the_history_says_who_pressed_and_its_proof_holds(self, job: ExportJob, by: User) -> None:
        entry = HistoryEntry.objects.get(event="submission.taken_over")
        assert (entry.by_id, entry.subject_id) == (by.pk, job.submission_id)
