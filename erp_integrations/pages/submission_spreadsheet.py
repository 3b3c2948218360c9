"""The list as a file, for Excel or as CSV: each commitment of a choice, with what the list says of it."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from openpyxl import Workbook

from directory.csv_rows import BYTE_ORDER_MARK, format_csv_rows
from directory.spreadsheets import MOMENT, MONEY, CellContent, add_sheet, build_cell, format_moment
from erp_integrations.pages.submission_rows import SubmissionRow

MAX_ROWS = 100_000

COLUMNS: Mapping[str, tuple[int, Callable[[SubmissionRow, Any], CellContent]]] = {
    "Commitment": (18, lambda row, submission: submission.number),
    "Kind": (16, lambda row, submission: submission.get_kind_display()),
    "Title": (40, lambda row, submission: submission.title),
    "Project": (28, lambda row, submission: submission.project.name),
    "Job in Spectrum": (18, lambda row, submission: submission.job_number or ""),
    "Contract Company": (28, lambda row, submission: submission.contract_company_name),
    "Vendor in Spectrum": (18, lambda row, submission: submission.vendor_code),
    "Amount": (16, lambda row, submission: (submission.total, MONEY)),
    "Currency": (10, lambda row, submission: row.viewer.company.currency),
    "Sent by": (24, lambda row, submission: str(submission.sent_by)),
    "Sent": (17, lambda row, submission: (format_moment(submission.sent_at), MOMENT)),
    "Status": (24, lambda row, submission: row.status),
    "Details": (60, lambda row, submission: row.remark),
    "Decided by": (24, lambda row, submission: str(submission.decided_by or "")),
    "Decided": (
        17,
        lambda row, submission: (
            (format_moment(submission.decided_at), MOMENT) if submission.decided_at else ""
        ),
    ),
}
"""Width and content of each."""


def read_cells(rows: Iterator[SubmissionRow]) -> Iterator[list[CellContent]]:
    """A file that grows beyond any use ends with a sentence."""
    for row in islice(rows, MAX_ROWS):
        yield [get_content(row, row.submission) for _, get_content in COLUMNS.values()]
    if next(rows, None):
        yield [f"Only the first {MAX_ROWS:,} are here. Search for fewer."]


def write_spreadsheet(rows: Iterator[SubmissionRow], file: IO[bytes]) -> None:
    """In the viewer's time zone. Holds few rows at a time."""
    book = Workbook(write_only=True)
    sheet = add_sheet(book, "Commitments", {name: width for name, (width, _) in COLUMNS.items()})
    for cells in read_cells(rows):
        sheet.append([build_cell(sheet, each) for each in cells])
    book.save(file)


def write_csv(rows: Iterator[SubmissionRow], file: IO[bytes]) -> None:
    """The same, without its formats."""
    file.write((BYTE_ORDER_MARK + format_csv_rows([COLUMNS])).encode())
    for cells in read_cells(rows):
        values = [each if isinstance(each, str) else each[0] for each in cells]
        file.write(format_csv_rows([values]).encode())
