"""Rows that somebody pasted, or has in a CSV or Excel file: read as texts, or refused with every problem."""

import csv
import re
import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from itertools import repeat
from typing import IO, Any, TypeAlias

from django.core.files.uploadedfile import UploadedFile
from openpyxl import load_workbook

from directory.csv_rows import parse_cell

MOST_BYTES = 25 * 1024 * 1024
MOST_UNPACKED = 150 * 1024 * 1024
MOST_KEPT = 25 * 1024 * 1024
"""Of all of an Excel file but its sheets: its texts and formats are kept in memory."""
MOST_BETWEEN_ROWS = 4
"""Megabytes of a sheet, as each row is in memory as a whole."""
MOST_ROWS = 100_000
MOST_PASTED = 5_000
MOST_COLUMNS = 60
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1f]")
PLAIN_FORMATS = ("General", "0", "@")
"""Of cells in which a whole number is shown as it is."""
UNCLEAR = "{} may be shown otherwise in Excel. Make the cell Text."
DELIMITERS = "\t;,|"

File: TypeAlias = "IO[bytes] | UploadedFile[bytes]"
Row = tuple[int, list[str]]
"""Its number as people count, and its cells."""


class NativeCell(str):
    """A value of Excel that it may show otherwise than it is read here, so that it is no text for a code or a
    name; None is an error, or a formula that was never computed.
    """

    __slots__ = ("value",)
    value: Decimal | date | bool | None

    def __new__(cls, text: str, value: Decimal | date | bool | None) -> "NativeCell":
        """As it is named to a person."""
        cell = super().__new__(cls, text)
        cell.value = value
        return cell


class RowsRefused(Exception):
    """All ``problems`` of what was pasted or uploaded, in sentences."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


def read_file(file: File) -> Iterator[Row]:
    """The rows of a CSV file, or of an Excel file's first visible sheet, one by one. Raises RowsRefused."""
    if file.seek(0, 2) > MOST_BYTES:
        raise RowsRefused(
            "The file is larger than 25 MB. Split it, or save only the columns that are needed."
        )
    file.seek(0)
    content = file.read(4)
    if content == b"PK\x03\x04":
        return read_sheet(file)
    content += file.read()
    encodings = ("utf-16",) if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not CONTROL_CHARACTERS.search(text):
            return read_text(text, is_file=True)
    raise RowsRefused("The file is neither CSV nor an Excel workbook (.xlsx). Save it as one of these.")


def read_text(text: str, delimiter: str = "", *, is_file: bool = False) -> Iterator[Row]:
    """Rows as CSV, or as a spreadsheet copies them. A quotation mark that nothing closes would hide rows, so
    in a file it is refused. Raises RowsRefused.
    """
    text = text.replace("\0", "")
    if declared := re.match(r"sep=(.)\r?\n", text):  # as Excel writes it
        delimiter, text = declared[1], "\n" + text[declared.end() :]
    lines = (each[0] for each in re.finditer(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+", text))
    reader = csv.reader(lines, delimiter=delimiter or find_delimiter(text), strict=is_file)
    number, texts = 0, dict[str, str]()
    try:
        for row in reader:
            number += 1
            if cells := clean_cells(map(parse_cell, row) if is_file else row):
                yield number, [texts.setdefault(each, each) for each in cells]
    except csv.Error as error:
        raise RowsRefused(
            f"Row {number + 1}: It can't be read. Look for a quotation mark that is not closed."
        ) from error


def find_delimiter(text: str) -> str:
    """Which parts most of the first lines alike: a decimal comma is in some of them only."""

    def get_evenness(delimiter: str) -> tuple[int, int]:
        lines = list(csv.reader(StringIO(text[:20_000]), delimiter=delimiter))[:30]
        widths = Counter(len(line) for line in lines if len(line) > 1)
        width, count = max(widths.items(), key=lambda each: (each[1], each[0]), default=(0, 0))
        return count, width

    try:
        return max(DELIMITERS, key=get_evenness)
    except csv.Error:
        return ","  # whose reading says where


def read_sheet(file: File) -> Iterator[Row]:
    """Read cell by cell, so that a lone one far out takes no memory for all those before it."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            sheets = [each for each in parts if each.filename.startswith("xl/worksheets/")]
            sizes = [sum(each.file_size for each in some) for some in (parts, sheets)]
            if not (is_bomb := sizes[0] > MOST_UNPACKED or sizes[0] - sizes[1] > MOST_KEPT):
                scanned = [find_in_sheet(archive, each) for each in sheets]
                has_formulas, is_bomb = (any(each) for each in zip(*scanned, strict=True))
    except Exception as error:  # of whatever kind: the file is somebody's
        raise RowsRefused(*UNREADABLE) from error
    if is_bomb:
        raise RowsRefused("The Excel file is too large when unpacked. Save only the rows as CSV.")
    rows = list_sheet_rows(file, computed=True)
    formulas = list_sheet_rows(file, computed=False) if has_formulas else repeat(())
    texts: dict[str, str] = {}
    for number, (row, formula) in enumerate(zip(rows, formulas, strict=False), start=1):
        try:
            cells = ["" if each.value is None else read_cell(each) for each in row]
        except Exception as error:  # a format that the file does not have
            raise RowsRefused(*UNREADABLE) from error
        for place, each in enumerate(formula):
            if each.data_type == "f" and not cells[place]:
                cells[place] = NativeCell("a formula without its result", None)
        if cleaned := clean_cells(cells):
            yield (
                number,
                [each if type(each) is NativeCell else texts.setdefault(each, each) for each in cleaned],
            )


UNREADABLE = ("The Excel file can't be read. Save it anew as an Excel workbook (.xlsx).",)


def count_bytes(file: File) -> int:
    """Unpacked; of a file that was read."""
    size = file.seek(0, 2)
    if not zipfile.is_zipfile(file):
        return size
    with zipfile.ZipFile(file) as archive:
        return sum(each.file_size for each in archive.infolist())


def find_in_sheet(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> tuple[bool, bool]:
    """A formula; and so much without a row that it is none of a person's."""
    has_formula, before, gap, widest = False, b"", 0, 0
    with archive.open(part) as file:
        while chunk := file.read(1 << 20):
            has_formula = has_formula or bool(re.search(rb"<(?:\w+:)?f[ />]", before + chunk))
            gap = 0 if re.search(rb"<(?:\w+:)?row", before + chunk) else gap + 1
            before, widest = chunk[-20:], max(widest, gap)
    return has_formula, widest > MOST_BETWEEN_ROWS


def list_sheet_rows(file: File, *, computed: bool) -> Iterator[tuple[Any, ...]]:
    try:
        book: Any = load_workbook(file, read_only=True, data_only=computed)
        sheet = next(each for each in book.worksheets if each.sheet_state == "visible")
        yield from sheet.iter_rows(max_row=MOST_ROWS + 20, max_col=MOST_COLUMNS)
    except Exception as error:
        raise RowsRefused(*UNREADABLE) from error


def read_cell(cell: Any) -> str:
    """As a person sees it; a number with a format, a date and an error are shown otherwise than stored."""
    value = cell.value
    if isinstance(value, str):
        return NativeCell(value, None) if cell.data_type == "e" else value
    if isinstance(value, bool):
        return NativeCell(str(value).upper(), value)
    if isinstance(value, int | float):
        if type(value) is int and cell.number_format in PLAIN_FORMATS:
            return str(value)
        figure = Decimal(format(value, ".15g"))  # of which Excel shows no more digits
        is_percent = "%" in cell.number_format
        figure = figure * 100 if is_percent else figure
        return NativeCell(f"{figure:f}{'%' * is_percent}", figure)
    if isinstance(value, datetime):
        return NativeCell(f"{value:%Y-%m-%d}", value.date())
    return NativeCell(str(value), value if isinstance(value, date) else None)


def clean_cells(row: Iterable[str]) -> list[str]:
    """Without blank ones at their end; none where all are blank."""
    cells = [each if type(each) is NativeCell else each.strip() for each in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells
