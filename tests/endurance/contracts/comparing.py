"""Holds what a person was shown against what Spectrum holds, with no word of the product's in between."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.endurance.contracts.pages import Plan

_LINE_KEY = ("Phase_Code", "Cost_Type", "Bid_Item_Number")
_NUMBERS = frozenset(
    {
        *("Retention_Percent", "Routing_Limit", "Next_Payment_Number", "Pay_Days", "Disc_Days", "Disc_Perc"),
        *("Unit_Price", "Original_Contract_Quantity", "Original_Contract_Amount"),
    }
)


def differences(shown: Plan, stored: Mapping[str, Any] | None) -> list[str]:
    """Differences of Spectrum's record from what was shown, and additions; each as a sentence."""
    if stored is None:
        return ["Spectrum holds nothing under this number"]
    found = _of("header", shown.header, _readable(stored))
    there = {_key(line): line for line in stored["lines"]}
    for number, line in enumerate(shown.lines, start=1):
        kept = there.pop(_key(line), None)
        found += _of(f"line {number}", line, kept) if kept else [f"line {number} is not there"]
    found += [f"a line that was not shown: {' '.join(key)}" for key in there]
    total = sum((_amount(line) for line in shown.lines), Decimal(0))
    if Decimal(str(stored["Original_Amount"])) != total:
        found.append(f"the total is {stored['Original_Amount']} and was shown as {total}")
    return found


def _of(where: str, shown: Mapping[str, str], stored: Mapping[str, Any]) -> list[str]:
    return [
        f"{where}, {name}: {value!r} was shown, {stored.get(name)!r} is stored"
        for name, value in shown.items()
        if not _same(name, value, stored.get(name))
    ]


def _same(name: str, shown: str, stored: object) -> bool:
    if name in _NUMBERS:
        try:
            return Decimal(shown) == Decimal(str(stored))
        except InvalidOperation:
            return False
    return shown.rstrip() == str(stored)


def _readable(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the wire would write it: halves of the comment joined, dates with the month first."""
    year, month, day = str(stored["Date_Issued"]).split("-")
    return {
        **stored,
        "Comment": f"{stored['Comment_1']:<60}{stored['Comment_2']}".rstrip(),
        "Date_Issued": f"{month}/{day}/{year}",
    }


def _key(line: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(line.get(name, "")).strip().upper() for name in _LINE_KEY)


def _amount(line: Mapping[str, str]) -> Decimal:
    """The line's amount, or price times quantity to the cent where both are sent."""
    price, quantity = line.get("Unit_Price"), line.get("Original_Contract_Quantity")
    if price and quantity:
        return (Decimal(price) * Decimal(quantity)).quantize(Decimal("0.01"))
    return Decimal(line.get("Original_Contract_Amount", "0"))
