"""The figures and days of a file, in the one way in which its writer has them. Where two ways are possible
nothing is guessed: the person is asked.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import TextChoices

from commitments.figures import FigureField
from directory.row_files import NativeCell

ASK = "ask"
"""Both ways are possible, or both are used."""


class FigureStyle(TextChoices):
    POINT = "point", "1,234.56"
    COMMA = "comma", "1.234,56"


class DayStyle(TextChoices):
    MONTH_FIRST = "month", "12/31/2025"
    DAY_FIRST = "day", "31/12/2025"


ANY_FIGURE = FigureField(whole=30, decimals=20)
SHAPES: dict[str, dict[int, int]] = {"figure": str.maketrans("23456789", "1" * 8), "day": {}}
"""By which texts are distinguished: one digit is as good as another, but for zero."""
SWAPPED = str.maketrans(".,", ",.")
NO_TIME = re.compile(r"[T ](?:00:00(?::00)?(?:\.0+)?|12:00(?::00)? AM)$")
NUMBERS_DAY = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
DAY_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d %Y", "%B %d %Y"),
)


def clean_figure(text: str, style: str, currency: str = "") -> str:
    """As a figure is typed here. ``currency`` is the company's; another one stays, and is refused."""
    plain = text.replace(currency, "") if currency else text
    plain = re.sub(r"(?<=\d)['’](?=\d{3})", " ", plain)
    return plain.translate(SWAPPED) if style == FigureStyle.COMMA else plain


def read_figure(text: str, style: str) -> Decimal | None:
    value: Decimal | None = ANY_FIGURE.clean(clean_figure(text, style))
    return value


def read_day(text: str, style: str) -> date | None:
    """Days in words and the years in front are the same everywhere. Raises ValidationError."""
    if type(text) is NativeCell and isinstance(text.value, date):
        return text.value
    text = "?" if type(text) is NativeCell else NO_TIME.sub("", text)
    if not text:
        return None
    with suppress(ValueError):
        if parts := NUMBERS_DAY.fullmatch(text):
            first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
            month, day = (first, second) if style == DayStyle.MONTH_FIRST else (second, first)
            return date(year + 2000 * (year < 100), month, day)
    for form in DAY_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text.replace(",", ""), form).date()  # noqa: DTZ007  (a day has no zone)
    raise ValidationError("Write a date such as 2025-03-31.")


def find_style(texts: Iterable[str], parse: Callable[[str, str], Any], styles: type[TextChoices]) -> str:
    """Of all figures or days of a file, those that can be read in one way only say which it is."""
    found, is_open = set[str](), False
    for text in texts:
        values: dict[str, Any] = {}
        for style in styles.values:
            with suppress(ValidationError):
                values[style] = parse(text, style)
        if len(values) == 1:
            found |= values.keys()
        is_open = is_open or len({*values.values()}) > 1
    if len(found) == 1:
        return found.pop()
    return ASK if found or is_open else str(styles.values[0])
