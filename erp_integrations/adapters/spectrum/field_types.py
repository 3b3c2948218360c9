"""The limits of one field of a Spectrum layout, and how a value of it is written.

The published pages name three types: T (text), N (number) and D (date). Widths count
the sign and the point. Nothing here rounds or cuts: a value fits as it is, or not at all.
Source: docs/spectrum.md, section 2.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

FORBIDDEN_IN_KEYS = frozenset("/*?\"'><#,&~.")

_PRINTABLE_ASCII = re.compile(r"[ -~]*")


class FieldKind(StrEnum):
    """The type letter of the published layouts."""

    TEXT = "T"
    NUMBER = "N"
    DATE = "D"


class Misfit(StrEnum):
    """Why a number can't be written in a field without changing it."""

    WIDTH = "width"
    DECIMALS = "decimals"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a layout.

    ``integers`` and ``decimals`` are the digits before and after the point (the mask -6.4 is
    6 and 4, signed). ``blank`` says in words what Spectrum puts where nothing is sent. ``secret``
    fields are known to the transport only; ``cuttable`` text may lose its end, in sight of the
    person who accepts; everything else leaves whole or not at all.
    """

    name: str
    width: int
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    key: bool = False
    secret: bool = False
    cuttable: bool = False
    dashes: bool = True
    choices: str = ""
    integers: int = 0
    decimals: int = 0
    signed: bool = False
    blank: str = ""

    def format_number(self, value: Decimal) -> str:
        """Write a number with exactly the field's decimals, without separators.

        Raises ValueError if the value does not fit as it is.
        """
        misfit = self.find_misfit(value)
        if misfit:
            raise ValueError(f"{self.name}: {value} does not fit ({misfit})")
        # Adding zero makes -0 plain zero.
        return f"{value + 0:.{self.decimals}f}"

    def find_misfit(self, value: Decimal) -> Misfit | None:
        """The reason why a number can't be written in this field, or None if it fits."""
        # The size is looked at first: it bounds the digits that the other two questions handle.
        if not value.is_finite() or (value and value.adjusted() >= self.integers):
            return Misfit.WIDTH
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self.decimals:
            trailing = -exponent - self.decimals
            digits = value.as_tuple().digits
            if any(digits[-trailing:]):
                return Misfit.DECIMALS
        if value < 0 and not self.signed:
            return Misfit.SIGN
        return None

    def describe_issue(self, value: str) -> str:
        """Why a value as text must not leave us, in words that follow the field's name; blank if it may.

        The last gate before the wire: it knows nothing of how the value was made.
        """
        if not value:
            return "is missing" if self.required else ""
        if not _PRINTABLE_ASCII.fullmatch(value):
            return "has characters other than printable ASCII"
        if len(value) > self.width:
            return f"has {len(value)} characters; Spectrum takes {self.width}"
        if self.kind is FieldKind.NUMBER:
            return "" if self._build_number_pattern().fullmatch(value) else f"is not {self.form}"
        if self.kind is FieldKind.DATE:
            return "" if _is_date(value) else "is not a date of the form MM/DD/CCYY"
        if self.choices:
            return "" if value in self.choices else f"is not one of {', '.join(self.choices)}"
        if refused := self.find_forbidden_characters(value):
            return f"may not hold {' '.join(refused)}"
        return "begins or ends with a blank" if self.key and value != value.strip() else ""

    @property
    def form(self) -> str:
        """A number of this field, described in words."""
        sign = "" if self.signed else " without a sign"
        if not self.decimals:
            return f"a whole number of up to {self.integers} digits{sign}"
        places = f"{self.decimals} after it" if self.decimals > 1 else "one after it"
        return f"a number of up to {self.integers} digits before the point and {places}{sign}"

    def find_forbidden_characters(self, value: str) -> str:
        """The characters of a key value that Spectrum refuses in it, each once."""
        if not self.key:
            return ""
        refused = (
            character
            for character in value
            if character in FORBIDDEN_IN_KEYS
            or not _PRINTABLE_ASCII.fullmatch(character)
            or (character == "-" and not self.dashes)
        )
        return "".join(dict.fromkeys(refused))

    def _build_number_pattern(self) -> re.Pattern[str]:
        sign = "-?" if self.signed else ""
        fraction = rf"(\.[0-9]{{1,{self.decimals}}})?" if self.decimals else ""
        return re.compile(rf"{sign}[0-9]{{1,{self.integers}}}{fraction}")


def format_date(day: date) -> str:
    """A date as Spectrum reads it: MM/DD/CCYY."""
    return f"{day.month:02}/{day.day:02}/{day.year:04}"


def _is_date(value: str) -> bool:
    try:
        return format_date(datetime.strptime(value, "%m/%d/%Y").date()) == value  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        return False
