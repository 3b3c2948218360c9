"""The figures and days of a file, in the one way in which its writer has them. Where two ways are possible
nothing is guessed: the person is asked.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

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


def read_figure(text: str, style: str, currency: str = "") -> Decimal | None:
    """None where it is none in this style."""
    try:
        value: Decimal | None = ANY_FIGURE.clean(clean_figure(text, style, currency))
    except ValidationError:
        return None
    return value


def find_figure_style(texts: Iterable[str], currency: str = "") -> str:
    """Of all figures of a file, those that are one amount in one way only say which it is."""
    styles, is_open = set(), False
    for text in texts:
        if type(text) is NativeCell or not text:
            continue
        point, comma = (read_figure(text, style, currency) for style in FigureStyle)
        if (point is None) != (comma is None):
            styles.add(FigureStyle.COMMA if point is None else FigureStyle.POINT)
        is_open = is_open or point != comma
    if len(styles) == 1:
        return styles.pop()
    return ASK if styles or is_open else FigureStyle.POINT


def parse_day(text: str, style: str) -> date | None:
    """Days in words and the years in front are the same everywhere. Raises ValueError."""
    if type(text) is NativeCell:
        if not isinstance(text.value, date):
            raise ValueError(text)
        return text.value
    text = NO_TIME.sub("", text)
    if not text:
        return None
    if parts := NUMBERS_DAY.fullmatch(text):
        first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
        month, day = (first, second) if style == DayStyle.MONTH_FIRST else (second, first)
        return date(year + 2000 * (year < 100), month, day)
    for form in DAY_FORMATS:
        try:
            return datetime.strptime(text.replace(",", ""), form).date()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    raise ValueError(text)


def read_day(text: str, style: str) -> date | None:
    try:
        return parse_day(text, style)
    except ValueError:
        return None


def find_day_style(texts: Iterable[str]) -> str:
    """As ``find_figure_style``."""
    styles, is_open = set(), False
    for text in texts:
        month, day = (read_day(text, style) for style in DayStyle)
        if (month is None) != (day is None):
            styles.add(DayStyle.DAY_FIRST if month is None else DayStyle.MONTH_FIRST)
        is_open = is_open or month != day
    if len(styles) == 1:
        return styles.pop()
    return ASK if styles or is_open else DayStyle.MONTH_FIRST
