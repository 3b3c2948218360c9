"""From the public record to the whole demo: the same in every run."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

from local.demo import awkward
from local.demo.awkward import made_awkward
from local.demo.blueprint import Blueprint, PlannedCommitment
from local.demo.catalogue import trade_of
from local.demo.companies import COMPANIES, place_of
from local.demo.contracts import PUBLIC_WORKS, Contract, read_contracts
from local.demo.draws import Draw
from local.demo.schedule import schedule_of_values
from local.demo.vendors import INACTIVE, NOT_LINKED, WITH_A_WRONG_ACCOUNT, vendors_of

SUBCONTRACT, PURCHASE_ORDER = "subcontract", "purchase_order"

# The first day of the fiscal calendars that the simulated Spectrum companies keep.
FISCAL_START = date(1999, 7, 1)


@cache
def blueprint() -> Blueprint:
    """All 822 contracts as commitments, with the vendors of each company."""
    commitments = tuple(_planned(contract) for contract in read_contracts())
    plan = Blueprint(commitments)
    return replace(plan, vendors={company.slug: vendors_of(plan.of(company)) for company in COMPANIES})


def _planned(contract: Contract) -> PlannedCommitment:
    draw = Draw(f"commitment {contract.number}")
    company, project = place_of(contract)
    trade = trade_of(contract)
    kind = SUBCONTRACT if contract.kind == PUBLIC_WORKS else PURCHASE_ORDER
    commitment = PlannedCommitment(
        contract=contract,
        company=company,
        project=project,
        kind=kind,
        number=contract.number,
        title=contract.title,
        status=_status(draw, kind),
        trade=trade.name,
        default_retainage=_retainage(draw, kind),
        lines=tuple(schedule_of_values(contract, trade)),
    )
    case = _case_of_the_record(commitment)
    return made_awkward(replace(commitment, status="approved", case=case) if case else commitment)


def _status(draw: Draw, kind: str) -> str:
    """Nine in ten are ready to be sent."""
    if draw.chance(0.9):
        return "complete" if kind == SUBCONTRACT and draw.chance(0.08) else "approved"
    if draw.chance(0.6):
        return "draft"
    others = {
        SUBCONTRACT: ("out_for_bid", "out_for_signature", "terminated"),
        PURCHASE_ORDER: ("processing", "submitted", "received", "closed"),
    }
    return draw.one_of(others[kind])


def _retainage(draw: Draw, kind: str) -> Decimal:
    if kind == PURCHASE_ORDER:
        return Decimal("0.00")
    return Decimal(draw.one_of(("10.00", "10.00", "10.00", "5.00", "7.50", "0.00")))


def _case_of_the_record(commitment: PlannedCommitment) -> str:
    """Awkwardness that it has without any change of ours."""
    contract = commitment.contract
    if not commitment.project.linked:
        return awkward.JOB_NOT_LINKED
    if contract.vendor in NOT_LINKED:
        return awkward.VENDOR_NOT_LINKED
    if contract.vendor in INACTIVE:
        return awkward.VENDOR_INACTIVE
    if contract.vendor in WITH_A_WRONG_ACCOUNT:
        return awkward.WRONG_ACCOUNT
    if contract.start < FISCAL_START:
        return awkward.BEFORE_THE_FISCAL_CALENDAR
    return "" if contract.amount > 0 else awkward.TOTAL_NOT_POSITIVE


# What an approver does not export as it is. The others that say Look are right when they are looked at.
BAD: Mapping[str, str] = {
    "144136": "its number is too long for Spectrum",
    "140197": "its number is too long for Spectrum",
    "154033": "Spectrum allows no point in a number",
    "144035": "its last line is on a closed phase",
    "144091": "waits twice with the same vendor and number, as 134136",
    "134136": "waits twice with the same vendor and number, as 144091",
    "120345": "nearly the same as 120253",
    "120253": "nearly the same as 120345",
    "144140": "the vendor's name is near another's that is known",
    "130252": "4.9 times the largest of the vendor's other commitments",
    "144056": "retainage that the vendor's other commitments don't have",
    "150184": "more than the money left on a cost code",
    "144165": "more than the money left on a cost code",
    "130201": "more than the money left on a cost code",
}


def bad_commitments() -> set[str]:
    """The numbers of what is BAD, as the pages show them."""
    return {each.number for each in blueprint().commitments if each.contract.number in BAD}
