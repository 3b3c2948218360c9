"""A list as a file, for Excel or as CSV: all that its address asks for."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import IO, TypeVar

from django.http import FileResponse, HttpRequest
from django.utils import timezone
from openpyxl import Workbook

from directory.csv_rows import BYTE_ORDER_MARK, format_csv_rows
from directory.spreadsheets import SPREADSHEET_TYPE, CellContent, add_sheet, build_cell

MAX_ROWS = 100_000
Row = TypeVar("Row")
Columns = Mapping[str, tuple[int, Callable[[Row], CellContent]]]
"""Width and content of each."""


def read_cells(columns: Columns[Row], rows: Iterator[Row]) -> Iterator[list[CellContent]]:
    """A file that grows beyond any use ends with a sentence."""
    for row in islice(rows, MAX_ROWS):
        yield [get_content(row) for _, get_content in columns.values()]
    if next(rows, None):
        yield [f"Only the first {MAX_ROWS:,} are here. Search for fewer."]


def write_spreadsheet(columns: Columns[Row], rows: Iterator[Row], file: IO[bytes]) -> None:
    """In the viewer's time zone. Holds few rows at a time."""
    book = Workbook(write_only=True)
    sheet = add_sheet(book, "Commitments", {name: width for name, (width, _) in columns.items()})
    for cells in read_cells(columns, rows):
        sheet.append([build_cell(sheet, each) for each in cells])
    book.save(file)


def write_csv(columns: Columns[Row], rows: Iterator[Row], file: IO[bytes]) -> None:
    """The same, without its formats."""
    file.write((BYTE_ORDER_MARK + format_csv_rows([columns])).encode())
    for cells in read_cells(columns, rows):
        values = [each if isinstance(each, str) else each[0] for each in cells]
        file.write(format_csv_rows([values]).encode())


def build_response(
    request: HttpRequest, name: str, columns: Columns[Row], rows: Iterator[Row]
) -> FileResponse:
    """For Excel, or as CSV where the address asks for it; with its day in its name."""
    csv = request.GET.get("format") == "csv"
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    (write_csv if csv else write_spreadsheet)(columns, rows, file)
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"{name}-{timezone.localdate():%Y-%m-%d}.{'csv' if csv else 'xlsx'}",
        content_type="text/csv; charset=utf-8" if csv else SPREADSHEET_TYPE,
    )
