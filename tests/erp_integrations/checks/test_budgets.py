"""The money left on a cost code, to the cent, whoever else has committed some of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from commitments.models import Commitment, CostCode, LineItem, Lock
from directory.models import User
from erp_integrations import submissions
from erp_integrations.adapters.base import BilledLine, Billing, Match
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.checks.budgets import PhaseBudget, list_budgets
from erp_integrations.models import ExportJob, JobLink, Phase, Submission
from erp_integrations.reconciliation import comparison
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CostCodeFactory,
    CostTypeFactory,
    ExportJobFactory,
    JobLinkFactory,
    LineItemFactory,
    ProjectFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    have_been_read,
)

pytestmark = pytest.mark.django_db

PHASES = {("0330000", "S"): "A", ("0510000", "S"): "A"}


@pytest.fixture
def read(awaiting: Submission) -> Submission:
    """1,000.00 on each of two phases, of which Spectrum says 10,000.00 estimated and 1,234.56 spent."""
    have_been_read(awaiting.connection, vendors={"ACME": "Acme"}, jobs={"24-001": PHASES})
    Phase.objects.update(description="Concrete", estimate=Decimal("10000.00"), to_date=Decimal("1234.56"))
    return awaiting


def budgets(submission: Submission) -> list[PhaseBudget]:
    return list_budgets(build_basis(submission.document))


def committed(submission: Submission) -> list[str]:
    return [str(each.committed) for each in budgets(submission)]


def other(
    submission: Submission,
    *amounts: str,
    code: str = "033-0000",
    cost_type: str = "S",
    lock: str = Lock.WHOLE,
) -> Commitment:
    """Another commitment of the project, with lines of these amounts on one cost code."""
    project = submission.project
    vendor = submission.commitment.contract_company
    commitment: Commitment = ReadyCommitmentFactory(project=project, contract_company=vendor, lines=0)
    cost_code = CostCode.objects.filter(project=project, code=code).first()
    for number, amount in enumerate(amounts, start=1):
        LineItemFactory(
            billing_item=str(number),
            commitment=commitment,
            cost_code=cost_code or CostCodeFactory(project=project, code=code),
            cost_type=CostTypeFactory(company=project.company, code=cost_type),
            amount=Decimal(amount),
        )
        cost_code = CostCode.objects.get(project=project, code=code)
    Commitment.objects.filter(pk=commitment.pk).update(lock=lock)
    return commitment


def exported(submission: Submission, *amounts: str, **billing: Any) -> ExportJob:
    """Another one that stands in Spectrum, with what was billed of it, as a reconciliation has read."""
    commitment = other(submission, *amounts, lock=Lock.NONE)
    job: ExportJob = ExportJobFactory(
        submission=SubmissionFactory(commitment=commitment, accepted=True), synced=True
    )
    Commitment.objects.filter(pk=commitment.pk).update(lock=Lock.EXPORTED)
    if billing:
        comparison.save_billing([job], [Match(billing=Billing(**billing))])
    return job


class TestLeft:
    def test_it_is_the_estimate_less_cost_commitments_and_this_one(self, read: Submission) -> None:
        other(read, "2000.01", "0.02")
        other(read, "3000.00", lock=Lock.EXPORTED)
        concrete, steel = budgets(read)
        assert concrete == PhaseBudget(
            cost_code="033-0000",
            cost_type="S",
            description="Concrete",
            estimate=Decimal("10000.00"),
            to_date=Decimal("1234.56"),
            committed=Decimal("5000.03"),
            amount=Decimal("1000.00"),
        )
        assert (concrete.left, concrete.over) == (Decimal("2765.41"), None)
        assert (steel.committed, steel.left) == (Decimal("0.00"), Decimal("7765.44"))
        other(read, "2765.42")
        assert (budgets(read)[0].left, budgets(read)[0].over) == (Decimal("-0.01"), Decimal("0.01"))

    @pytest.mark.parametrize("column", ["estimate", "to_date"])
    def test_where_spectrum_does_not_say_it_is_not_known(self, read: Submission, column: str) -> None:
        Phase.objects.filter(code="0330000").update(**{column: None})
        concrete, steel = budgets(read)
        assert (concrete.left, concrete.over) == (None, None)
        assert steel.left is not None

    def test_a_phase_that_was_never_listed_has_its_commitments_all_the_same(self, read: Submission) -> None:
        Phase.objects.all().delete()
        other(read, "5.00")
        concrete, _ = budgets(read)
        assert (concrete.committed, concrete.estimate, concrete.left) == (Decimal("5.00"), None, None)

    def test_lines_of_one_phase_are_one_however_it_is_written(self, read: Submission) -> None:
        document = read.document
        first, second = document.lines
        lines = (first, replace(second, cost_code="03-30000 ", cost_type="s"))
        (concrete,) = list_budgets(build_basis(replace(document, lines=lines)))
        assert (concrete.cost_code, concrete.amount) == ("033-0000", Decimal("2000.00"))

    def test_a_project_that_is_no_job_has_none(self, read: Submission) -> None:
        JobLink.objects.all().delete()
        assert budgets(read) == []


class TestCommitted:
    def test_codes_that_are_written_otherwise_are_one_phase(self, read: Submission) -> None:
        other(read, "1.00", code="03-300-00")
        other(read, "0.10", code=" 0330000 ")
        other(read, "0.01", cost_type="s")
        assert committed(read) == ["1.11", "0.00"]

    def test_what_counts_for_nobody(self, read: Submission) -> None:
        other(read, "7.00", lock=Lock.NONE)
        other(read, "7.00", cost_type="M")
        other(read, "7.00", code="06-00000")
        assert committed(read) == ["0.00", "0.00"]

    def test_another_job_s_are_not_counted_and_those_of_the_job_s_other_project_are(
        self, read: Submission
    ) -> None:
        for number, connection in (
            ("24-002", read.connection),
            ("24-001", None),
            (" 24-001", read.connection),
        ):
            project = ProjectFactory(company=read.company)
            JobLinkFactory(
                project=project, job_number=number, **({"connection": connection} if connection else {})
            )
            line = LineItemFactory(
                commitment=CommitmentFactory(project=project, lines=0),
                cost_code=CostCodeFactory(project=project, code="033-0000"),
                amount=Decimal("7.00"),
            )
            Commitment.objects.filter(pk=line.commitment_id).update(lock=Lock.WHOLE)
        assert committed(read) == ["7.00", "0.00"]

    def test_accepting_one_changes_no_other_s_figures(self, read: Submission, approver: User) -> None:
        """Whoever was sent first."""
        again = SubmissionFactory(commitment=other(read, "500.00", lock=Lock.NONE))
        before = [committed(each) for each in (read, again)]
        assert before == [["500.00", "0.00"], ["1000.00"]]
        accept(again, approver)
        assert [committed(each) for each in (read, again)] == before

    def test_one_that_was_accepted_anew_counts_once(self, read: Submission, approver: User) -> None:
        again = SubmissionFactory(commitment=other(read, "500.00", lock=Lock.NONE))
        for _ in range(2):
            accept(again, approver)
            submissions.undo(submission=again, by=approver)
        accept(again, approver)
        assert ExportJob.objects.count() == 3
        assert committed(read) == ["500.00", "0.00"]


class TestBilled:
    def test_it_is_taken_from_the_line_that_was_billed(self, read: Submission) -> None:
        lines = (BilledLine("Line 2", Decimal("250.25")),)
        job = exported(read, "1000.00", "500.00", billed=Decimal("250.25"), lines=lines)
        assert committed(read) == ["1249.75", "0.00"]
        line = job.submission.commitment.lines.get(position=2)
        LineItem.objects.filter(pk=line.pk).update(cost_type=CostTypeFactory(company=read.company, code="M"))
        assert committed(read) == ["1000.00", "0.00"]

    def test_where_only_the_whole_is_told_each_line_has_its_share(self, read: Submission) -> None:
        job = exported(read, "1000.00", "500.00", billed=Decimal("100.00"))
        line = job.submission.commitment.lines.get(position=2)
        LineItem.objects.filter(pk=line.pk).update(cost_type=CostTypeFactory(company=read.company, code="M"))
        assert committed(read) == ["933.33", "0.00"]

    def test_more_than_was_committed_leaves_nothing_to_others(self, read: Submission) -> None:
        exported(read, "1000.00", billed=Decimal("1200.00"))
        exported(read, "1.00", billed=Decimal("0.00"))
        exported(read, "0.10")
        exported(read, "0.01", paid=Decimal("5.00"))
        assert committed(read) == ["1.11", "0.00"]


def test_it_is_one_query_for_any_number_of_commitments(read: Submission) -> None:
    basis = build_basis(read.document)
    for _ in range(5):
        exported(read, "1.00", billed=Decimal("0.50"))
    with CaptureQueriesContext(database) as captured:
        list_budgets(basis)
    assert len(captured) == 1


class TestReviewPage:
    def test_it_says_by_how_much_a_cost_code_is_over_and_as_of_when(self, read: Submission) -> None:
        Phase.objects.filter(code="0330000").update(estimate=Decimal("1034.56"))
        Phase.objects.filter(code="0510000").update(estimate=None)
        approver = ApproverFactory(company=read.company)
        html = " ".join(signed_in(approver).get(read.get_absolute_url()).content.decode().split())
        assert "1 of 2 cost codes over the estimate" in html
        assert "over by 1,200.00" in html
        assert "Spectrum does not say" in html
        assert "Estimate and cost to date as of" in html
