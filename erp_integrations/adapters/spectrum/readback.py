"""Reading subcontracts back through Info-Link, the site's read-only database.

The ``_MC`` tables hold every company of a site, so each question names the company. Identifiers
come back padded with blanks; numbers are compared as decimals, and lines as a set by their key.
Source: docs/spectrum.md, section 5.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    MetaData,
    Select,
    Table,
    create_engine,
    false,
    func,
    literal_column,
    select,
)
from sqlalchemy.engine import Connection, Engine, RowMapping, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.functions import Function

from erp_integrations.adapters.base import (
    Absent,
    BilledLine,
    Billing,
    Call,
    CannotTell,
    Difference,
    DifferenceKind,
    Differs,
    Element,
    FilledIn,
    Inspection,
    Key,
    Match,
    MovedRecord,
    StoredRecord,
    ValueKind,
)
from erp_integrations.adapters.spectrum.fields import Field, Kind, written_date
from erp_integrations.adapters.spectrum.layouts import (
    LAYOUTS,
    SUBCONTRACT_NOTES,
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
)
from erp_integrations.adapters.spectrum.settings import RetentionRule

_KEY = ("Company_Code", "Vendor_Code", "Subcontract_Number")
_LINE_KEY = ("Phase_Code", "Cost_Type", "Bid_Item_Number")
_HALF_OF_A_COMMENT = 60
# What of a record was invoiced and paid, by what we call it; a site's release may lack the columns.
_BILLED = {
    "billed": "Total_Billed",
    "paid": "Total_Paid",
    "retention_held": "Retention_Balance",
    "balance": "Total_Balance",
}
_BILLED_AMOUNT, _BILLED_QUANTITY = "Amount_Billed_To_Date", "Quantity_Billed_To_Date"
OPTIONAL = {"optional": True}
"""Marks a column that a site's release may lack."""
# From so many on it is no coincidence that none of them is there, and nothing else of the company.
_MANY = 10

Found = TypeVar("Found")

_metadata = MetaData()
# Columns have no types here: drivers differ in what they give for decimals and dates, `_plain` in nothing.
SUBCONTRACTS = Table(
    "VN_SUBCONTRACT_MC",
    _metadata,
    *(
        Column(name)
        for name in (
            *_KEY,
            *("Job_Number", "Status_Code", "Contract_Type", "Comment_1", "Comment_2", "Original_Amount"),
            *("Retention_Percent", "GL_Account", "Date_Issued"),
        )
    ),
    *(Column(name, info=OPTIONAL) for name in ("Unit_Price_Flag", *_BILLED.values())),
)
LINES = Table(
    "VN_SUBCONTRACT_PHASE_MC",
    _metadata,
    *(
        Column(name)
        for name in (
            *_KEY,
            *_LINE_KEY,
            *("Bill_Description", "Unit_Of_Measure", "Unit_Price", "Original_Contract_Quantity"),
            *("Original_Contract_Amount", "Retention_Flag"),
        )
    ),
    *(Column(name, info=OPTIONAL) for name in (_BILLED_AMOUNT, _BILLED_QUANTITY)),
)


def rows_of(table: Table, key: Key) -> Select[Any]:
    """The question for everything that a table holds under a key, in whatever case and padding."""
    wanted = zip(_KEY, (key.company_code, key.vendor_code, key.erp_id), strict=True)
    return select(table).where(*(_normal(table.c[name]) == value for name, value in wanted))


def rows_of_many(table: Table, keys: Sequence[Key]) -> Select[Any]:
    """The question for everything that a table holds under some keys of one company, and a little more.

    SQL Server compares no pairs, so vendors and numbers are asked for apart: what is stored under
    another pairing of them comes too, and is for the reader to leave out. It takes at most 2,100
    parameters; there is one for each vendor and each number.
    """
    vendors = sorted({key.vendor_code for key in keys})
    numbers = sorted({key.erp_id for key in keys})
    (company_code,) = {key.company_code for key in keys}
    return select(table).where(
        _normal(table.c.Company_Code) == company_code,
        _normal(table.c.Vendor_Code).in_(vendors),
        _normal(table.c.Subcontract_Number).in_(numbers),
    )


def records_of_jobs(company_code: str, jobs: Sequence[str]) -> Select[Any]:
    """The question for the headers of some jobs of one company."""
    return select(SUBCONTRACTS).where(
        _normal(SUBCONTRACTS.c.Company_Code) == company_code, _normal(SUBCONTRACTS.c.Job_Number).in_(jobs)
    )


def lines_of_jobs(company_code: str, jobs: Sequence[str]) -> Select[Any]:
    """The question for the lines of the records of some jobs of one company."""
    same_record = (SUBCONTRACTS.c[name] == LINES.c[name] for name in _KEY)
    headers = records_of_jobs(company_code, jobs).with_only_columns(SUBCONTRACTS.c.Company_Code)
    return select(LINES).where(
        _normal(LINES.c.Company_Code) == company_code, headers.where(*same_record).correlate(LINES).exists()
    )


def any_row_of(table: Table, company_code: str) -> Select[Any]:
    """The question whether a table holds anything of a company."""
    return select(func.count()).select_from(table).where(_normal(table.c.Company_Code) == company_code)


def _normal(column: Column[Any]) -> Function[Any]:
    # LTRIM and RTRIM: SQL Server knows TRIM only since 2017.
    return func.upper(func.ltrim(func.rtrim(column)))


@dataclass(frozen=True, slots=True)
class InfoLink:
    """One site's database. ``url`` is SQLAlchemy's and may hold a password; times are seconds.

    ``scan_timeout`` is for a question about many records, which reads whole tables. Raises nothing
    of the database's, and tells none of its secrets.
    """

    url: str = field(repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 10.0
    scan_timeout: float = 60.0

    def find(self, key: Key) -> StoredRecord | Absent | CannotTell:
        """What is stored under the key."""
        return self._read(lambda connection: _record(connection, key), self.read_timeout)

    def find_many(self, keys: Sequence[Key]) -> Mapping[Key, StoredRecord] | CannotTell:
        """What is stored under some keys of one company; a key that is not in the answer is absent.

        Two questions over one connection, however many keys. Where nothing at all is shown of a
        company of which much is looked for, the database is being loaded: nobody can tell then.
        """
        return self._read(lambda connection: _records(connection, keys), self.scan_timeout)

    def find_elsewhere(
        self, plans: Sequence[tuple[Call, ...]]
    ) -> Sequence[tuple[MovedRecord, ...]] | CannotTell:
        """Which records are some plans', or may be, under another key: two questions, by job."""
        timeout = self.scan_timeout if len(plans) > 1 else self.read_timeout
        return self._read(lambda connection: _elsewhere(connection, plans), timeout)

    def _read(self, look: Callable[[Connection], Found], timeout: float) -> Found | CannotTell:
        try:
            with self._engine(timeout).connect() as connection:
                return look(connection)
        except (SQLAlchemyError, ImportError, InvalidOperation, ValueError) as error:
            _columns.clear()  # perhaps a site's release has dropped some
            return CannotTell(f"Spectrum's read-only database could not be read ({type(error).__name__}).")

    def ask(self, *questions: tuple[Table, Select[Any]]) -> list[list[RowMapping]] | CannotTell:
        """All rows that answer each question, over one connection. One alone may read a whole table."""
        return self._read(
            lambda connection: [list(_rows(connection, *each)) for each in questions],
            self.scan_timeout if len(questions) == 1 else self.read_timeout,
        )

    def _engine(self, read_timeout: float) -> Engine:
        url = make_url(self.url)
        limits: dict[str, float] = {}
        if url.get_backend_name() == "mssql":
            limits = {"login_timeout": round(self.connect_timeout), "timeout": round(read_timeout)}
        elif url.get_backend_name() == "sqlite":
            limits = {"timeout": read_timeout}
        # Nothing is kept open: reads are rare, and a firewall drops what idles.
        return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=limits)


def compare(
    calls: tuple[Call, ...], record: StoredRecord, rule: RetentionRule = RetentionRule.RETAINAGE
) -> Match | Differs:
    """Hold what was sent against what is stored.

    What was sent blank is Spectrum's to fill: it is told, and is no difference, but for a line on which
    nothing is withheld under a percentage. A line that is stored and was not sent is a difference too:
    nobody else writes into a subcontract of ours.
    """
    seen = inspect(calls, record)
    found: list[Difference] = []
    for call, differences in zip(calls, seen.calls, strict=True):
        missing = Difference(call.title, "", "the line", "nothing", DifferenceKind.MISSING)
        found += [missing] if differences is None else differences
    left = without_retention_flag(calls, rule)
    found += (
        Difference(each.title, each.name, "a blank", f"{each.value} (retention is not withheld on this line)")
        for each in seen.filled
        if each.name == "Retention_Flag" and each.title in left and _code(each.value) == "N"
    )
    found += seen.others
    figures = billing(calls, record)
    if found:
        return Differs(tuple(found), seen.filled, figures)
    return Match(seen.filled, figures)


def without_retention_flag(calls: Sequence[Call], rule: RetentionRule) -> frozenset[str]:
    """The titles of the lines that leave retention to Spectrum, though the header has a percentage of it."""
    if rule is RetentionRule.NEVER or not _decimal(calls[0].payload, "Retention_Percent"):
        return frozenset()
    lines = (call for call in calls if _is_line(call))
    return frozenset(call.title for call in lines if not call.payload.get("Retention_Flag", "").strip())


def billing(calls: tuple[Call, ...], record: StoredRecord) -> Billing:
    """What was invoiced and paid; nothing where the site's columns are absent or blank."""
    lines = []
    for call in calls:
        stored = record.lines.get(_stored_key(call, record.lines)) if _is_line(call) else None
        if stored is not None and (amount := _decimal(stored, _BILLED_AMOUNT)):
            lines.append(BilledLine(call.title, amount, _decimal(stored, _BILLED_QUANTITY)))
    totals = {name: _decimal(record.header, column) for name, column in _BILLED.items()}
    return Billing(**totals, lines=tuple(lines))


def matching(calls: tuple[Call, ...], key: Key, record: StoredRecord) -> MovedRecord | None:
    """The record as one that a plan stands in, or may stand in; None where nothing speaks for it.

    Every vendor has a number 001, and every job has many subcontracts: the job must be the plan's. It is
    certain by lines of the same key and amount: where all of one side are found on the other, or the
    number is the plan's too. A plan of a header alone (a part of an export) is certain by number and comment
    in a record without lines. As people change records, any likeness but the number alone makes it possible.
    """
    header, lines = calls[0].payload, [call for call in calls if _is_line(call)]
    if _code(record.header["Job_Number"]) != _code(header["Job_Number"]):
        return None
    unmatched = dict(record.lines)
    phases: dict[str, str] = {}
    for call in lines:
        stored_at = _stored_key(call, unmatched)
        stored = unmatched.get(stored_at)
        if stored is None or not _same_amount(call, stored):
            continue
        del unmatched[stored_at]
        if stored_at[0] != (phase := _code(call.payload["Phase_Code"])):
            phases[phase] = stored_at[0]
    matched = len(record.lines) - len(unmatched)
    same_number = key.erp_id == _code(header["Subcontract_Number"])
    same_comment = (comment := header["Comment"].strip()) == record.header["Comment"]
    if not lines:
        named = key.vendor_code == _code(header["Vendor_Code"]) or (same_comment and comment)
        is_certain = not record.lines and same_number and bool(named)
        same_total = bool(comment)  # nothing is known to be written of it but its header
    else:
        is_certain = bool(matched) and (matched == len(lines) or not unmatched or same_number)
        same_total = _total(call.payload for call in lines) == _total(record.lines.values())
    likenesses = {
        f"{matched} of {len(lines)} lines": matched,
        # Many contracts of a job have one line of a cost code.
        "the same cost codes": lines
        and {_stored_key(call, record.lines) for call in lines} == {*record.lines}
        and (same_number or key.vendor_code == _code(header["Vendor_Code"])),
        "the same comment and total" if lines else "the same comment": same_comment and same_total,
    }
    alike = " and ".join(likeness for likeness, holds in likenesses.items() if holds)
    alike += " and the same number" if alike and same_number else ""  # alone it says nothing
    if not (is_certain or alike):
        return None
    return MovedRecord(key, record, matched, len(lines), phases, "" if is_certain else alike)


def _total(lines: Iterable[Mapping[str, str]]) -> Decimal:
    return sum((_decimal(line, "Original_Contract_Amount") or Decimal() for line in lines), Decimal())


def moved(calls: tuple[Call, ...], record: MovedRecord) -> tuple[Call, ...]:
    """The same calls, with the record's vendor and number, and the phases that were expanded."""
    changed = {"Vendor_Code": record.key.vendor_code, "Subcontract_Number": record.key.erp_id}

    def renamed(element: Element) -> Element:
        if element.name == "Phase_Code":
            return replace(element, value=record.phases.get(_code(element.value), element.value))
        return replace(element, value=changed.get(element.name, element.value))

    return tuple(replace(call, elements=tuple(map(renamed, call.elements))) for call in calls)


def inspect(calls: tuple[Call, ...], record: StoredRecord) -> Inspection:
    """What is stored of each call, and the lines that are stored besides."""
    unsent = dict(record.lines)
    held: list[tuple[Difference, ...] | None] = []
    filled: list[FilledIn] = []
    for call in calls:
        if call.method == SUBCONTRACT_NOTES.method:
            held.append(())  # of a note nothing is shown, so nothing can differ
            continue
        if call.method == UPDATE_SUBCONTRACT.method:
            stored: Mapping[str, str] | None = record.header
        else:
            stored = unsent.pop(_stored_key(call, unsent), None)
        held.append(None if stored is None else tuple(_differences(call, stored)))
        filled += _filled(call, stored or {})
    others = (
        Difference(
            "Another line",
            "",
            "nothing",
            f"{' '.join(filter(None, key))}, {line['Original_Contract_Amount']}",
            DifferenceKind.EXTRA,
        )
        for key, line in unsent.items()
    )
    return Inspection(tuple(held), tuple(others), tuple(filled))


def part_of(call: Call) -> tuple[str, ...]:
    """The header, the note, or a line by its key within the subcontract."""
    if call.method != UPDATE_SUBCONTRACT_PHASES.method:
        return (call.method,)
    return (call.method, *(call.payload[name].strip().upper() for name in _LINE_KEY))


def _stored_key(call: Call, stored: Mapping[tuple[str, ...], Mapping[str, str]]) -> tuple[str, ...]:
    """The key under which a line is stored: a blank billing item was filled from the phase's, and
    people may have expanded the phases with zeros; then the amount must be the line's."""
    phase, cost_type, item = exact = part_of(call)[1:]
    if exact in stored:
        return exact
    same = [key for key in sorted(stored) if key[1] == cost_type and item in ("", key[2])]
    expanded = (key for key in same if _is_expanded(phase, key[0]) and _same_amount(call, stored[key]))
    return next(chain((key for key in same if key[0] == phase), expanded), exact)


def _is_expanded(phase: str, stored: str) -> bool:
    """Whether a stored phase is one of ours with zeros put in."""
    following = iter(stored)
    return stored.replace("0", "") == phase.replace("0", "") and all(each in following for each in phase)


def _same_amount(call: Call, stored: Mapping[str, str]) -> bool:
    sent = _decimal(call.payload, "Original_Contract_Amount")
    return sent is not None and sent == _decimal(stored, "Original_Contract_Amount")


def _is_line(call: Call) -> bool:
    return call.method == UPDATE_SUBCONTRACT_PHASES.method


def _code(value: str) -> str:
    return value.strip().upper()


def _decimal(stored: Mapping[str, str], column: str) -> Decimal | None:
    try:
        return Decimal(stored.get(column, ""))
    except InvalidOperation:
        return None


def _differences(call: Call, stored: Mapping[str, str]) -> Iterator[Difference]:
    layout = LAYOUTS[call.method]
    for element in call.elements:
        if element.name not in stored or not element.value.strip():
            continue
        field_, value = layout[element.name], stored[element.name]
        if _comparable(field_, element.value) != _comparable(field_, value):
            # A line that was found under another phase is there: its phase was expanded.
            kind = DifferenceKind.MOVED if element.name == "Phase_Code" else DifferenceKind.CHANGED
            yield Difference(call.title, element.name, element.value, value, kind, _value_kind(field_))


def _filled(call: Call, stored: Mapping[str, str]) -> Iterator[FilledIn]:
    """What stands where nothing was sent; a number that is zero is nothing."""
    layout = LAYOUTS[call.method]
    for element in call.elements:
        value = stored.get(element.name, "").strip()
        if not element.value.strip() and value and _comparable(layout[element.name], value) != 0:
            yield FilledIn(call.title, element.name, value)


def _value_kind(field_: Field) -> ValueKind:
    if field_.kind is Kind.DATE:
        return ValueKind.DATE
    # A number without decimals may be an account, whose first zeros count.
    return ValueKind.NUMBER if field_.decimals else ValueKind.TEXT


def _comparable(field_: Field, value: str) -> str | Decimal:
    if field_.kind is Kind.NUMBER:
        try:
            return Decimal(value)
        except InvalidOperation:
            return value.strip()
    return value.strip().upper() if field_.key else value.strip()


def _record(connection: Connection, key: Key) -> StoredRecord | Absent:
    header = next(iter(_rows(connection, SUBCONTRACTS, rows_of(SUBCONTRACTS, key))), None)
    if header is None:
        return Absent()
    lines = _rows(connection, LINES, rows_of(LINES, key))
    return StoredRecord(_plain_header(header), {_line_key(line): _plain_row(line) for line in lines})


def _records(connection: Connection, keys: Sequence[Key]) -> Mapping[Key, StoredRecord] | CannotTell:
    wanted = frozenset(keys)
    headers: dict[Key, dict[str, str]] = {}
    lines: dict[Key, dict[tuple[str, ...], Mapping[str, str]]] = {}
    # Row by row: what is under another pairing of vendor and number is never held.
    for row in _rows(connection, SUBCONTRACTS, rows_of_many(SUBCONTRACTS, keys)):
        if (key := _key(row)) in wanted:
            headers.setdefault(key, _plain_header(row))
    for row in _rows(connection, LINES, rows_of_many(LINES, keys)):
        if (key := _key(row)) in headers:
            lines.setdefault(key, {})[_line_key(row)] = _plain_row(row)
    for table, sought, seen in ((SUBCONTRACTS, wanted, headers), (LINES, headers, lines)):
        (company_code,) = {key.company_code for key in keys}
        question = any_row_of(table, company_code)
        if len(sought) >= _MANY and not seen and not connection.execute(question).scalar_one():
            return CannotTell(f"Spectrum's read-only database shows nothing of company {company_code}.")
    return {key: StoredRecord(header, lines.get(key, {})) for key, header in headers.items()}


def _elsewhere(
    connection: Connection, plans: Sequence[tuple[Call, ...]]
) -> Sequence[tuple[MovedRecord, ...]]:
    """By job, which is never another one; held are the records of the jobs that are asked for."""
    headers = [plan[0].payload for plan in plans]
    jobs = sorted({_code(header["Job_Number"]) for header in headers})
    (company_code,) = {_code(header["Company_Code"]) for header in headers}
    records: dict[Key, StoredRecord] = {}
    lines: dict[Key, dict[tuple[str, ...], Mapping[str, str]]] = {}
    for row in _rows(connection, SUBCONTRACTS, records_of_jobs(company_code, jobs)):
        records[_key(row)] = StoredRecord(_plain_header(row), lines.setdefault(_key(row), {}))
    for row in _rows(connection, LINES, lines_of_jobs(company_code, jobs)):
        lines.get(_key(row), {})[_line_key(row)] = _plain_row(row)
    by_job: dict[str, list[Key]] = {}
    for key, record in records.items():
        by_job.setdefault(_code(record.header["Job_Number"]), []).append(key)
    found = []
    for plan, header in zip(plans, headers, strict=True):
        own = Key.of(*(header[name] for name in _KEY))
        others = (key for key in by_job.get(_code(header["Job_Number"]), ()) if key != own)
        hits = (matching(plan, key, records[key]) for key in others)
        found.append(tuple(hit for hit in hits if hit is not None))
    return found


_columns: dict[tuple[str, str], list[Column[Any]]] = {}
"""The columns that a site's tables have, by address and table; read once by each process."""


def _rows(connection: Connection, table: Table, question: Select[Any]) -> Iterable[RowMapping]:
    """What answers a question, without the columns that the site's release lacks."""
    place = (str(connection.engine.url), table.name)
    if place not in _columns:
        none: Select[Any] = select(literal_column("*")).select_from(table).where(false())
        there = {name.upper() for name in connection.execute(none).keys()}  # noqa: SIM118  (not its rows)
        _columns[place] = [c for c in table.c if not c.info or c.name.upper() in there]
    return connection.execute(question.with_only_columns(*_columns[place])).mappings()


def _key(row: Mapping[Any, Any]) -> Key:
    return Key.of(*(_plain(name, row[name]) for name in _KEY))


def _plain_header(row: Mapping[Any, Any]) -> dict[str, str]:
    plain = _plain_row(row)
    first, second = row["Comment_1"] or "", row["Comment_2"] or ""
    # A first half that ended in blanks may have lost them.
    plain["Comment"] = (first.ljust(_HALF_OF_A_COMMENT) + second if second else first).strip()
    return plain


def _line_key(line: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(_plain(name, line[name]).upper() for name in _LINE_KEY)


def _plain_row(row: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): _plain(str(name), value) for name, value in row.items()}


def _plain(name: str, value: object) -> str:
    """A column as it would be written in a call, whatever its driver made of it."""
    if value is None:
        return ""
    if name == "Date_Issued":
        try:
            return written_date(
                value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])
            )
        except ValueError:
            return str(value).strip()  # no date at all: it shows as a difference, and stops nobody else
    if isinstance(value, Decimal | float | int):
        # At most thirteen digits, so that a float's shortest text is the number itself.
        return f"{Decimal(str(value)):f}"
    return str(value).strip()
