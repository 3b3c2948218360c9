"""Rows of a file are read as they are shown, or refused in words; nothing is guessed."""

import io
import zipfile
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from directory import row_files
from directory.columns import Column, read_columns
from directory.csv_rows import FORMULA_PREFIXES, clean_cell, parse_cell
from directory.row_files import NativeCell, RowsRefused, read_file

ROWS = [(1, ["Code", "Name"]), (2, ["03-30", "Béton, coulé"])]
TEXT = 'Code,Name\r\n03-30,"Béton, coulé"\r\n,\r\n'
COLUMNS = (Column("code", "code", "phase"), Column("name", "name"))


def read(content: bytes) -> list[row_files.Row]:
    return list(read_file(SimpleUploadedFile("rows", content)))


def sheet(rows: Iterable[Iterable[Any]], **cells: Any) -> bytes:
    book, file = Workbook(), io.BytesIO()
    page: Any = book.active
    for row in rows:
        page.append(row)
    for place, value in cells.items():
        page[place] = value
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    "text", [TEXT, TEXT.replace(",", ";").replace("n; c", "n, c"), "Code\tName\n03-30\tBéton, coulé"]
)
def test_csv_is_understood_as_spreadsheets_write_it(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == ROWS


def test_a_lone_cell_far_out_takes_no_memory_and_hides_no_row() -> None:
    rows = [["Code", "Name"], ["03-30", "Béton, coulé"]]
    assert read(sheet(rows, XFD900=None)) == ROWS
    assert read(sheet(rows, XFD1048576="x")) == ROWS  # nothing that anybody would look for there


@pytest.mark.parametrize(
    ("value", "form", "held"),
    [
        (date(2026, 3, 1), "", date(2026, 3, 1)),
        (1.1, "", Decimal("1.1")),
        (0.1 + 0.2, "", Decimal("0.3")),
        (330, "0000", Decimal(330)),
        (0.055, "0.0%", Decimal("5.5")),
        (True, "", True),
        ("#N/A", "", None),
        ("=1+1", "", None),  # never computed: there is nothing to read
    ],
)
def test_what_excel_may_show_otherwise_than_it_holds_it_is_no_text(value: Any, form: str, held: Any) -> None:
    book, file = Workbook(), io.BytesIO()
    page: Any = book.active
    page["A1"] = value
    if form:
        page["A1"].number_format = form
    book.save(file)
    ((_, (cell,)),) = read(file.getvalue())
    assert type(cell) is NativeCell
    assert (cell.value, type(cell.value)) == (held, type(held))
    assert read(sheet([[3300]])) == [(1, ["3300"])]


def build_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (row_files.MOST_UNPACKED + 1))
    return file.getvalue()


ENTITIES = (
    b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]><workbook>&z;</workbook>"""
    % b"".join(
        b'<!ENTITY %c "%s">' % (b"bcdefghijz"[i], (b"&%c;" % b"abcdefghij"[i]) * 10) for i in range(10)
    )
)


def replace_part(name: str, content: bytes) -> bytes:
    file, old = io.BytesIO(), zipfile.ZipFile(io.BytesIO(sheet([["a"]])))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in old.namelist():
            archive.writestr(each, content if each == name else old.read(each))
    return file.getvalue()


SECRET = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>[&e;]</t></is></c></row></sheetData></worksheet>"""


NO_FORMAT = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    b'<c r="A1" s="99"><v>5</v></c></row></sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (build_bomb(), "too large when unpacked"),
        (replace_part("xl/workbook.xml", ENTITIES), "can't be read"),
        (replace_part("xl/worksheets/sheet1.xml", NO_FORMAT), "can't be read"),
        (b"PK\x03\x04 and no more", "can't be read"),
        (b"%PDF-1.7\x00\x01", "neither CSV nor"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 20, "neither CSV nor"),
        (b"\xff\xfea", "neither CSV nor"),
        (b"a" * (row_files.MOST_BYTES + 1), "larger than 25 MB"),
        (b'"' * 300_000, "quotation mark"),
        (b'a,b\n"c,d\ne,f\n', "Row 2: It can't be read. Look for a quotation mark"),
    ],
    ids=["bomb", "entities", "no format", "cut", "pdf", "xls", "odd", "huge", "quotes", "open quote"],
)
def test_what_is_no_list_is_refused_in_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(RowsRefused, match=sentence):
        read(content)


def test_no_file_of_the_server_is_read_into_it() -> None:
    with pytest.raises(RowsRefused, match="can't be read"):
        read(replace_part("xl/worksheets/sheet1.xml", SECRET))


@pytest.mark.parametrize("content", [b"", b"\n , ,\n"])
def test_without_rows_there_is_nothing(content: bytes) -> None:
    assert read(content) == []


def test_columns_are_found_by_their_headings_and_a_half_named_head_is_refused() -> None:
    rows = [(1, ["Name", "Note", "Phase"]), (2, ["Walls", "x", "03-30"]), (3, ["Alone"])]
    assert read_columns(rows, COLUMNS) == [(2, ["03-30", "Walls"]), (3, ["", "Alone"])]
    assert read_columns(rows[1:], COLUMNS) == rows[1:]
    with pytest.raises(RowsRefused, match="Row 1: Name one column name"):
        read_columns([(1, ["Code", "Title"]), *rows[1:]], COLUMNS)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12))
def test_what_was_written_against_formulas_is_read_as_it_was(text: str) -> None:
    assert parse_cell(clean_cell(text)) == text
    assert not clean_cell(text).startswith(FORMULA_PREFIXES)
