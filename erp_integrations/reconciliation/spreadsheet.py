"""The drift as a spreadsheet: one row for each issue, written row by row."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import IO

from openpyxl import Workbook

from directory.models import Company
from directory.spreadsheets import (
    DAY,
    MAX_ROWS,
    MOMENT,
    MONEY,
    CellContent,
    Value,
    add_sheet,
    build_cell,
    format_moment,
)
from erp_integrations.adapters.base import ValueKind
from erp_integrations.models import Drift, DriftKind
from erp_integrations.reconciliation import drift_list
from erp_integrations.reconciliation.requests import Summary

BATCH_SIZE = 500
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
