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
from erp_integrations.reconciliation import drift_listing
from erp_integrations.reconciliation.asking import Summary

AT_ONCE = 500
MOST_ROWS = 1_048_576 - 1  # of a sheet, under its head
LONGEST_TEXT = 32_767  # of a cell
LIKE_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

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


def write(company: Company, kind: str, summary: Summary, file: IO[bytes]) -> None:
    """Write what drifts now, newest first, in the viewer's time zone. Holds few rows at a time."""
    book = Workbook(write_only=True)
    sheet = _sheet(book, "Drift", COLUMNS)
    for row in _rows(company, kind):
        sheet.append([_cell(sheet, *value) for value in row])
    about = _sheet(book, "Compared", {"Connection": 30, "State": 24, "What is known": 80})
    for standing in summary.standings:
        told = (str(standing.connection), standing.state, standing.sentence)
        about.append([_cell(about, text) for text in told])
    book.save(file)


def _sheet(book: Workbook, title: str, columns: dict[str, int]) -> Any:
    sheet: Any = book.create_sheet(title)  # of the write-only kind, whose types are declared only in part
    sheet.freeze_panes = "A2"
    for index, width in enumerate(columns.values()):
        sheet.column_dimensions[chr(ord("A") + index)].width = width
    head = [_cell(sheet, name) for name in columns]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    return sheet


def _rows(company: Company, kind: str) -> Iterator[list[tuple[Value, str]]]:
    """Each with its number format; by key, as a server-side cursor does not outlive a PgBouncer."""
    written = 0
    for drift in _drifts(company, kind):
        for finding in drift.findings:
            if kind not in (drift_listing.EVERYTHING, finding["kind"]):
                continue
            if written == MOST_ROWS:
                return
            written += 1
            yield [*_head_of(drift), *_of(finding), *_times_of(drift)]


def _drifts(company: Company, kind: str) -> Iterator[Drift]:
    drifts = drift_listing.drifts_of(company, kind).order_by("-pk")
    last: int | None = None
    while batch := list((drifts if last is None else drifts.filter(pk__lt=last))[:AT_ONCE]):
        yield from batch
        last = batch[-1].pk


def _head_of(drift: Drift) -> Iterable[tuple[Value, str]]:
    submission = drift.submission
    yield submission.number, ""
    yield submission.get_kind_display(), ""
    yield submission.title, ""
    yield submission.project.name, ""
    yield submission.contract_company_name, ""
    yield drift.job.erp_id, ""
    yield submission.total, MONEY


def _of(finding: dict[str, str]) -> Iterable[tuple[Value, str]]:
    yield str(DriftKind(finding["kind"]).label), ""
    yield finding["title"], ""
    yield finding["name"], ""
    yield _value(finding["exported"], finding["value_kind"])
    yield _value(finding["now"], finding["value_kind"])


def _times_of(drift: Drift) -> Iterable[tuple[Value, str]]:
    # Spreadsheets know no time zones: these are the viewer's own hours.
    for moment in (drift.first_seen_at, drift.last_seen_at):
        yield timezone.localtime(moment).replace(tzinfo=None), MOMENT


def _value(text: str, kind: str) -> tuple[Value, str]:
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


def _cell(sheet: Any, value: Value, number_format: str = "") -> Any:
    if not isinstance(value, str):
        cell: Any = WriteOnlyCell(sheet)
        cell.value = value
        cell.number_format = number_format
        return cell
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_TEXT])
    cell.data_type = "s"  # openpyxl would make formulas and error codes of some
    cell.quotePrefix = value.startswith(LIKE_FORMULAS)
    return cell
