"""The awkward cases that the field has, each made out of a real contract and told in README.md.

The contracts keep their vendor, description, date and total; what a case needs is changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from local.demo.blueprint import PlannedCommitment, PlannedLine
from local.demo.catalogue import CLOSED, NOT_IN_SPECTRUM, SUSPENDED, CostCode, trade_of
from local.demo.schedule import schedule_of_values

Change = Callable[[PlannedCommitment], PlannedCommitment]
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of trouble. ``name`` is the code of the finding where there is one."""

    name: str
    contracts: tuple[str, ...]
    change: Change


def _number(form: str) -> Change:
    def change(commitment: PlannedCommitment) -> PlannedCommitment:
        contract = commitment.contract
        return replace(commitment, number=form.format(bid=contract.bid, number=contract.number))

    return change


def _own_numbers(numbers: Mapping[str, str]) -> Change:
    return lambda commitment: replace(commitment, number=numbers[commitment.contract.number])


def _retainage(commitment: PlannedCommitment) -> PlannedCommitment:
    return replace(commitment, default_retainage=Decimal("7.25"))


def _first_line(**changes: object) -> Change:
    def change(commitment: PlannedCommitment) -> PlannedCommitment:
        first, *others = commitment.lines
        return replace(commitment, lines=(replace(first, **changes), *others))  # type: ignore[arg-type]

    return change


def _last_line_on(code: CostCode) -> Change:
    """The last, so that something is written before Spectrum comes to it."""

    def change(commitment: PlannedCommitment) -> PlannedCommitment:
        *others, last = _four_lines(commitment)
        moved = replace(
            last, cost_code=code.code, cost_type=code.cost_types[-1], description=code.items[0].text
        )
        return replace(commitment, lines=(*others, moved))

    return change


def _four_lines(commitment: PlannedCommitment) -> list[PlannedLine]:
    """On four different places, without billing items."""
    contract = commitment.contract
    lines = schedule_of_values(contract, trade_of(contract), lines=4)
    return [replace(line, billing_item="") for line in lines]


def _two_on_one_key(*, billing_item: str) -> Change:
    def change(commitment: PlannedCommitment) -> PlannedCommitment:
        first, second, *others = _four_lines(commitment)
        second = replace(
            second, cost_code=first.cost_code, cost_type=first.cost_type, billing_item=billing_item
        )
        return replace(commitment, lines=(first, second, *others))

    return change


def _one_of_everything(commitment: PlannedCommitment) -> PlannedCommitment:
    """The whole contract as one piece, as people like to enter it."""
    total = commitment.total
    line = replace(
        commitment.lines[0], unit_of_measure="EA", quantity=Decimal("1.00"), unit_cost=total, amount=total
    )
    return replace(commitment, lines=(line,))


def _with_credit(credit: Callable[[Decimal], Decimal]) -> Change:
    """The first line grows by a credit that a line of its own takes off again."""

    def change(commitment: PlannedCommitment) -> PlannedCommitment:
        off = credit(commitment.total)
        first, *others = commitment.lines
        grown = replace(first, unit_of_measure="LS", quantity=None, unit_cost=None, amount=first.amount + off)
        less = PlannedLine("01-740", "O", "Credit for salvaged material", "LS", -off, billing_item="900")
        return replace(commitment, lines=(grown, *others, less))

    return change


def _a_tenth(total: Decimal) -> Decimal:
    return (total / 10).quantize(Decimal(1)).quantize(_CENT)


def _a_billion(total: Decimal) -> Decimal:
    return Decimal("1000000000.00")


def _rounded_unit_cost(commitment: PlannedCommitment) -> PlannedCommitment:
    """A unit cost that was typed with two decimals and times the quantity is some cents off."""
    first, *others = commitment.lines
    for units in (3, 7, 11, 13):
        unit_cost = (first.amount / units).quantize(_CENT)
        if unit_cost * units != first.amount:
            break
    line = replace(first, unit_of_measure="EA", quantity=Decimal(f"{units}.00"), unit_cost=unit_cost)
    return replace(commitment, lines=(line, *others))


# The same firm as vendor in two projects that both number from one; the third pair is a
# subcontract and a purchase order, and the firm's name is spelled in two ways.
_SAME_NUMBERS = {
    "144091": "SC-001",
    "134136": "SC-001",
    "154019": "SC-002",
    "B34089": "SC-002",
    "154085": "2015-01",
    "150143": "2015-01",
}

CASES = (
    Case(
        "erp-id-too-long",
        ("144136", "144119", "154043", "150203", "140197", "130096"),
        _number("{bid}-{number}"),
    ),
    Case("erp-id-forbidden-characters", ("154033", "150164"), _number("{number}.1")),
    Case("erp-id-taken", tuple(_SAME_NUMBERS), _own_numbers(_SAME_NUMBERS)),
    Case("number-blank", ("140254", "144109"), _number("")),
    Case("retainage-decimals", ("144155", "134096", "154053"), _retainage),
    Case("lines-on-one-key", ("154039", "144128", "120166"), _two_on_one_key(billing_item="")),
    Case("lines-may-share-a-key", ("144112", "144125"), _two_on_one_key(billing_item="A")),
    Case("line-amount-too-wide", ("990731", "130050"), _with_credit(_a_billion)),
    Case("line-unit-cost-too-wide", ("114139", "154061", "140005"), _one_of_everything),
    Case("line-cost-code-missing", ("130251", "144051"), _first_line(cost_code="")),
    Case(
        "line-unit-of-measure-invalid",
        ("150112", "144089"),
        _first_line(unit_of_measure="EACH"),
    ),
    Case("text-characters", ("110226",), _first_line(description="Refills, checked ✓")),
    Case(
        "text-respelled",
        ("144036", "120214"),
        _first_line(description="Ø8″ main, 45° bends – class 52"),
    ),
    Case("line-goes-as-an-amount", ("154055", "150159"), _rounded_unit_cost),
    Case("line-amount-on-unit-price", ("154129", "P44147"), _first_line(quantity=None, unit_cost=None)),
    Case("negative-line", ("134037", "144141", "130170"), _with_credit(_a_tenth)),
    Case(
        "near-duplicate",
        ("120253",),
        lambda commitment: replace(commitment, title="Full & preventive maintenance of HVAC and plumbing"),
    ),
    Case("job-security", ("144167",), lambda commitment: commitment),
    Case("line-phase-complete", ("144035",), _last_line_on(CLOSED)),
    Case("line-phase-inactive", ("144113",), _last_line_on(SUSPENDED)),
    Case("line-cost-code-unknown", ("144094",), _last_line_on(NOT_IN_SPECTRUM)),
)

# Nothing is changed in these: the record itself, or a link, is the trouble.
BEFORE_THE_FISCAL_CALENDAR = "before-the-fiscal-calendar"
TOTAL_NOT_POSITIVE = "total-not-positive"
VENDOR_NOT_LINKED = "vendor-not-linked"
VENDOR_INACTIVE = "vendor-inactive"
WRONG_ACCOUNT = "account-not-job-cost"
JOB_NOT_LINKED = "job-not-linked"

_CASE_OF = {number: case for case in CASES for number in case.contracts}


def made_awkward(commitment: PlannedCommitment) -> PlannedCommitment:
    """The commitment as its case wants it; unchanged when it has none."""
    case = _CASE_OF.get(commitment.contract.number)
    return case.change(replace(commitment, status="approved", case=case.name)) if case else commitment
