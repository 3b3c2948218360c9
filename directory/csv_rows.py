"""Rows of a file for a spreadsheet, in which no value is a formula."""

import csv
from collections.abc import Iterable
from io import StringIO

BYTE_ORDER_MARK = "\ufeff"  # at the start of a file: Excel knows UTF-8 by it
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n")


def format_csv_rows(rows: Iterable[Iterable[object]]) -> str:
    """Typed text stays text and can't be a formula; a number stays one."""
    buffer = StringIO()
    cells = ((clean_cell(value) if isinstance(value, str) else value for value in row) for row in rows)
    csv.writer(buffer).writerows(cells)
    return buffer.getvalue()


def clean_cell(value: str) -> str:
    """A spreadsheet takes a value that begins like this for a formula."""
    text = value.replace("\0", "")
    return f"'{text}" if text.lstrip(" '").startswith(FORMULA_PREFIXES) else text


def parse_cell(text: str) -> str:
    """As it was before it was cleaned."""
    return text[1:] if text.startswith("'") and text.lstrip(" '").startswith(FORMULA_PREFIXES) else text
