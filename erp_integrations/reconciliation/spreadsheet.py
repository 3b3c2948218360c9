"""The drift as a spreadsheet: one row for each issue, written row by row.

What people and Spectrum typed is text and stays text: a value that begins like a formula is never one,
neither when the file is opened nor when its cell is edited or saved in another format.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import IO, Any

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from directory.models import Company
from erp_integrations.adapters.base import ValueKind
from erp_integrations.models import Drift, DriftKind
from erp_integrations.reconciliation import drift_list
from erp_integrations.reconciliation.requests import Summary

BATCH_SIZE = 500
MAX_ROWS = 1_048_576 - 1  # of a sheet, under its head
MAX_TEXT_LENGTH = 32_767  # of a cell
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")

MONEY, DAY, MOMENT = "#,##0.00", "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
Value = str | Decimal | date | datetime
CellContent = str | tuple[Value, str]
"""A text, or any value with its number format."""
Issue = Mapping[str, str]

COLUMNS: Mapping[str, tuple[int, Callable[[Drift, Issue], CellContent]]] = {
    "Commitment": (18, lambda drift, issue: drift.submission.number),
    "Kind": (16, lambda drift, issue: drift.submission.get_kind_display()),
    "Title": (40, lambda drift, issue: drift.submission.title),
    "Project": (28, lambda drift, issue: drift.submission.project.name),
    "Contract Company": (28, lambda drift, issue: drift.submission.contract_company_name),
    "ERP ID": (14, lambda drift, issue: drift.job.erp_id),
    "Amount": (16, lambda drift, issue: (drift.submission.total, MONEY)),
    "Drift": (28, lambda drift, issue: str(DriftKind(issue["kind"]).label)),
    "Where": (16, lambda drift, issue: issue["title"]),
    "Field": (26, lambda drift, issue: issue["name"]),
    "Exported": (30, lambda drift, issue: parse_value(issue["exported"], issue["value_kind"])),
    "Now": (30, lambda drift, issue: parse_value(issue["now"], issue["value_kind"])),
    "First seen": (17, lambda drift, issue: (format_moment(drift.first_seen_at), MOMENT)),
    "Last seen": (17, lambda drift, issue: (format_moment(drift.last_seen_at), MOMENT)),
}
"""Width and content of each."""


def write_spreadsheet(company: Company, kind: str, summary: Summary, file: IO[bytes]) -> None:
    """Write what drifts now, newest first, in the viewer's time zone. Holds few rows at a time."""
    book = Workbook(write_only=True)
    sheet = add_sheet(book, "Drift", {name: width for name, (width, _) in COLUMNS.items()})
    for drift, issue in islice(read_issues(company, kind), MAX_ROWS):
        sheet.append([build_cell(sheet, get_value(drift, issue)) for _, get_value in COLUMNS.values()])
    about = add_sheet(book, "Compared", {"Connection": 30, "State": 24, "Details": 80})
    for connection_row in summary.connection_rows:
        values = (str(connection_row.connection), connection_row.state, connection_row.sentence)
        about.append([build_cell(about, text) for text in values])
    book.save(file)


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


def read_issues(company: Company, kind: str) -> Iterator[tuple[Drift, Issue]]:
    """By key, as a server-side cursor does not outlive a PgBouncer."""
    drifts = drift_list.list_drifts(company, kind).order_by("-pk")
    last_key: int | None = None
    while batch := list((drifts if last_key is None else drifts.filter(pk__lt=last_key))[:BATCH_SIZE]):
        for drift in batch:
            yield from (
                (drift, each) for each in drift.findings if kind in (drift_list.ALL_KINDS, each["kind"])
            )
        last_key = batch[-1].pk


def format_moment(moment: datetime) -> datetime:
    """Spreadsheets know no time zones: these are the viewer's own hours."""
    return timezone.localtime(moment).replace(tzinfo=None)


def parse_value(text: str, kind: str) -> tuple[Value, str]:
    """A number as a number and a date as a date, where the text is one."""
    match kind:
        case ValueKind.NUMBER:
            try:
                number = Decimal(text)
            except InvalidOperation:
                return text, ""
            return (number, "General") if number.is_finite() else (text, "")
        case ValueKind.DATE:
            try:
                month, day, year = (int(part) for part in text.split("/"))
                return date(year, month, day), DAY
            except ValueError:
                return text, ""
    return text, ""


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
