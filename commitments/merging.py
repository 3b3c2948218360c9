"""Lines that an ERP would keep as one: what merging them gives, and which billing items tell them apart.

Pure: nothing here reads or writes. Which lines these are, the caller knows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from commitments.figures import format_decimal
from commitments.models import LineItem

Values = Mapping[str, Any]

MAX_DESCRIPTION_LENGTH = 255
MAX_WHOLE_DIGITS = {"quantity": 10, "amount": 12}


@dataclass(frozen=True, slots=True)
class MergedLine:
    """One line in the place of several. ``lost`` says in words what of them it can't hold."""

    values: dict[str, Any]
    lost: tuple[str, ...] = ()


def merge_lines(lines: Sequence[Values]) -> MergedLine:
    """The line that holds all of them: the amounts are added, the descriptions joined.

    Quantities are added where unit and unit cost agree; else it is a line with an amount alone.
    Cost code, cost type and billing item are those of the first. Raises ValueError when the sum of
    the amounts has too many digits.
    """
    values = {name: lines[0][name] for name in ("cost_code", "cost_type", "billing_item")}
    amounts = [line["amount"] for line in lines if line["amount"] is not None]
    amount = sum(amounts, Decimal(0)) if amounts else None
    if amount is not None and not can_fit("amount", amount):
        raise ValueError(f"an amount of {amount:,.2f} does not fit")
    description, shortened = merge_descriptions([line["description"].strip() for line in lines])
    quantity, lost = merge_quantities(lines)
    if quantity is None:
        units = {line["unit_of_measure"].strip() for line in lines}
        one_unit = len(units) == 1 and all(line["quantity"] is None for line in lines)
        measured = {"unit_of_measure": units.pop() if one_unit else "", "unit_cost": None}
    else:
        measured = {name: lines[0][name] for name in ("unit_of_measure", "unit_cost")}
    values |= {"description": description, "quantity": quantity, **measured, "amount": amount}
    return MergedLine(values, (*lost, *shortened))


def describe_line(line: LineItem) -> str:
    """A line in words, for a history that loses nothing: ``Line 2: Walls, 10 CY at 100.00: 1,000.00``."""
    parts = [line.description or "no description"]
    if line.quantity is not None:
        parts.append(f"{format_decimal(line.quantity, grouped=True)} {line.unit_of_measure}".strip())
    elif line.unit_of_measure:
        parts.append(line.unit_of_measure)
    price = (
        ""
        if line.unit_cost is None
        else f" at {format_decimal(line.unit_cost, min_decimals=2, grouped=True)}"
    )
    amount = "no amount" if line.amount is None else f"{line.amount:,.2f}"
    return f"Line {line.position}: {', '.join(parts)}{price}: {amount}"


def build_billing_items(
    lines: Sequence[LineItem], positions: Collection[int], *, anew: bool = False
) -> dict[int, str]:
    """A billing item of its own for each of these positions that lacks one: ``001`` and on.

    A number that any line of the commitment has is not given again, and the first of those that
    share one keeps it. With ``anew`` none is kept: what these lines have is what does not fit.
    """
    taken = {clean_billing_item(line.billing_item) for line in lines if line.billing_item.strip()}
    kept: set[str] = set()
    given: dict[int, str] = {}
    number = 0
    for line in lines:
        if line.position not in positions:
            continue
        own = clean_billing_item(line.billing_item)
        if own and own not in kept and not anew:
            kept.add(own)
            continue
        number += 1
        while str(number) in taken:
            number += 1
        given[line.position] = f"{number:03}"
    return given


def merge_quantities(lines: Sequence[Values]) -> tuple[Decimal | None, tuple[str, ...]]:
    """The quantities' sum, or None and why they are not added; without any there is nothing to lose."""
    if all(line["quantity"] is None and line["unit_cost"] is None for line in lines):
        return None, ()
    if any(line["quantity"] is None or line["unit_cost"] is None for line in lines):
        return None, ("quantities and unit costs, which not every line has",)
    if len({line["unit_of_measure"].strip().casefold() for line in lines}) > 1:
        return None, ("quantities and unit costs, as the units differ",)
    if len({line["unit_cost"] for line in lines}) > 1:
        return None, ("quantities and unit costs, as the unit costs differ",)
    total = sum((line["quantity"] for line in lines), Decimal(0))
    return (total, ()) if can_fit("quantity", total) else (None, ("quantities, whose sum is too long",))


def merge_descriptions(descriptions: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Each description once, in order; as many as fit, and how many don't."""
    different = list({text.casefold(): text for text in reversed(descriptions) if text}.values())[::-1]
    whole = "; ".join(different)
    if len(whole) <= MAX_DESCRIPTION_LENGTH:
        return whole, ()
    for count in range(len(different) - 1, 0, -1):
        left = len(different) - count
        text = f"{'; '.join(different[:count])}; and {left} more"
        if len(text) <= MAX_DESCRIPTION_LENGTH:
            return text, (f"{left} description{'' if left == 1 else 's'}, that do not fit",)
    left = len(different) - 1
    return different[0], (f"{left} description{'' if left == 1 else 's'}, that do not fit",)


def clean_billing_item(billing_item: str) -> str:
    """As an ERP compares: without regard to case, and ``001`` is the number 1."""
    text = billing_item.strip().upper()
    return str(int(text)) if text.isascii() and text.isdigit() else text


def can_fit(name: str, value: Decimal) -> bool:
    return abs(value) < Decimal(10) ** MAX_WHOLE_DIGITS[name]
