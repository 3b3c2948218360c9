"""Rows that somebody pasted, or has in a CSV or Excel file: read as texts, or refused with every problem."""

import csv
import re
import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from openpyxl import load_workbook

MOST_BYTES = 5 * 1024 * 1024
MOST_UNPACKED = 10 * 1024 * 1024
MOST_ROWS = 5_000
MOST_COLUMNS = 50
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1f]")
PLAIN_FORMATS = ("General", "0", "@")
"""Of cells in which a whole number is shown as it is."""

Row = tuple[int, list[str]]
"""Its number as people count, and its cells."""


class RowsRefused(Exception):
    """All ``problems`` of what was pasted or uploaded, in sentences."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


def read_file(file: "UploadedFile[bytes]") -> list[Row]:
    """The rows of a CSV file, or of an Excel file's first sheet. Raises RowsRefused."""
    if (file.size or 0) > MOST_BYTES:
        raise RowsRefused("The file is larger than 5 MB. Split it, or save only the columns that are needed.")
    content = file.read()
    if content.startswith(b"PK\x03\x04"):
        return read_sheet(file)
    encodings = ("utf-16",) if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not CONTROL_CHARACTERS.search(text):
            head = text.strip().partition("\n")[0]
            return read_text(text, max("\t;,", key=head.count))
    raise RowsRefused("The file is neither CSV nor an Excel workbook (.xlsx). Save it as one of these.")


def read_text(text: str, delimiter: str) -> list[Row]:
    """Rows as CSV, or as a spreadsheet copies them. Raises RowsRefused."""
    reader = csv.reader(text.replace("\0", "").splitlines()[: MOST_ROWS + 2], delimiter=delimiter)
    try:
        return clean_rows(list(enumerate(reader, start=1)))
    except csv.Error:
        problem = f"Row {reader.line_num}: It is too long. Look for a quotation mark."
    raise RowsRefused(problem)


def read_sheet(file: "UploadedFile[bytes]") -> list[Row]:
    """Read cell by cell, so that a lone one far out takes no memory for all those before it."""
    try:
        with zipfile.ZipFile(file) as archive:
            is_bomb = sum(each.file_size for each in archive.infolist()) > MOST_UNPACKED
        if not is_bomb:
            sheet: Any = load_workbook(file, read_only=True, data_only=True).worksheets[0]
            cells = list(enumerate(sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS), start=1))
    except Exception as error:  # of whatever kind: the file is somebody's
        raise RowsRefused(
            "The Excel file can't be read. Save it anew as an Excel workbook (.xlsx)."
        ) from error
    if is_bomb:
        raise RowsRefused("The Excel file is larger than 10 MB when unpacked. Save only the rows as CSV.")
    unclear = [
        f"Row {number}: {str(cell.value)[:30]} may be shown otherwise in Excel. Make the cell Text."
        for number, row in cells
        for cell in row
        if not is_clear(cell)
    ]
    if unclear:
        raise RowsRefused(*unclear)
    return clean_rows(
        [(number, ["" if c.value is None else str(c.value) for c in row]) for number, row in cells]
    )


def is_clear(cell: Any) -> bool:
    """Its value is what a person sees: a date is not, nor is a number with a format, nor an error."""
    if type(cell.value) is int:
        return cell.number_format in PLAIN_FORMATS
    return cell.value is None or (isinstance(cell.value, str) and cell.data_type != "e")


def clean_rows(rows: list[Row]) -> list[Row]:
    """Without blank ones, nor blank cells at their end."""
    cleaned = []
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            cleaned.append((number, cells))
    return cleaned


def find_columns(rows: list[Row], headings: Mapping[str, tuple[str, ...]]) -> list[Row]:
    """Those that the first row calls by one of their ``headings``; all, where it names none. Raises
    RowsRefused.
    """
    head = [" ".join(cell.split()).casefold() for cell in (rows[0][1] if rows else [])]
    places = [[place for place, cell in enumerate(head) if cell in known] for known in headings.values()]
    if any(places):
        if any(len(each) != 1 for each in places):
            raise RowsRefused(f"Row {rows[0][0]}: Name one column {' and one '.join(headings)}.")
        rows = [
            (number, [(row + [""] * len(head))[place] for (place,) in places]) for number, row in rows[1:]
        ]
    if not 0 < len(rows) <= MOST_ROWS:
        raise RowsRefused(f"Enter 1 to {MOST_ROWS:,} rows.")
    return rows
