"""Reading subcontracts back through Info-Link, the site's read-only database.

The ``_MC`` tables hold every company of a site, so each question names the company. Identifiers
come back padded with blanks; numbers are compared as decimals, and lines as a set by their key.
Source: docs/spectrum.md, section 5.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
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

from erp_integrations.adapters.base import (
    BilledLine,
    Billing,
    Call,
    CallComparison,
    Contract,
    Difference,
    DifferenceKind,
    Element,
    FilledValue,
    Key,
    Match,
    Mismatch,
    MovedRecord,
    NotFound,
    OtherJob,
    StoredRecord,
    Unavailable,
    ValueKind,
)
from erp_integrations.adapters.spectrum.field_types import Field, FieldKind, format_date
from erp_integrations.adapters.spectrum.mapping import build_call, is_status
from erp_integrations.adapters.spectrum.service_fields import (
    LAYOUTS,
    SUBCONTRACT_NOTES,
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
    Layout,
)
from erp_integrations.adapters.spectrum.settings import RetentionRule
from erp_integrations.snapshots import LineItem

_KEY = ("Company_Code", "Vendor_Code", "Subcontract_Number")
_LINE_KEY = ("Phase_Code", "Cost_Type", "Bid_Item_Number")
_HALF_OF_A_COMMENT = 60
_STATUSES = {"A": "", "": "", "I": "Inactive", "C": "Complete"}
# What of a record was invoiced and paid, by what we call it; a site's release may lack the columns.
_BILLED = {
    "billed": "Total_Billed",
    "paid": "Total_Paid",
    "retention_held": "Retention_Balance",
    "balance": "Total_Balance",
}
_BILLED_AMOUNT, _BILLED_QUANTITY = "Amount_Billed_To_Date", "Quantity_Billed_To_Date"
# From so many on it is no coincidence that none of them is there, and nothing else of the company.
_SUSPICIOUS_COUNT = 10

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class SubcontractRecord(StoredRecord):
    @property
    def job_number(self) -> str:
        return self.header.get("Job_Number", "")

    @property
    def amount(self) -> str:
        return self.header.get("Original_Amount", "")

    @property
    def line_amounts(self) -> Mapping[tuple[str, ...], str]:
        return {key: line["Original_Contract_Amount"] for key, line in self.lines.items()}


_metadata = MetaData()


def build_table(name: str, *columns: str, optional: Iterable[str] = ()) -> Table:
    """A site's release may lack what is ``optional``."""
    needed: list[Column[Any]] = [Column(column) for column in columns]
    return Table(name, _metadata, *needed, *(Column(column, info={"optional": True}) for column in optional))


# Columns have no types here: drivers differ in what they give for decimals and dates, `_plain` in nothing.
SUBCONTRACTS = build_table(
    "VN_SUBCONTRACT_MC",
    *_KEY,
    *("Job_Number", "Status_Code", "Contract_Type", "Comment_1", "Comment_2", "Original_Amount"),
    *("Retention_Percent", "GL_Account", "Date_Issued"),
    optional=("Unit_Price_Flag", *_BILLED.values()),
)
LINES = build_table(
    "VN_SUBCONTRACT_PHASE_MC",
    *_KEY,
    *_LINE_KEY,
    *("Bill_Description", "Unit_Of_Measure", "Unit_Price", "Original_Contract_Quantity"),
    *("Original_Contract_Amount", "Retention_Flag"),
    optional=(_BILLED_AMOUNT, _BILLED_QUANTITY),
)


def build_conditions(table: Table, **codes: str | Sequence[str]) -> Iterator[ColumnElement[bool]]:
    """That a table's codes are these, in whatever case and padding they are kept."""
    for name, wanted in codes.items():
        # LTRIM and RTRIM: SQL Server knows TRIM only since 2017.
        normal_form = func.upper(func.ltrim(func.rtrim(table.c[name])))
        yield normal_form == wanted if isinstance(wanted, str) else normal_form.in_(wanted)


def build_record_query(table: Table, key: Key) -> Select[Any]:
    """The question for everything that a table holds under a key."""
    return select(table).where(*build_conditions(table, **dict(zip(_KEY, astuple(key), strict=True))))


def build_records_query(table: Table, keys: Sequence[Key]) -> Select[Any]:
    """The question for everything that a table holds under some keys of one company, and a little more.

    SQL Server compares no pairs, so vendors and numbers are asked for apart: what is stored under
    another pairing of them comes too, and is for the reader to leave out. It takes at most 2,100
    parameters; there is one for each vendor and each number.
    """
    vendors = sorted({key.vendor_code for key in keys})
    numbers = sorted({key.erp_id for key in keys})
    (company_code,) = {key.company_code for key in keys}
    codes = dict(zip(_KEY, (company_code, vendors, numbers), strict=True))
    return select(table).where(*build_conditions(table, **codes))


def build_job_headers_query(company_code: str, jobs: Sequence[str]) -> Select[Any]:
    """The question for the headers of some jobs of one company."""
    wanted = build_conditions(SUBCONTRACTS, Company_Code=company_code, Job_Number=jobs)
    return select(SUBCONTRACTS).where(*wanted)


def build_job_lines_query(company_code: str, jobs: Sequence[str]) -> Select[Any]:
    """The question for the lines of the records of some jobs of one company."""
    same_record = (SUBCONTRACTS.c[name] == LINES.c[name] for name in _KEY)
    headers = build_job_headers_query(company_code, jobs).with_only_columns(SUBCONTRACTS.c.Company_Code)
    there = headers.where(*same_record).correlate(LINES).exists()
    return select(LINES).where(*build_conditions(LINES, Company_Code=company_code), there)


def build_count_query(table: Table, company_code: str) -> Select[Any]:
    """The question whether a table holds anything of a company."""
    is_companys = build_conditions(table, Company_Code=company_code)
    return select(func.count()).select_from(table).where(*is_companys)


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

    def find_record(self, key: Key) -> StoredRecord | NotFound | Unavailable:
        return self.read_with_timeout(lambda connection: read_record(connection, key), self.read_timeout)

    def find_records(self, keys: Sequence[Key]) -> Mapping[Key, StoredRecord] | Unavailable:
        """Those under some keys of one company; a key that is not in the answer is absent.

        Two questions over one connection, however many keys. Where nothing at all is shown of a
        company of which much is looked for, the database is being loaded: nobody can tell then.
        """
        return self.read_with_timeout(lambda connection: read_records(connection, keys), self.scan_timeout)

    def find_moved_records(
        self, plans: Sequence[tuple[Call, ...]]
    ) -> Sequence[tuple[MovedRecord, ...]] | Unavailable:
        """Which records are some plans', or may be, under another key: two questions, by job."""
        timeout = self.scan_timeout if len(plans) > 1 else self.read_timeout
        return self.read_with_timeout(lambda connection: read_moved_records(connection, plans), timeout)

    def list_job_records(
        self, company_code: str, jobs: Sequence[str]
    ) -> Mapping[Key, StoredRecord] | Unavailable:
        """The records of some jobs, whatever vendor and number they have."""
        codes = _clean_code(company_code), [_clean_code(job) for job in jobs]
        return self.read_with_timeout(
            lambda connection: read_job_records(connection, *codes), self.scan_timeout
        )

    def read_with_timeout(self, read: Callable[[Connection], Found], timeout: float) -> Found | Unavailable:
        try:
            with self.build_engine(timeout).connect() as connection:
                return read(connection)
        except (SQLAlchemyError, ImportError, InvalidOperation, ValueError) as error:
            _columns.clear()  # perhaps a site's release has dropped some
            return Unavailable(f"Spectrum's read-only database could not be read ({type(error).__name__}).")

    def run_queries(self, *queries: tuple[Table, Select[Any]]) -> list[list[RowMapping]] | Unavailable:
        """All rows that answer each question, over one connection. One alone may read a whole table."""
        return self.read_with_timeout(
            lambda connection: [list(read_rows(connection, *each)) for each in queries],
            self.scan_timeout if len(queries) == 1 else self.read_timeout,
        )

    def build_engine(self, read_timeout: float) -> Engine:
        url = make_url(self.url)
        limits: dict[str, float] = {}
        if url.get_backend_name() == "mssql":
            limits = {"login_timeout": round(self.connect_timeout), "timeout": round(read_timeout)}
        elif url.get_backend_name() == "sqlite":
            limits = {"timeout": read_timeout}
        # Nothing is kept open: reads are rare, and a firewall drops what idles.
        return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=limits)


def compare_record(
    calls: tuple[Call, ...], record: StoredRecord, rule: RetentionRule = RetentionRule.RETAINAGE
) -> Match | Mismatch:
    """Hold what was sent against what is stored.

    What was sent blank is Spectrum's to fill: it is told, and is no difference, but for a line on which
    nothing is withheld under a percentage. A line that is stored and was not sent is a difference too:
    nobody else writes into a subcontract of ours.
    """
    comparison = compare_calls(calls, record)
    mismatches: list[Difference] = []
    for call, differences in zip(calls, comparison.calls, strict=True):
        missing = Difference(call.title, "", "the line", "nothing", DifferenceKind.MISSING)
        mismatches += [missing] if differences is None else differences
    unwithheld_lines = list_unwithheld_lines(calls, rule)
    mismatches += (
        Difference(each.title, each.name, "a blank", f"{each.value} (retention is not withheld on this line)")
        for each in comparison.filled
        if each.name == "Retention_Flag" and each.title in unwithheld_lines and _clean_code(each.value) == "N"
    )
    mismatches += comparison.others
    figures = get_billing(calls, record)
    if mismatches:
        return Mismatch(tuple(mismatches), comparison.filled, figures)
    return Match(comparison.filled, figures)


def list_unwithheld_lines(calls: Sequence[Call], rule: RetentionRule) -> frozenset[str]:
    """The titles of the lines that leave retention to Spectrum, though the header has a percentage of it."""
    if rule is RetentionRule.NEVER or not parse_decimal(calls[0].payload, "Retention_Percent"):
        return frozenset()
    lines = (call for call in calls if _is_line(call))
    return frozenset(call.title for call in lines if not call.payload.get("Retention_Flag", "").strip())


def get_billing(calls: tuple[Call, ...], record: StoredRecord) -> Billing:
    """The figures invoiced and paid; nothing where the site's columns are absent or blank."""
    lines = []
    for call in calls:
        stored = record.lines.get(find_stored_key(call, record.lines)) if _is_line(call) else None
        if stored is not None and (amount := parse_decimal(stored, _BILLED_AMOUNT)):
            lines.append(BilledLine(call.title, amount, parse_decimal(stored, _BILLED_QUANTITY)))
    totals = {name: parse_decimal(record.header, column) for name, column in _BILLED.items()}
    return Billing(**totals, lines=tuple(lines))


def parse_contract(key: Key, record: StoredRecord) -> Contract:
    """Its calls say exactly what is stored. Raises ValueError for a date or a number that is none."""
    header, subcontract = record.header, {"Company_Code": key.company_code, "Vendor_Code": key.vendor_code}
    subcontract["Subcontract_Number"] = key.erp_id

    def build(layout: Layout, title: str, stored: Mapping[str, str]) -> Call:
        values = {**stored, **subcontract}
        return build_call(layout, title, (Element(name, value) for name, value in values.items()))

    def parse_number(stored: Mapping[str, str], name: str) -> Decimal | None:
        if stored.get(name) and parse_decimal(stored, name) is None:
            raise ValueError(f"{name} is {stored[name]}")
        return parse_decimal(stored, name)

    lines, calls = [], [build(UPDATE_SUBCONTRACT, "Subcontract", header)]
    for position, (_, stored) in enumerate(sorted(record.lines.items()), start=1):
        calls.append(build(UPDATE_SUBCONTRACT_PHASES, f"Line {position}", stored))
        lines.append(
            LineItem(
                position=position,
                cost_code=stored["Phase_Code"],
                cost_type=stored["Cost_Type"],
                billing_item=stored["Bid_Item_Number"],
                description=stored["Bill_Description"],
                quantity=parse_number(stored, "Original_Contract_Quantity") or None,
                unit_of_measure=stored["Unit_Of_Measure"],
                unit_cost=parse_number(stored, "Unit_Price") or None,
                amount=parse_number(stored, "Original_Contract_Amount") or Decimal(0),
            )
        )
    issued = header["Date_Issued"]
    return Contract(
        key=key,
        job_number=header["Job_Number"],
        status=_STATUSES.get(header["Status_Code"], header["Status_Code"]),
        title=header["Comment"],
        trade=header["Contract_Type"],
        issue_date=dt.date(int(issued[6:]), int(issued[:2]), int(issued[3:5])) if issued else None,
        retainage=parse_number(header, "Retention_Percent") or Decimal(0),
        amount=parse_number(header, "Original_Amount") or Decimal(0),
        lines=tuple(lines),
        calls=tuple(calls),
    )


def match_record(calls: tuple[Call, ...], key: Key, record: StoredRecord) -> MovedRecord | None:
    """The record as one that a plan stands in, or may stand in; None where nothing speaks for it.

    Every vendor has a number 001, and every job has many subcontracts: the job must be the plan's. It is
    certain by lines of the same key and amount: where all of one side are found on the other, or the
    number is the plan's too. A plan of a header alone (a part of an export) is certain by number and comment
    in a record without lines. As people change records, any likeness but the number alone makes it possible.
    """
    header, lines = calls[0].payload, [call for call in calls if _is_line(call)]
    if _clean_code(record.header["Job_Number"]) != _clean_code(header["Job_Number"]):
        return None
    unmatched = dict(record.lines)
    phases: dict[str, str] = {}
    for call in lines:
        stored_at = find_stored_key(call, unmatched)
        stored = unmatched.get(stored_at)
        if stored is None or not _has_same_amount(call, stored):
            continue
        del unmatched[stored_at]
        if stored_at[0] != (phase := _clean_code(call.payload["Phase_Code"])):
            phases[phase] = stored_at[0]
    matched = len(record.lines) - len(unmatched)
    same_number = key.erp_id == _clean_code(header["Subcontract_Number"])
    same_comment = (comment := header["Comment"].strip()) == record.header["Comment"]
    if not lines:
        named = key.vendor_code == _clean_code(header["Vendor_Code"]) or (same_comment and comment)
        is_certain = not record.lines and same_number and bool(named)
        same_total = bool(comment)  # nothing is known to be written of it but its header
    else:
        is_certain = bool(matched) and (matched == len(lines) or not unmatched or same_number)
        same_total = _get_total(call.payload for call in lines) == _get_total(record.lines.values())
    likenesses = {
        f"{matched} of {len(lines)} lines": matched,
        # Many contracts of a job have one line of a cost code.
        "the same cost codes": lines
        and {find_stored_key(call, record.lines) for call in lines} == {*record.lines}
        and (same_number or key.vendor_code == _clean_code(header["Vendor_Code"])),
        "the same comment and total" if lines else "the same comment": same_comment and same_total,
    }
    alike = " and ".join(likeness for likeness, holds in likenesses.items() if holds)
    alike += " and the same number" if alike and same_number else ""  # alone it says nothing
    if not (is_certain or alike):
        return None
    return MovedRecord(key, record, matched, len(lines), phases, "" if is_certain else alike)


def _get_total(lines: Iterable[Mapping[str, str]]) -> Decimal:
    return sum((parse_decimal(line, "Original_Contract_Amount") or Decimal() for line in lines), Decimal())


def build_moved_calls(calls: tuple[Call, ...], record: MovedRecord) -> tuple[Call, ...]:
    """The same calls, with the record's vendor and number, and the phases that were expanded."""
    changed = {"Vendor_Code": record.key.vendor_code, "Subcontract_Number": record.key.erp_id}

    def set_moved_value(element: Element) -> Element:
        if element.name == "Phase_Code":
            return replace(element, value=record.phases.get(_clean_code(element.value), element.value))
        return replace(element, value=changed.get(element.name, element.value))

    return tuple(replace(call, elements=tuple(map(set_moved_value, call.elements))) for call in calls)


def compare_calls(calls: tuple[Call, ...], record: StoredRecord) -> CallComparison:
    """Each call beside what is stored of it, and the lines that are stored besides. A status says nothing of
    the rest of its record.
    """
    if len(calls) == 1 and is_status(calls[0]):
        return CallComparison((tuple(find_differences(calls[0], record.header)),), (), ())
    unsent = dict(record.lines)
    compared: list[tuple[Difference, ...] | None] = []
    filled: list[FilledValue] = []
    for call in calls:
        if call.method == SUBCONTRACT_NOTES.method:
            compared.append(())  # of a note nothing is shown, so nothing can differ
            continue
        if call.method == UPDATE_SUBCONTRACT.method:
            stored: Mapping[str, str] | None = record.header
        else:
            stored = unsent.pop(find_stored_key(call, unsent), None)
        compared.append(None if stored is None else tuple(find_differences(call, stored)))
        filled += find_filled_values(call, stored or {})
    stored_lines = (
        f"{' '.join(filter(None, key))}, {line['Original_Contract_Amount']}" for key, line in unsent.items()
    )
    others = (Difference("Another line", "", "nothing", each, DifferenceKind.EXTRA) for each in stored_lines)
    return CallComparison(tuple(compared), tuple(others), tuple(filled))


def get_record_part(call: Call) -> tuple[str, ...]:
    """The header, the note, or a line by its key within the subcontract."""
    if call.method != UPDATE_SUBCONTRACT_PHASES.method:
        return (call.method,)
    return (call.method, *(call.payload[name].strip().upper() for name in _LINE_KEY))


def find_stored_key(call: Call, stored: Mapping[tuple[str, ...], Mapping[str, str]]) -> tuple[str, ...]:
    """The key under which a line is stored: a blank billing item was filled from the phase's, and
    people may have expanded the phases with zeros; then the amount must be the line's."""
    phase, cost_type, item = exact = get_record_part(call)[1:]
    if exact in stored:
        return exact
    same = [key for key in sorted(stored) if key[1] == cost_type and item in ("", key[2])]
    expanded = (
        key for key in same if is_expanded_phase(phase, key[0]) and _has_same_amount(call, stored[key])
    )
    return next(chain((key for key in same if key[0] == phase), expanded), exact)


def is_expanded_phase(phase: str, stored: str) -> bool:
    """A stored phase is one of ours with zeros put in."""
    following = iter(stored)
    return stored.replace("0", "") == phase.replace("0", "") and all(each in following for each in phase)


def _has_same_amount(call: Call, stored: Mapping[str, str]) -> bool:
    sent = parse_decimal(call.payload, "Original_Contract_Amount")
    return sent is not None and sent == parse_decimal(stored, "Original_Contract_Amount")


def _is_line(call: Call) -> bool:
    return call.method == UPDATE_SUBCONTRACT_PHASES.method


def _clean_code(value: str) -> str:
    return value.strip().upper()


def parse_decimal(stored: Mapping[str, str], column: str) -> Decimal | None:
    try:
        return Decimal(stored.get(column, ""))
    except InvalidOperation:
        return None


def find_differences(call: Call, stored: Mapping[str, str]) -> Iterator[Difference]:
    layout = LAYOUTS[call.method]
    for element in call.elements:
        if element.name not in stored or not element.value.strip():
            continue
        field_, value = layout[element.name], stored[element.name]
        if _get_comparable_value(field_, element.value) != _get_comparable_value(field_, value):
            # A line that was found under another phase is there: its phase was expanded.
            kind = DifferenceKind.MOVED if element.name == "Phase_Code" else DifferenceKind.CHANGED
            difference = OtherJob if element.name == "Job_Number" else Difference
            yield difference(call.title, element.name, element.value, value, kind, _get_value_kind(field_))


def find_filled_values(call: Call, stored: Mapping[str, str]) -> Iterator[FilledValue]:
    """Values that stand where nothing was sent; a number that is zero is nothing."""
    layout = LAYOUTS[call.method]
    for element in call.elements:
        value = stored.get(element.name, "").strip()
        if not element.value.strip() and value and _get_comparable_value(layout[element.name], value) != 0:
            yield FilledValue(call.title, element.name, value)


def _get_value_kind(field_: Field) -> ValueKind:
    if field_.kind is FieldKind.DATE:
        return ValueKind.DATE
    # A number without decimals may be an account, whose first zeros count.
    return ValueKind.NUMBER if field_.decimals else ValueKind.TEXT


def _get_comparable_value(field_: Field, value: str) -> str | Decimal:
    if field_.kind is FieldKind.NUMBER:
        try:
            return Decimal(value)
        except InvalidOperation:
            return value.strip()
    return value.strip().upper() if field_.key else value.strip()


def read_record(connection: Connection, key: Key) -> StoredRecord | NotFound:
    header = next(iter(read_rows(connection, SUBCONTRACTS, build_record_query(SUBCONTRACTS, key))), None)
    if header is None:
        return NotFound()
    lines = read_rows(connection, LINES, build_record_query(LINES, key))
    return SubcontractRecord(parse_header(header), {_get_line_key(line): parse_row(line) for line in lines})


def read_records(connection: Connection, keys: Sequence[Key]) -> Mapping[Key, StoredRecord] | Unavailable:
    wanted = frozenset(keys)
    headers: dict[Key, dict[str, str]] = {}
    lines: dict[Key, dict[tuple[str, ...], Mapping[str, str]]] = {}
    # Row by row: what is under another pairing of vendor and number is never held.
    for row in read_rows(connection, SUBCONTRACTS, build_records_query(SUBCONTRACTS, keys)):
        if (key := _get_key(row)) in wanted:
            headers.setdefault(key, parse_header(row))
    for row in read_rows(connection, LINES, build_records_query(LINES, keys)):
        if (key := _get_key(row)) in headers:
            lines.setdefault(key, {})[_get_line_key(row)] = parse_row(row)
    for table, expected, found in ((SUBCONTRACTS, wanted, headers), (LINES, headers, lines)):
        (company_code,) = {key.company_code for key in keys}
        query = build_count_query(table, company_code)
        if len(expected) >= _SUSPICIOUS_COUNT and not found and not connection.execute(query).scalar_one():
            return Unavailable(f"Spectrum's read-only database has nothing for company {company_code}.")
    return {key: SubcontractRecord(header, lines.get(key, {})) for key, header in headers.items()}


def read_moved_records(
    connection: Connection, plans: Sequence[tuple[Call, ...]]
) -> Sequence[tuple[MovedRecord, ...]]:
    """By job, which is never another one; held are the records of the jobs that are asked for."""
    headers = [plan[0].payload for plan in plans]
    jobs = sorted({_clean_code(header["Job_Number"]) for header in headers})
    (company_code,) = {_clean_code(header["Company_Code"]) for header in headers}
    records = read_job_records(connection, company_code, jobs)
    by_job: dict[str, list[Key]] = {}
    for key, record in records.items():
        by_job.setdefault(_clean_code(record.header["Job_Number"]), []).append(key)
    moved_records = []
    for plan, header in zip(plans, headers, strict=True):
        own = Key.from_parts(*(header[name] for name in _KEY))
        others = (key for key in by_job.get(_clean_code(header["Job_Number"]), ()) if key != own)
        hits = (match_record(plan, key, records[key]) for key in others)
        moved_records.append(tuple(hit for hit in hits if hit is not None))
    return moved_records


def read_job_records(
    connection: Connection, company_code: str, jobs: Sequence[str]
) -> Mapping[Key, StoredRecord]:
    records: dict[Key, StoredRecord] = {}
    lines: dict[Key, dict[tuple[str, ...], Mapping[str, str]]] = {}
    for row in read_rows(connection, SUBCONTRACTS, build_job_headers_query(company_code, jobs)):
        records[_get_key(row)] = SubcontractRecord(parse_header(row), lines.setdefault(_get_key(row), {}))
    for row in read_rows(connection, LINES, build_job_lines_query(company_code, jobs)):
        lines.get(_get_key(row), {})[_get_line_key(row)] = parse_row(row)
    return records


_columns: dict[tuple[str, str], set[str]] = {}
"""The columns that a site's tables have, by address and table; read once by each process."""


def read_rows(connection: Connection, table: Table, query: Select[Any]) -> Iterable[RowMapping]:
    """The rows without the columns that the site's release lacks."""
    cache_key = (str(connection.engine.url), table.name)
    if cache_key not in _columns:
        none: Select[Any] = select(literal_column("*")).select_from(table).where(false())
        there = connection.execute(none).keys()
        _columns[cache_key] = {name.upper() for name in there}
    columns = (c for c in table.c if not c.info or c.name.upper() in _columns[cache_key])
    return connection.execute(query.with_only_columns(*columns)).mappings()


def _get_key(row: Mapping[Any, Any]) -> Key:
    return Key.from_parts(*(format_value(name, row[name]) for name in _KEY))


def parse_header(row: Mapping[Any, Any]) -> dict[str, str]:
    plain = parse_row(row)
    first, second = row["Comment_1"] or "", row["Comment_2"] or ""
    # A first half that ended in blanks may have lost them.
    plain["Comment"] = (first.ljust(_HALF_OF_A_COMMENT) + second if second else first).strip()
    return plain


def _get_line_key(line: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(format_value(name, line[name]).upper() for name in _LINE_KEY)


def parse_row(row: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): format_value(str(name), value) for name, value in row.items()}


def format_value(name: str, value: object) -> str:
    """A column as it would be written in a call, whatever its driver made of it."""
    if value is None:
        return ""
    if name == "Date_Issued":
        try:
            return format_date(
                value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])
            )
        except ValueError:
            return str(value).strip()  # no date at all: it shows as a difference, and stops nobody else
    if isinstance(value, Decimal | float | int):
        # At most thirteen digits, so that a float's shortest text is the number itself.
        return f"{Decimal(str(value)):f}"
    return str(value).strip()
