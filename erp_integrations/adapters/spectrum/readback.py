"""Reading subcontracts back through Info-Link, the site's read-only database.

The ``_MC`` tables hold every company of a site, so each question names the company. Identifiers
come back padded with blanks; numbers are compared as decimals, and lines as a set by their key.
Source: "Reading back" in ``docs/spectrum.md``.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from sqlalchemy import Column, MetaData, Select, Table, create_engine, func, select
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.functions import Function

from erp_integrations.adapters.base import (
    Absent,
    Call,
    CannotTell,
    Difference,
    DifferenceKind,
    Differs,
    Inspection,
    Key,
    Match,
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

_KEY = ("Company_Code", "Vendor_Code", "Subcontract_Number")
_LINE_KEY = ("Phase_Code", "Cost_Type", "Bid_Item_Number")
_HALF_OF_A_COMMENT = 60
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

    def _read(self, look: Callable[[Connection], Found], timeout: float) -> Found | CannotTell:
        try:
            with self._engine(timeout).connect() as connection:
                return look(connection)
        except (SQLAlchemyError, ImportError, InvalidOperation, ValueError) as error:
            return CannotTell(f"Spectrum's read-only database could not be read ({type(error).__name__}).")

    def ask(self, *questions: Select[Any]) -> list[Sequence[Mapping[Any, Any]]] | CannotTell:
        """All rows that answer each question, over one connection. One alone may read a whole table."""
        return self._read(
            lambda connection: [connection.execute(each).mappings().all() for each in questions],
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


def compare(calls: tuple[Call, ...], record: StoredRecord) -> Match | Differs:
    """Hold what was sent against what is stored.

    What was sent blank is Spectrum's to fill and is not compared. A line that is stored and was
    not sent is a difference too: nobody else writes into a subcontract of ours.
    """
    seen = inspect(calls, record)
    found: list[Difference] = []
    for call, differences in zip(calls, seen.calls, strict=True):
        missing = Difference(call.title, "", "the line", "nothing", DifferenceKind.MISSING)
        found += [missing] if differences is None else differences
    found += seen.others
    return Differs(tuple(found)) if found else Match()


def inspect(calls: tuple[Call, ...], record: StoredRecord) -> Inspection:
    """What is stored of each call, and the lines that are stored besides."""
    unsent = dict(record.lines)
    held: list[tuple[Difference, ...] | None] = []
    for call in calls:
        if call.method == SUBCONTRACT_NOTES.method:
            held.append(())  # of a note nothing is shown, so nothing can differ
            continue
        if call.method == UPDATE_SUBCONTRACT.method:
            stored: Mapping[str, str] | None = record.header
        else:
            stored = unsent.pop(_stored_key(call, unsent), None)
        held.append(None if stored is None else tuple(_differences(call, stored)))
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
    return Inspection(tuple(held), tuple(others))


def part_of(call: Call) -> tuple[str, ...]:
    """The header, the note, or a line by its key within the subcontract."""
    if call.method != UPDATE_SUBCONTRACT_PHASES.method:
        return (call.method,)
    return (call.method, *(call.payload[name].strip().upper() for name in _LINE_KEY))


def _stored_key(call: Call, stored: Mapping[tuple[str, ...], object]) -> tuple[str, ...]:
    """The key under which a line is stored: a blank billing item was filled from the phase's."""
    phase, cost_type, item = (call.payload[name].strip().upper() for name in _LINE_KEY)
    exact = (phase, cost_type, item)
    if exact in stored or item:
        return exact
    return next((key for key in sorted(stored) if key[:2] == exact[:2]), exact)


def _differences(call: Call, stored: Mapping[str, str]) -> Iterator[Difference]:
    layout = LAYOUTS[call.method]
    for element in call.elements:
        if element.name not in stored or not element.value.strip():
            continue
        field_, value = layout[element.name], stored[element.name]
        if _comparable(field_, element.value) != _comparable(field_, value):
            yield Difference(call.title, element.name, element.value, value, value_kind=_value_kind(field_))


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
    header = connection.execute(rows_of(SUBCONTRACTS, key)).mappings().first()
    if header is None:
        return Absent()
    lines = connection.execute(rows_of(LINES, key)).mappings().all()
    return StoredRecord(_plain_header(header), {_line_key(line): _plain_row(line) for line in lines})


def _records(connection: Connection, keys: Sequence[Key]) -> Mapping[Key, StoredRecord] | CannotTell:
    wanted = frozenset(keys)
    headers: dict[Key, dict[str, str]] = {}
    lines: dict[Key, dict[tuple[str, ...], Mapping[str, str]]] = {}
    # Row by row: what is under another pairing of vendor and number is never held.
    for row in connection.execute(rows_of_many(SUBCONTRACTS, keys)).mappings():
        if (key := _key(row)) in wanted:
            headers.setdefault(key, _plain_header(row))
    for row in connection.execute(rows_of_many(LINES, keys)).mappings():
        if (key := _key(row)) in headers:
            lines.setdefault(key, {})[_line_key(row)] = _plain_row(row)
    for table, sought, seen in ((SUBCONTRACTS, wanted, headers), (LINES, headers, lines)):
        (company_code,) = {key.company_code for key in keys}
        if len(sought) >= _MANY and not seen and not _holds_any(connection, table, company_code):
            return CannotTell(f"Spectrum's read-only database shows nothing of company {company_code}.")
    return {key: StoredRecord(header, lines.get(key, {})) for key, header in headers.items()}


def _holds_any(connection: Connection, table: Table, company_code: str) -> bool:
    return bool(connection.execute(any_row_of(table, company_code)).scalar_one())


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
