"""Reading subcontracts back through Info-Link, the site's read-only database.

The ``_MC`` tables hold every company of a site, so each question names the company. Identifiers
come back padded with blanks; numbers are compared as decimals, and lines as a set by their key.
Source: "Reading back" in ``docs/spectrum.md``.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Column, MetaData, Select, Table, create_engine, func, select
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from erp_integrations.adapters.base import (
    Absent,
    Call,
    CannotTell,
    Difference,
    Differs,
    Inspection,
    Key,
    Match,
    StoredRecord,
)
from erp_integrations.adapters.spectrum.fields import Field, Kind, written_date
from erp_integrations.adapters.spectrum.layouts import LAYOUTS, UPDATE_SUBCONTRACT

_KEY = ("Company_Code", "Vendor_Code", "Subcontract_Number")
_LINE_KEY = ("Phase_Code", "Cost_Type", "Bid_Item_Number")
_HALF_OF_A_COMMENT = 60

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
    # LTRIM and RTRIM: SQL Server knows TRIM only since 2017.
    return select(table).where(
        *(func.upper(func.ltrim(func.rtrim(table.c[name]))) == value for name, value in wanted)
    )


@dataclass(frozen=True, slots=True)
class InfoLink:
    """One site's database. ``url`` is SQLAlchemy's and may hold a password; times are seconds."""

    url: str = field(repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 10.0

    def find(self, key: Key) -> StoredRecord | Absent | CannotTell:
        """What is stored under the key. Raises nothing of the database's, and tells none of its secrets."""
        try:
            engine = self._engine()
            with engine.connect() as connection:
                return _record(connection, key)
        except (SQLAlchemyError, ImportError, InvalidOperation, ValueError) as error:
            return CannotTell(f"Spectrum's read-only database could not be read ({type(error).__name__}).")

    def _engine(self) -> Engine:
        url = make_url(self.url)
        limits: dict[str, float] = {}
        if url.get_backend_name() == "mssql":
            limits = {"login_timeout": round(self.connect_timeout), "timeout": round(self.read_timeout)}
        elif url.get_backend_name() == "sqlite":
            limits = {"timeout": self.read_timeout}
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
        found += [Difference(call.title, "", "the line", "nothing")] if differences is None else differences
    found += seen.others
    return Differs(tuple(found)) if found else Match()


def inspect(calls: tuple[Call, ...], record: StoredRecord) -> Inspection:
    """What is stored of each call, and the lines that are stored besides."""
    unsent = dict(record.lines)
    held: list[tuple[Difference, ...] | None] = []
    for call in calls:
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
        )
        for key, line in unsent.items()
    )
    return Inspection(tuple(held), tuple(others))


def part_of(call: Call) -> tuple[str, ...]:
    """The header, or a line by its key within the subcontract."""
    if call.method == UPDATE_SUBCONTRACT.method:
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
            yield Difference(call.title, element.name, element.value, value)


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
    plain = _plain_row(header)
    first, second = header["Comment_1"] or "", header["Comment_2"] or ""
    # A first half that ended in blanks may have lost them.
    plain["Comment"] = (first.ljust(_HALF_OF_A_COMMENT) + second if second else first).strip()
    return StoredRecord(plain, {_line_key(line): _plain_row(line) for line in lines})


def _line_key(line: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(_plain(name, line[name]).upper() for name in _LINE_KEY)


def _plain_row(row: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): _plain(str(name), value) for name, value in row.items()}


def _plain(name: str, value: object) -> str:
    """A column as it would be written in a call, whatever its driver made of it."""
    if value is None:
        return ""
    if name == "Date_Issued":
        return written_date(value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10]))
    if isinstance(value, Decimal | float | int):
        # At most thirteen digits, so that a float's shortest text is the number itself.
        return f"{Decimal(str(value)):f}"
    return str(value).strip()
