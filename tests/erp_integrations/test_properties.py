"""Any commitment that people can write: nothing of it reaches the wire, or Spectrum holds what was shown.

Commitments are drawn within what our own forms take, go the product's whole way (send, accept, deliver,
read back) to the simulator over HTTP, and what is stored there is held against the commitment itself,
not against the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from commitments.models import Commitment, CostCode, CostType, Kind, LineItem
from directory.models import User
from erp_integrations import submissions
from erp_integrations.adapters.base import Element, Issue
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import verification, worker
from erp_integrations.models import ExportJob, JobStatus, Submission, Verification
from erp_integrations.snapshots import build_document
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db

EXAMPLES = 15  # for each of the two; some hundred calls over HTTP
PROPERTY = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    # Each example is rolled back, here and in the simulator, so that none sees another.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# The simulator's job has these phases with these cost types; dashes are ours.
PLACES = [("033-0000", "S"), ("0330000", "M"), ("05-10000", "S"), ("099-0000", "S")]
CENT = Decimal("0.01")

# All that PostgreSQL stores as text; what people type is mostly plain.
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=130)
plain_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=130)
european = st.text(st.sampled_from("aÉñßøŁ–’“½²°€ \n\tZ9&<>\"'"), max_size=130)
typed = st.one_of(plain_text, european)


def decimals(whole: int, places: int, *, least: int = 0) -> st.SearchStrategy[Decimal]:
    """Numbers of a column: its widest and its smallest steps come often."""
    step = Decimal(1).scaleb(-places)
    widest = 10 ** (whole + places) - 1
    steps = st.one_of(
        st.integers(-9999, 9999), st.integers(-widest, widest), st.sampled_from([0, widest, -widest])
    )
    return steps.map(lambda count: count * step).filter(lambda number: not least or abs(number) >= least)


@dataclass
class Line:
    place: tuple[str, str]
    description: str
    unit: str
    quantity: Decimal | None
    unit_cost: Decimal | None
    amount: Decimal
    billing_item: str = ""


@dataclass
class Drawn:
    """A commitment as a person wrote it."""

    kind: str
    number: str
    title: str
    description: str
    trade: str
    issue_date: date | None
    retainage: Decimal
    lines: list[Line]
    status: str = "approved"


@st.composite
def lines(draw: st.DrawFn, place: tuple[str, str]) -> Line:
    quantity = draw(st.none() | decimals(6, 2) | decimals(4, 4))
    unit_cost = draw(st.none() | decimals(2, 4) | decimals(3, 6))
    amount = draw(decimals(9, 2))
    if quantity is not None and unit_cost is not None and draw(st.integers(0, 3)):
        amount = (quantity * unit_cost).quantize(CENT, rounding=ROUND_HALF_UP)
    return Line(
        place,
        draw(typed),
        draw(st.sampled_from(["CY", "EA", "LS", "ls", "", "TON", " ea"])),
        quantity,
        unit_cost,
        amount,
        draw(st.sampled_from(["", "", "1", "b-2", " A "])),
    )


@st.composite
def commitments(draw: st.DrawFn) -> Drawn:
    """One in which rarely anything blocks."""
    places = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))
    return Drawn(
        kind=draw(st.sampled_from(Kind.values)),
        number=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,9}", fullmatch=True)),
        title=draw(typed.filter(str.strip)),
        description=draw(st.just("") | typed),
        trade=draw(typed)[:60],
        # Which fiscal calendar a company has, only a live check can tell.
        issue_date=draw(st.none() | st.dates(date(2014, 7, 1), date(9999, 12, 31))),
        retainage=draw(st.integers(0, 999).map(lambda tenths: Decimal(tenths) / 10)),
        lines=[draw(lines(place)) for place in places],
    )


SPOILERS: Mapping[str, st.SearchStrategy[Any]] = {
    "number": st.one_of(st.just(""), any_text.map(lambda text: text[:30])),
    "title": st.one_of(st.just(" "), any_text),
    "description": any_text.map(lambda text: f"x{text}"),
    "trade": any_text.map(lambda text: text[:60]),
    "retainage": st.integers(0, 10000).map(lambda parts: Decimal(parts) / 100),
    "status": st.just("draft"),
    "lines": st.just([]),
}
LINE_SPOILERS: Mapping[str, st.SearchStrategy[Any]] = {
    "place": st.tuples(
        st.sampled_from(["", "0330000", "0" * 21, "03/30", "Ümlaut"]),
        st.sampled_from(["S", "", "SUBS", "S'"]),
    ),
    "description": any_text,
    "unit": any_text.map(lambda text: text[:10]),
    "quantity": decimals(10, 4),
    "unit_cost": decimals(10, 6),
    "amount": decimals(12, 2),
    "billing_item": any_text.map(lambda text: text[:20]),
}


@st.composite
def spoiled(draw: st.DrawFn) -> Drawn:
    """One with something in it that probably blocks."""
    drawn = draw(commitments())
    name = draw(st.sampled_from([*SPOILERS, *(f"line {name}" for name in LINE_SPOILERS), "twice"]))
    if name in SPOILERS:
        setattr(drawn, name, draw(SPOILERS[name]))
    elif name == "twice":
        drawn.lines.append(drawn.lines[0])
    else:
        name = name.removeprefix("line ")
        setattr(drawn.lines[0], name, draw(LINE_SPOILERS[name]))
    return drawn


class Way:
    """A project from which commitments go to the simulator, each as if it were the first."""

    def __init__(self, example: Commitment, sender: User, approver: User, simulator: Simulator) -> None:
        self.example, self.sender, self.approver, self.simulator = example, sender, approver, simulator
        self.connection_id: int = example.project.job_link.connection_id
        self.blocked = self.stored = 0

    def go(self, drawn: Drawn) -> None:
        """Bring it as far as it gets, and see that nothing is lost, sent in spite of a finding, or hidden."""
        with transaction.atomic():
            commitment = self._written(drawn)
            basis = build_basis(build_document(commitment))
            erp_id = basis.proposed_erp_id
            found = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id)
            try:
                if preflight.list_blocking(found):
                    self.blocked += 1
                    event(
                        "blocked: "
                        + ", ".join(sorted({each.code for each in preflight.list_blocking(found)}))
                    )
                    self._never_reaches_the_wire(commitment, erp_id)
                else:
                    self.stored += 1
                    event("stored")
                    self._is_stored_as_it_was_shown(commitment, erp_id, found)
            finally:
                if self.simulator.record(erp_id.strip().upper()):
                    self.simulator.delete(erp_id.strip().upper(), vendor="ACME", company="PHL")
                transaction.set_rollback(True)

    def _written(self, drawn: Drawn) -> Commitment:
        project = self.example.project
        commitment = Commitment.objects.create(
            project=project,
            kind=drawn.kind,
            number=drawn.number,
            title=drawn.title,
            description=drawn.description,
            status=drawn.status,
            contract_company=self.example.contract_company,
            trade=drawn.trade,
            issue_date=drawn.issue_date,
            default_retainage=drawn.retainage,
            created_by=self.example.created_by,
        )
        commitment.refresh_from_db()  # numbers with the decimals of their columns
        for position, line in enumerate(drawn.lines, start=1):
            code, cost_type = line.place
            codes = CostCode.objects.get_or_create(project=project, code=code)
            types = CostType.objects.get_or_create(company=project.company, code=cost_type)
            LineItem.objects.create(
                commitment=commitment,
                position=position,
                cost_code=codes[0] if code else None,
                cost_type=types[0] if cost_type else None,
                billing_item=line.billing_item,
                description=line.description,
                quantity=line.quantity,
                unit_of_measure=line.unit,
                unit_cost=line.unit_cost,
                amount=line.amount,
            )
        return commitment

    def _accept(self, submission: Submission, erp_id: str) -> ExportJob:
        seen = build_basis(submission.document).hash
        return submissions.accept(
            submission=submission, by=self.approver, expected_hash=seen, erp_id=erp_id, number_looked_up=True
        )

    def _never_reaches_the_wire(self, commitment: Commitment, erp_id: str) -> None:
        calls = len(self.simulator.calls())
        try:
            submission = submissions.send_to_erp(commitment=commitment, by=self.sender)
        except submissions.ExportBlocked:
            assert not commitment.submissions.exists()
        else:
            with pytest.raises(submissions.ExportBlocked):
                self._accept(submission, erp_id)
        assert not ExportJob.objects.filter(submission__commitment=commitment).exists()
        worker.export_due_jobs(self.connection_id)
        assert len(self.simulator.calls()) == calls

    def _is_stored_as_it_was_shown(self, commitment: Commitment, erp_id: str, found: list[Issue]) -> None:
        submission = submissions.send_to_erp(commitment=commitment, by=self.sender)
        job = self._accept(submission, erp_id)
        worker.export_due_jobs(self.connection_id)
        job.refresh_from_db()
        assert (job.status, job.problem) == (JobStatus.SYNCED, "")
        verification.verify_due()
        job.refresh_from_db()
        assert (job.verification, job.differences) == (Verification.MATCH, [])
        self._holds_what_was_written(submission, job, found)

    def _holds_what_was_written(self, submission: Submission, job: ExportJob, found: list[Issue]) -> None:
        document = submission.document
        record = self.simulator.record(job.erp_id.strip().upper())
        assert record is not None
        shown, *shown_lines = (
            {each["name"]: Element(**each) for each in call.elements} for call in job.list_current_calls()
        )
        assert record["Job_Number"] == "24-001"
        assert record["GL_Account"] == shown["GL_Account"].value
        assert Decimal(record["Retention_Percent"]) == document.default_retainage
        assert Decimal(record["Original_Amount"]) == document.total
        written = document.issue_date and document.issue_date.isoformat()
        assert record["Date_Issued"] == written or shown["Date_Issued"].defaulted
        comment = document.description.strip() or document.title.strip()
        told(comment, record["Comment_1"].ljust(60) + record["Comment_2"], shown["Comment"])
        told(document.trade, record["Contract_Type"], shown["Contract_Type"])
        assert len(record["lines"]) == len(document.lines)
        amount_only = {
            position
            for each in found
            if each.code == "line-goes-as-an-amount"
            for part in each.affected
            for position in part.positions
        }
        for line, elements in zip(document.lines, shown_lines, strict=True):
            phase, cost_type = line.cost_code.replace("-", ""), line.cost_type
            (stored,) = (
                each
                for each in record["lines"]
                if (each["Phase_Code"], each["Cost_Type"]) == (phase, cost_type)
            )
            assert stored["Bid_Item_Number"] == line.billing_item.strip()
            told(line.description, stored["Bill_Description"], elements["Bill_Description"])
            told(line.unit_of_measure, stored["Unit_Of_Measure"], elements["Unit_Of_Measure"])
            assert Decimal(stored["Original_Contract_Amount"]) == line.amount
            if line.position in amount_only or None in (line.quantity, line.unit_cost):
                assert Decimal(stored["Unit_Price"]) == Decimal(stored["Original_Contract_Quantity"]) == 0
                assert {line.quantity, line.unit_cost} == {None} or line.position in amount_only
            else:
                assert Decimal(stored["Unit_Price"]) == line.unit_cost
                assert Decimal(stored["Original_Contract_Quantity"]) == line.quantity


def told(written: str, stored: str, shown: Element) -> None:
    """Spectrum stores what was written, or the preview said what would be instead, or whose default."""
    written, stored = written.strip(), stored.strip()
    if any(character.isprintable() and not character.isspace() for character in written):
        assert stored == shown.value
        assert stored == written or (shown.cut and shown.original == written)
    else:
        assert shown.defaulted or stored == ""


@pytest.fixture
def way(
    deliverable: Commitment, sender: User, approver: User, simulator: Simulator, settings: Settings
) -> Way:
    """The deliverable commitment's project, and the people who send and accept."""
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    return Way(deliverable, sender, approver, simulator)


@PROPERTY
@given(drawn=commitments())
def go_mostly_through(way: Way, drawn: Drawn) -> None:
    way.go(drawn)


@PROPERTY
@given(drawn=spoiled())
def be_mostly_stopped(way: Way, drawn: Drawn) -> None:
    way.go(drawn)


def test_what_nothing_blocks_is_stored_as_the_preview_showed_it(way: Way) -> None:
    go_mostly_through(way)
    assert way.stored > EXAMPLES // 5


def test_what_something_blocks_never_reaches_the_wire(way: Way) -> None:
    be_mostly_stopped(way)
    assert way.blocked > EXAMPLES // 5
