"""Missing from the public record: cost codes, the items under them, and who works on what.

All of it is invented, in the style of a contractor's standard cost code list. Spectrum's phase
is the cost code without its dash.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from local.demo.contracts import DATA, PUBLIC_WORKS, Contract

COST_TYPES: Mapping[str, str] = {
    "L": "Labor",
    "M": "Material",
    "S": "Subcontract",
    "E": "Equipment",
    "O": "Other",
}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is bought, with a range of unit costs in whole dollars; 0: only an amount."""

    text: str
    unit: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class CostCode:
    """A cost code, the cost types that its phase has in Spectrum, and what is bought under it.

    ``status`` is the phase's in Spectrum: A active, I inactive, C complete, blank: no such phase.
    """

    code: str
    name: str
    cost_types: str
    items: tuple[Item, ...]
    status: str = "A"


# Each for one awkward case, and used by no other commitment.
CLOSED = CostCode("01-900", "Closed-out work", "LMS", (Item("Work left over from 2013", "LS", 0, 0),), "C")
SUSPENDED = CostCode("01-950", "Suspended work", "LMS", (Item("Winter protection", "LS", 0, 0),), "I")
NOT_IN_SPECTRUM = CostCode(
    "99-900", "Owner's contingency", "O", (Item("Owner's contingency", "LS", 0, 0),), ""
)


@cache
def cost_codes() -> tuple[CostCode, ...]:
    """Every cost code, which every project has."""
    rows: dict[str, list[dict[str, str]]] = {}
    with (DATA / "cost_codes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["code"], []).append(row)
    listed = (
        CostCode(
            code,
            items[0]["name"],
            items[0]["cost_types"],
            tuple(Item(row["item"], row["unit"], int(row["low"]), int(row["high"])) for row in items),
        )
        for code, items in rows.items()
    )
    return (*listed, CLOSED, SUSPENDED, NOT_IN_SPECTRUM)


@cache
def cost_code(code: str) -> CostCode:
    """The cost code of that name. Raises StopIteration for one that is not listed."""
    return next(each for each in cost_codes() if each.code == code)


@dataclass(frozen=True, slots=True)
class Trade:
    """A kind of work: how to recognise it in a description, and its cost codes, the first most used.

    Names have at most 15 characters and fit Spectrum's Contract_Type whole. ``unit_prices``: bid by
    numbered items, as roads and pipes are.
    """

    name: str
    words: re.Pattern[str]
    codes: tuple[str, ...]
    unit_prices: bool = False


@cache
def trades(kind: str) -> tuple[Trade, ...]:
    """The trades of public works or of purchases, in the order in which they are tried."""
    with (DATA / "trades.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Trade(
                row["trade"],
                re.compile(row["words"], re.IGNORECASE),
                tuple(row["cost_codes"].split()),
                row["bid_by_items"] == "yes",
            )
            for row in csv.DictReader(file)
            if row["kind"] == kind
        )


def trade_of(contract: Contract) -> Trade:
    """A contract's kind of work, as far as its words tell. The last trade takes what is left.

    A purchase's description often names nothing but the vendor, and that tells something too.
    """
    words = contract.title if contract.kind == PUBLIC_WORKS else contract.description
    return next(trade for trade in trades(contract.kind) if trade.words.search(words))
