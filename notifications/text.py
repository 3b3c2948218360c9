"""How values are written in a mail."""

import textwrap
from decimal import Decimal


def to_one_line(text: str) -> str:
    """The text on one line: whatever is not printable becomes a space, and spaces don't repeat.

    A line break in a title would end the header that it stands in, and start another.
    """
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())


def format_money(amount: Decimal, currency: str) -> str:
    """An amount to the cent with its currency (ISO 4217), as the pages write it: ``USD 32,000.01``."""
    return f"{currency} {amount:,.2f}"


def format_waiting_days(days: int) -> str:
    """How long something has waited: ``since today``, ``1 day``, ``12 days``."""
    if days < 1:
        return "since today"
    return "1 day" if days == 1 else f"{days} days"


def format_quote(text: str) -> str:
    """A person's words, marked as theirs by a bar at the start of each line of at most 72."""
    lines = [line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, 70) or [""]]
    return "\n".join(f"> {line}".rstrip() for line in lines)
