"""What drifts, as a spreadsheet: one row for each finding, written row by row.

What people and Spectrum typed is text and stays text: a value that begins like a formula is never one,
neither when the file is opened nor when its cell is edited or saved in another format.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
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
COLUMNS = {
    "Commitment": 18,
    "Kind": 16,
    "Title": 40,
    "Project": 28,
    "Contract Company": 28,
    "ERP ID": 14,
    "Amount": 16,
    "Drift": 28,
    "Where": 16,
    "Field": 26,
    "Exported": 30,
    "Now": 30,
    "First seen": 17,
    "Last seen": 17,
}

Value = str | Decimal | date | datetime


def write_spreadsheet(company: Company, kind: str, summary: Summary, file: IO[bytes]) -> None:
    """Write what drifts now, newest first, in the viewer's time zone. Holds few rows at a time."""
    book = Workbook(write_only=True)
    sheet = add_sheet(book, "Drift", COLUMNS)
    for row in build_rows(company, kind):
        sheet.append([build_cell(sheet, *value) for value in row])
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


def build_rows(company: Company, kind: str) -> Iterator[list[tuple[Value, str]]]:
    """Each with its number format; by key, as a server-side cursor does not outlive a PgBouncer."""
    written = 0
    for drift in _read_drifts(company, kind):
        for issue in drift.findings:
            if kind not in (drift_list.ALL_KINDS, issue["kind"]):
                continue
            if written == MAX_ROWS:
                return
            written += 1
            yield [*build_commitment_cells(drift), *build_issue_cells(issue), *build_time_cells(drift)]


def _read_drifts(company: Company, kind: str) -> Iterator[Drift]:
    drifts = drift_list.list_drifts(company, kind).order_by("-pk")
    last_key: int | None = None
    while batch := list((drifts if last_key is None else drifts.filter(pk__lt=last_key))[:BATCH_SIZE]):
        yield from batch
        last_key = batch[-1].pk


def build_commitment_cells(drift: Drift) -> Iterable[tuple[Value, str]]:
    submission = drift.submission
    yield submission.number, ""
    yield submission.get_kind_display(), ""
    yield submission.title, ""
    yield submission.project.name, ""
    yield submission.contract_company_name, ""
    yield drift.job.erp_id, ""
    yield submission.total, MONEY


def build_issue_cells(issue: dict[str, str]) -> Iterable[tuple[Value, str]]:
    yield str(DriftKind(issue["kind"]).label), ""
    yield issue["title"], ""
    yield issue["name"], ""
    yield parse_value(issue["exported"], issue["value_kind"])
    yield parse_value(issue["now"], issue["value_kind"])


def build_time_cells(drift: Drift) -> Iterable[tuple[Value, str]]:
    # Spreadsheets know no time zones: these are the viewer's own hours.
    for moment in (drift.first_seen_at, drift.last_seen_at):
        yield timezone.localtime(moment).replace(tzinfo=None), MOMENT


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


def build_cell(sheet: Any, value: Value, number_format: str = "") -> Any:
    if not isinstance(value, str):
        cell: Any = WriteOnlyCell(sheet)
        cell.value = value
        cell.number_format = number_format
        return cell
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value)[:MAX_TEXT_LENGTH])
    cell.data_type = "s"  # openpyxl would make formulas and error codes of some
    cell.quotePrefix = value.startswith(FORMULA_PREFIXES)
    return cell
