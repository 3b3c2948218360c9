"""Which column of somebody's table is which of ours: by its heading, and by what stands in it. What can't be
decided is left for the person, who sees all of it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from rapidfuzz import fuzz

from directory.row_files import UNCLEAR, NativeCell, Row, RowsRefused

MOST_ABOVE = 15
"""Rows that may stand above the headings."""
SAMPLE_SIZE = 50
EXACT, KNOWN, LIKE = 100, 80, 90
IGNORED_WORDS = frozenset({"the", "of", "in", "a", "usd", "us", "eur", "cad", "percent"})
WORDS = {
    each: word
    for word, others in {
        "number": "no nr num nbr # id",
        "description": "desc descr",
        "quantity": "qty quant",
        "unit": "uom um",
        "retainage": "ret retention",
        "amount": "amt value val",
        "code": "cd",
        "project": "proj job",
        "contract": "subcontract subk commitment agreement po sc order",
        "vendor": "subcontractor contractor supplier payee",
        "date": "dt",
        "start": "begin commencement",
        "completion": "end finish",
        "issue": "issued",
        "executed": "signed execution",
    }.items()
    for each in others.split()
}
"""One for all that mean the same in a heading."""
FIGURE = re.compile(r"[\s$€£A-Z(-]*\d[\d.,'’\s]*[\s$€£A-Z)%-]*|[-–—]")
DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].*)?|(?:19|20)\d{6}|.*[A-Za-z]{3,}.*\d{4}")
FITS = {"figure": (FIGURE, Decimal), "day": (DAY, date), "text": (re.compile(".*", re.DOTALL), object)}


@dataclass(frozen=True)
class Column:
    """One of ours. ``headings`` are what people call it besides its label, with commas between them."""

    name: str
    label: str
    headings: str = ""
    kind: str = "text"
    is_needed: bool = False
    values: Collection[str] = ()
    """Without regard to case; a column with others is another one."""

    @property
    def names(self) -> set[tuple[str, ...]]:
        return {parse_heading(each) for each in (self.label, *self.headings.split(","))} - {()}


@dataclass(frozen=True)
class Table:
    """The table that a file's first rows begin. ``head`` is the number of the row of its headings, 0 where it
    has none; ``places`` are those of our columns, by name.
    """

    head: int
    headings: list[str]
    samples: list[list[str]]
    places: Mapping[str, int] = field(default_factory=dict)

    def list_columns(self) -> list[tuple[int, str, list[str], str]]:
        """Of each its place, its heading, some of what stands in it, and the name of ours."""
        names = {place: name for name, place in self.places.items()}
        shown = [
            (place, heading or f"Column {place + 1}", get_sample(self.samples, place), names.get(place, ""))
            for place, heading in enumerate(self.headings)
        ]
        return [each for each in shown if self.headings[each[0]] or each[2]]

    def list_rows(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Those below its head, and not the head again, as a file for print has it on each page."""
        first = self.headings_as_written
        return (row for row in rows if row[0] > self.head and row[1] != first)

    headings_as_written: list[str] = field(default_factory=list)


def parse_heading(text: str) -> tuple[str, ...]:
    """The words that count, in one order and written one way; units in brackets don't."""
    text = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", text) if re.sub(r"\(.*?\)|\[.*?\]|\W", "", text) else text
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold().replace("e-mail", "email")
    words = [re.sub(r"(?<=...)s$", "", each) for each in re.findall(r"#|[^\W_]+", text)]
    return tuple(sorted({WORDS.get(each, each) for each in words} - IGNORED_WORDS))


def find_table(
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    known: Mapping[str, Collection[str]] | None = None,
    remembered: Mapping[str, str] | None = None,
    most_above: int = MOST_ABOVE,
) -> Table:
    """``known`` are a column's possible values without regard to case, ``remembered`` the columns of headings
    as a person chose them before. Among the first rows the head is the one that names most columns; one that
    names a single one has nothing but a title above it.
    """
    names = {each.name: each.names for each in columns}
    above: list[str] = []
    best, found = 0, Table(0, [""] * max((len(row) for _, row in rows), default=0), [])
    is_title = True
    for number, row in rows[: most_above + 1]:
        headings = [find_heading(cell, get_group(above, place), names) for place, cell in enumerate(row)]
        words = list(map(parse_heading, headings))
        count = sum(any(each in known_names for each in words) for known_names in names.values())
        if count > best and (count > 1 or (len(columns) < 3 and is_title)):
            width = max(len(each) for _, each in rows)
            best = count
            found = Table(number, headings + [""] * (width - len(headings)), [], headings_as_written=row)
        above, is_title = row, is_title and len(list(filter(None, row))) == 1 < len(columns)
    if most_above and not best and rows and is_head(rows[0][1], [row for _, row in rows[1:]]):
        number, row = rows[0]
        found = Table(number, row + [""] * (len(found.headings) - len(row)), [], headings_as_written=row)
    samples = [row for number, row in rows if number > found.head and row != found.headings_as_written]
    found = replace(found, samples=samples[:SAMPLE_SIZE])
    return replace(found, places=match_columns(found, columns, known or {}, remembered or {}))


def is_head(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """It names other things than ours: words alone, over a column of figures or days."""
    samples = (get_sample(below, place, SAMPLE_SIZE) for place in range(len(row)))
    figures = Column("", "", kind="figure")
    has_figures = any(sample and has_kind(figures, sample) for sample in samples)
    return has_figures and len(set(row)) == len(row) and not any(re.search(r"\d|^$", each) for each in row)


def find_heading(cell: str, group: str, names: Mapping[str, set[tuple[str, ...]]]) -> str:
    """With the heading that is merged over several, where the two together name a column."""
    together = f"{group} {cell}" if group and cell else cell
    is_name = any(parse_heading(together) in each for each in names.values())
    return together if is_name else cell


def get_group(above: Sequence[str], place: int) -> str:
    return next((each for each in reversed(above[: place + 1]) if each), "") if len(above) > 1 else ""


def match_columns(
    table: Table,
    columns: Sequence[Column],
    known: Mapping[str, Collection[str]],
    remembered: Mapping[str, str],
) -> dict[str, int]:
    """Each of ours once, the surest first. Of two that are as sure the left one is taken; where figures stand
    in them none is, as one amount is not the other.
    """
    sure: list[tuple[float, int, Column]] = []
    for place, heading in enumerate(table.headings):
        key = " ".join(parse_heading(heading))
        for column in columns:
            sample = get_sample(table.samples, place, SAMPLE_SIZE)
            fits = has_kind(column, sample)
            if key and key in remembered:
                score = 2.0 * EXACT if remembered[key] == column.name else 0
            elif fits:
                score = max(match_heading(key, column), match_values(sample, known.get(column.name, ())))
            else:  # what is called so is shown with its problems, unless another column is it
                score = 0 if column.values or column.kind == "text" else match_heading(key, column) / 2
            if score:
                sure.append((-score, place, column))
    places: dict[str, int] = {}
    equal = Counter((score, column.name) for score, _, column in sure if column.kind == "figure")
    for score, place, column in sorted(sure, key=lambda each: each[:2]):
        if column.name not in places and place not in places.values() and equal[score, column.name] < 2:
            places[column.name] = place
    return places


def match_heading(key: str, column: Column) -> float:
    """100 where it is one of its names, less where it is spelled nearly so."""
    names = [" ".join(each) for each in column.names]
    if key in names:
        return EXACT
    likeness = max(fuzz.ratio(key, each) for each in names)
    return likeness - 1 if len(key) > 5 and likeness >= LIKE else 0


def match_values(sample: Sequence[str], known: Collection[str]) -> float:
    """Values that we know say what a column is whatever its heading."""
    hits = sum(each.casefold() in known for each in sample)
    return KNOWN * hits / len(sample) if hits > 1 and hits >= KNOWN / 100 * len(sample) else 0


def has_kind(column: Column, sample: Sequence[str]) -> bool:
    """Most of it can be read as that, so that a column of words is no amount whatever it is called."""
    pattern, native = FITS[column.kind]
    fitting = [
        isinstance(each.value, native)
        if type(each) is NativeCell and column.kind != "text"
        else bool(pattern.fullmatch(each)) and (not column.values or each.casefold() in column.values)
        for each in sample
    ]
    return sum(fitting) >= 0.6 * len(sample)


def get_sample(samples: Sequence[Sequence[str]], place: int, most: int = 3) -> list[str]:
    cells = (row[place] for row in samples if place < len(row))
    return list(dict.fromkeys(filter(None, cells)))[:most]


def read_columns(rows: Iterable[Row], columns: Sequence[Column]) -> list[Row]:
    """Those that the first row names; all, where it names none. Raises RowsRefused."""
    rows = list(rows)
    table = find_table(rows[:SAMPLE_SIZE], columns, most_above=0)
    if table.head and (missing := [each.label for each in columns if each.name not in table.places]):
        raise RowsRefused(f"Row {table.head}: Name one column {' and one '.join(missing)}.")
    if table.head:
        places = [table.places[each.name] for each in columns]
        below = table.list_rows(rows)
        rows = [(number, [row[at] if at < len(row) else "" for at in places]) for number, row in below]
    problems = [
        f"Row {number}: {UNCLEAR.format(cell)}"
        for number, row in rows
        for cell in row
        if type(cell) is NativeCell
    ]
    if problems:
        raise RowsRefused(*problems)
    return rows
