"""Amounts, quantities and percentages as people write them, and the one way to round money."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

CENT = Decimal("0.01")
# A comma or a blank only where it groups thousands: "1,5" may mean fifteen tenths to one person and 15
# to another, and in "12 5" a point was forgotten as likely as not.
GROUPED = r"[0-9]{1,3}(?P<mark>[,\s])[0-9]{3}(?:(?P=mark)[0-9]{3})*"
NUMBER_PATTERN = re.compile(rf"(?:{GROUPED}|[0-9]+)?(?:\.[0-9]*)?")
# Accounting writes what is negative in parentheses, or with the sign behind.
SIGNED_PATTERN = re.compile(
    r"\s*(?:\$\s*)?(?:(?P<sign>-)|(?P<open>\())?\s*(?:\$\s*)?(?P<figure>[^-$()]*?)\s*"
    r"(?(open)\)|(?(sign)|(?P<behind>-)?))\s*"
)


def to_the_cent(value: Decimal) -> Decimal:
    """Money, rounded half up, as the line grid does in the browser."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def describe_figures(currency: str, count: int, amount: Decimal, *, most: int) -> str:
    """Number and sum of commitments; without a sum where they are not counted to their end."""
    if count > most:
        return f"{most:,}+ commitments"
    return f"{count:,} commitment{'s'[: count != 1]}, {currency} {amount:,.2f}"


def format_decimal(value: Decimal, *, min_decimals: int = 0, grouped: bool = False) -> str:
    """Without exponent or idle zeros, but with at least ``min_decimals``: ``12.5``, ``100.00``."""
    text = f"{value.normalize():,f}" if grouped else f"{value.normalize():f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(min_decimals, "0")
    return f"{whole}.{decimals}" if decimals else whole


class FigureField(forms.Field):
    """A decimal number of at most ``whole`` digits before the point and ``decimals`` after it.

    Takes a currency sign, commas between thousands and accounting's negatives. Refuses what it would have
    to cut.
    """

    def __init__(self, *, whole: int, decimals: int, shown: int = 0, **kwargs: Any) -> None:
        self.whole, self.decimals, self.shown = whole, decimals, shown
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        """The number, or None where nothing is written."""
        typed = "" if value is None else str(value)
        if not typed.replace("$", "").strip():
            return None
        parts = SIGNED_PATTERN.fullmatch(typed)
        text = parts["figure"] if parts else ""
        if not parts or not NUMBER_PATTERN.fullmatch(text) or not re.search("[0-9]", text):
            raise ValidationError(
                "Enter a number such as 1,250.50: commas between thousands, a point before the decimals."
            )
        whole, _, decimals = re.sub(r"[,\s]", "", text).partition(".")
        if len(whole.lstrip("0")) > self.whole:
            raise ValidationError(f"At most {self.whole} digits fit before the decimal point.")
        if len(decimals.rstrip("0")) > self.decimals:
            raise ValidationError(f"At most {self.decimals} decimals fit.")
        sign = "-" if parts["sign"] or parts["open"] or parts["behind"] else ""
        return Decimal(f"{sign}{whole or '0'}.{decimals.rstrip('0') or '0'}")

    def prepare_value(self, value: Any) -> Any:
        """Stored numbers with commas and without idle zeros; what a person typed stays as it is."""
        if not isinstance(value, Decimal):
            return value
        return format_decimal(value, min_decimals=self.shown, grouped=True)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """A telephone shows its number keys."""
        return {"inputmode": "decimal", "autocomplete": "off"}
