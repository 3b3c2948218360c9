"""Rows that somebody pasted, or has in a CSV or Excel file: read as texts, or refused with every problem."""

import csv
import re
import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from typing import IO, Any, TypeAlias
from xml.parsers import expat

from django.core.files.uploadedfile import UploadedFile
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import from_excel

from directory.csv_rows import parse_cell

MOST_BYTES = 25 * 1024 * 1024
MOST_UNPACKED = 150 * 1024 * 1024
MOST_KEPT = 25 * 1024 * 1024
"""Of all of an Excel file but its sheets: its texts and formats are kept in memory."""
MOST_AT_ONCE = 1024 * 1024
"""Of one text, or one tag."""
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
    """The rows of a CSV file, or of an Excel file's first visible sheet, one by one, with the same text in
    memory once. Raises RowsRefused.
    """
    if file.seek(0, 2) > MOST_BYTES:
        raise RowsRefused(
            "The file is larger than 25 MB. Split it, or save only the columns that are needed."
        )
    file.seek(0)
    is_excel, texts = file.read(4) == b"PK\x03\x04", dict[str, str]()
    file.seek(0)
    for number, row in read_sheet(file) if is_excel else read_text(read_content(file.read()), is_file=True):
        yield number, [each if type(each) is NativeCell else texts.setdefault(each, each) for each in row]


def read_content(content: bytes) -> str:
    encodings = ("utf-16",) if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if not CONTROL_CHARACTERS.search(text):
                return text
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
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if cells := clean_cells(map(parse_cell, row) if is_file else row):
                yield number, cells
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
    """As its XML comes, so that neither a lone cell far out nor a row without end takes memory."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
        size = sum(each.file_size for each in parts)
        kept = size - sum(each.file_size for each in parts if each.filename.startswith("xl/worksheets/"))
        if size <= MOST_UNPACKED and kept <= MOST_KEPT:
            yield from Sheet(file).list_rows()
            return
    except Exception as error:  # of whatever kind: the file is somebody's
        problem = "The Excel file can't be read. Save it anew as an Excel workbook (.xlsx)."
        raise RowsRefused(problem) from error
    raise RowsRefused("The Excel file is too large when unpacked. Save only the rows as CSV.")


class Sheet:
    """The first visible sheet of a workbook."""

    def __init__(self, file: File) -> None:
        book: Any = ExcelReader(file, read_only=True, keep_links=False)
        book.read_manifest()
        book.read_strings()
        book.read_workbook()
        apply_stylesheet(book.archive, book.wb)
        found = (each for sheet, each in book.parser.find_sheets() if sheet.state == "visible")
        self.source = book.archive.open(next(each.target for each in found if "chart" not in each.Type))
        self.strings, self.book = book.shared_strings, book.wb
        formats = BUILTIN_FORMATS | dict(enumerate(book.wb._number_formats, start=164))
        self.formats = [formats.get(each.numFmtId, "General") for each in book.wb._cell_styles]
        self.row, self.column, self.cells = 0, -1, dict[int, str]()
        self.rows: list[Row] = []
        self.kind, self.style, self.text = "", 0, ""
        self.is_text = self.is_aside = self.has_formula = False

    def list_rows(self) -> Iterator[Row]:
        parser, read = expat.ParserCreate(), 0
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = self.add_text, self.fail
        while chunk := self.source.read(1 << 16):
            parser.Parse(chunk)
            read += len(chunk)
            if read - parser.CurrentByteIndex > MOST_AT_ONCE:
                self.fail()
            yield from self.rows
            self.rows.clear()
        parser.Parse(b"", True)

    def fail(self, *_: Any) -> None:
        raise ValueError("It has entities, or something without end")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name[name.find(":") + 1 :]
        if name == "c":
            place = attributes.get("r", "").rstrip("0123456789")
            self.column = column_index_from_string(place) - 1 if place else self.column + 1
            self.kind, self.style = attributes.get("t", "n"), int(attributes.get("s", 0))
            self.text, self.has_formula = "", False
        elif name in ("v", "t"):
            self.is_text = not self.is_aside
        elif name == "f":
            self.has_formula = True
        elif name == "rPh":  # how it is pronounced
            self.is_aside = True
        elif name == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), -1

    def add_text(self, text: str) -> None:
        if self.is_text:
            self.text += text
            if len(self.text) > MOST_AT_ONCE:
                self.fail()

    def end(self, name: str) -> None:
        name = name[name.find(":") + 1 :]
        if name in ("v", "t"):
            self.is_text = False
        elif name == "rPh":
            self.is_aside = False
        elif name == "c" and self.column < MOST_COLUMNS and (self.text or self.has_formula):
            self.cells[self.column] = self.read_cell(self.kind, self.text)
        elif name == "row" and self.cells:
            cells = clean_cells(self.cells.get(place, "") for place in range(max(self.cells) + 1))
            self.rows += [(self.row, cells)] if cells else []
            self.cells.clear()

    def read_cell(self, kind: str, text: str) -> str:
        """As a person sees it: a number with a format, a date and an error are stored otherwise."""
        value: Any = None
        if kind in ("str", "inlineStr"):
            return text
        if not text:
            return NativeCell("a formula without its result", None)
        if kind == "s":
            return str(self.strings[int(text)])
        if kind == "b":
            return NativeCell("TRUE" if int(text) else "FALSE", bool(int(text)))
        if kind == "e":
            return NativeCell(text, None)
        if kind == "d" or self.style in self.book._date_formats:
            is_span = self.style in self.book._timedelta_formats
            try:
                value = (
                    datetime.fromisoformat(text)
                    if kind == "d"
                    else from_excel(float(text), self.book.epoch, is_span)
                )
            except (OverflowError, ValueError):
                return NativeCell("#VALUE!", None)
            day = value.date() if isinstance(value, datetime) else None
            return NativeCell(str(day or value), day)
        value, form = int(text) if text.lstrip("-").isdecimal() else float(text), self.formats[self.style]
        if type(value) is int and form in PLAIN_FORMATS:
            return str(value)
        figure = Decimal(format(value, ".15g"))  # of which Excel shows no more digits
        is_percent = "%" in form
        figure = figure * 100 if is_percent else figure
        return NativeCell(f"{figure:f}{'%' * is_percent}", figure)


def count_bytes(file: File) -> int:
    """Unpacked; of a file that was read."""
    size = file.seek(0, 2)
    if not zipfile.is_zipfile(file):
        return size
    with zipfile.ZipFile(file) as archive:
        return sum(each.file_size for each in archive.infolist())


def clean_cells(row: Iterable[str]) -> list[str]:
    """Without blank ones at their end; none where all are blank."""
    cells = [each if type(each) is NativeCell else each.strip() for each in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells
