"""Sheets of Excel, written row by row.

What people and Spectrum typed is text and stays text: a value that begins like a formula is never one,
neither when the file is opened nor when its cell is edited or saved in another format.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

SPREADSHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 1_048_576 - 1  # of a sheet, under its head
MAX_TEXT_LENGTH = 32_767  # of a cell
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")

MONEY, DAY, MOMENT = "#,##0.00", "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
Value = str | Decimal | date | datetime
CellContent = str | tuple[Value, str]
"""A text, or any value with its number format."""


def add_sheet(book: Workbook, title: str, columns: dict[str, int]) -> Any:
    sheet: Any = book.create_sheet(title)  # of the write-only kind, whose types are declared only in part
    sheet.freeze_panes = "A2"
    for index, width in enumerate(columns.values()):
        sheet.column_dimensions[chr(ord("A") + index)].width = width
    head = [build_cell(sheet, name) for name in columns]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    return sheet


def format_moment(moment: datetime) -> datetime:
    """Spreadsheets know no time zones: these are the viewer's own hours."""
    return timezone.localtime(moment).replace(tzinfo=None)


def build_cell(sheet: Any, content: CellContent) -> Any:
    value, number_format = (content, "") if isinstance(content, str) else content
    if not isinstance(value, str):
        cell: Any = WriteOnlyCell(sheet)
        cell.value = value
        cell.number_format = number_format
        return cell
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value)[:MAX_TEXT_LENGTH])
    cell.data_type = "s"  # openpyxl would make formulas and error codes of some
    cell.quotePrefix = value.startswith(FORMULA_PREFIXES)
    return cell
