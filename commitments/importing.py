"""The commitments of a file, one line a row: read as their forms are, checked as a whole, and written.

A row without a number goes on with the commitment above it, as where cells are merged. What a row says of its
commitment, every other row of that commitment says too, or leaves blank.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Q
from django.db.models.functions import Upper
from openpyxl.utils import get_column_letter

from commitments import services
from commitments.cells import ASK, clean_figure, find_day_style, find_figure_style, parse_day
from commitments.choices import list_vendors
from commitments.errors import CommitmentError
from commitments.events import CommitmentEvent
from commitments.figures import to_the_cent
from commitments.forms import MAX_LINES, CommitmentForm, LineChoices, LineForm, clean_text
from commitments.models import (
    DETAILS,
    Commitment,
    ContractCompany,
    CostCode,
    CostType,
    Kind,
    LineItem,
    Lock,
)
from commitments.services import LINE_FIELDS
from directory import history
from directory.columns import Column, Table
from directory.models import Company, Project, User
from directory.rights.permissions import can_create_commitments, can_edit_commitment
from directory.row_files import UNCLEAR, NativeCell, Row, RowsRefused

KINDS = {
    **dict.fromkeys(("subcontract", "subcontracts", "sub", "sc", "subcontractor"), Kind.SUBCONTRACT),
    **dict.fromkeys(("purchase order", "purchase orders", "po", "p.o."), Kind.PURCHASE_ORDER),
}
YES, NO = frozenset({"yes", "y", "true", "x", "1"}), frozenset({"no", "n", "false", "0"})
PROJECT_COLUMN = Column(
    "project", "Project", "project name, project number, job, job name, job number, project code"
)
COLUMNS = (
    PROJECT_COLUMN,
    Column("kind", "Kind", "type, commitment type, contract type", values=KINDS),
    Column(
        "number",
        "Number",
        "contract number, contract id, subcontract number, subcontract id, commitment number, commitment id, "
        "po number, order number, purchase order number, agreement number, sub number",
        is_needed=True,
    ),
    Column(
        "contract_company",
        "Contract Company",
        "vendor, vendor name, company, company name, subcontractor, subcontractor name, supplier, "
        "supplier name, contractor, payee, vendor code, vendor number, vendor id",
    ),
    Column(
        "title",
        "Title",
        "contract title, contract description, subcontract title, subcontract description, "
        "commitment title, commitment description, scope, scope of work, description of work",
    ),
    Column("trade", "Trade"),
    Column(
        "issue_date",
        "Issue date",
        "date, contract date, date issued, issued, order date, po date, agreement date",
        "day",
    ),
    Column("executed", "Executed", "signed", values=YES | NO),
    Column("executed_date", "Executed date", "execution date, signed date, date signed", "day"),
    Column("start_date", "Start date", "start, contract start, begin date, commencement date", "day"),
    Column(
        "completion_date",
        "Completion date",
        "completion, end date, finish date, finish, contract end, estimated completion date",
        "day",
    ),
    Column("default_retainage", "Default Retainage", "retainage, retainage rate", "figure"),
    Column("cost_code", "Cost code", "phase, phase code, budget code, cost code number, job phase"),
    Column("cost_type", "Cost type", "type, cost category, category, cost class"),
    Column("billing_item", "Billing item", "item, item number, line, line number, line item"),
    Column("description", "Line description", "description, item description, line item description"),
    Column("quantity", "Quantity", "", "figure"),
    Column("unit_of_measure", "Unit", "unit of measure, units, u/m"),
    Column("unit_cost", "Unit cost", "unit price, price, rate, cost per unit, price per unit", "figure"),
    Column(
        "amount",
        "Amount",
        "total, line amount, line total, value, contract amount, contract value, total amount, "
        "subcontract amount, subcontract value, scheduled value, extended amount, extended price, "
        "original amount, original contract amount, committed amount, commitment amount, contract sum, "
        "original value, total price, total cost, extension",
        "figure",
    ),
)
BY_NAME = {each.name: each for each in COLUMNS}
HEADER = (
    *("contract_company", "title", "trade", "default_retainage", "issue_date"),
    *("executed", "executed_date", "start_date", "completion_date"),
)
FIELDS = CommitmentForm.base_fields | LineForm.base_fields
TOTAL = re.compile(r"(?:grand |sub-? ?)?totals?(?: (?:of|for) .*)?:?|sum:?|.* totals?:?", re.IGNORECASE)
NOT_REPEATED = frozenset(
    {"number", "title", "billing_item", "description", "quantity", "unit_cost", "amount"}
)
MOST_PROBLEMS, MOST_NOTES = 1_000, 200
BATCH_SIZE = 500


@dataclass(slots=True)
class FileCommitment:
    """One of the file, from its ``row`` on. ``stored`` is the one that is here already."""

    row: int
    project: Project
    kind: str
    number: str
    rows: list[int] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    stored: Commitment | None = None
    differs: bool = False

    @property
    def total(self) -> Decimal:
        return sum((each.get("amount") or Decimal(0) for each in self.lines), Decimal("0.00"))


@dataclass
class Reading:
    """All that is read of a file, and every problem of it."""

    company: Company
    by: User | None
    """None is the operator, who only looks."""
    table: Table
    options: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0
    problem_rows: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    commitments: dict[tuple[int, str, str], FileCommitment] = field(default_factory=dict)
    figure_style: str = ""
    day_style: str = ""
    memory: dict[tuple[str, Any, type, str], Any] = field(default_factory=dict)

    def add_problem(self, row: int, column: str, sentence: str) -> None:
        self.problem_count += 1
        self.problem_rows.add(row)
        if len(self.problems) < MOST_PROBLEMS:
            label = BY_NAME[column].label if column in BY_NAME else column
            place = self.table.places.get(column)
            letter = "" if place is None else f" (column {get_column_letter(place + 1)})"
            self.problems.append(
                f"Row {row}, {label}{letter}: {sentence}" if label else f"Row {row}: {sentence}"
            )

    @cached_property
    def projects(self) -> dict[str, list[Project]]:
        """Those in which the person may create."""
        return find_projects(self.company, self.by, can_create_commitments)

    @cached_property
    def vendors(self) -> dict[str, list[ContractCompany]]:
        named: defaultdict[str, list[ContractCompany]] = defaultdict(list)
        for vendor in ContractCompany.objects.filter(company=self.company):
            named[clean_text(vendor.name)].append(vendor)
        return named

    @cached_property
    def cost_types(self) -> dict[str, CostType]:
        types = CostType.objects.filter(company=self.company)
        by_text = ((each, text) for each in types for text in (each.name, str(each), each.code))
        return {clean_text(text): each for each, text in by_text}

    def find_project(self, text: str) -> Project:
        found = self.projects.get(clean_text(text), [])
        if len(found) != 1:
            raise ValidationError(
                "Several projects are called so. Write the number of one."
                if found
                else "You may create commitments in no such project. Import projects first, or ask for "
                "Standard on its Commitments tool."
            )
        return found[0]

    def find_vendor(self, text: str, project: Project) -> ContractCompany:
        """By its exact name, without regard to case, or else by its code in accounting."""
        same = self.vendors.get(clean_text(text)) or list(list_vendors(project).filter(code__iexact=text)[:2])
        same = (
            [each for each in same if each.name == text]
            or [each for each in same if not each.closed_at]
            or same
        )
        if len(same) != 1:
            raise ValidationError(
                "Several Contract Companies are called so. Write the code of one."
                if same
                else "No Contract Company has this name or code. Add it, or import Contract Companies first."
            )
        if same[0].closed_at:
            raise ValidationError(f"{same[0].state}. Choose one that is open.")
        return same[0]

    def find_cost_code(self, text: str, project: Project) -> CostCode:
        key = ("cost codes", project.pk, str, "")
        if key not in self.memory:
            codes = list(CostCode.objects.filter(project=project))
            self.memory[key] = LineChoices(codes, []).by_text
        code = self.memory[key].get(clean_text(text))
        if code is None or code.closed_at:
            raise ValidationError(
                f"{code.state} in {project}. Open it first, or choose another."
                if code
                else f"{project} has no such cost code. Add it, or import cost codes first."
            )
        found: CostCode = code
        return found

    def clean_cell(self, name: str, cell: str, project: Project | None = None) -> Any:
        """The value, as the form of a commitment reads it; of a column whose values come again, once. Raises
        ValidationError.
        """
        if name in NOT_REPEATED:
            return self.parse_cell(name, cell, project)
        key = (name, project.pk if project else 0, type(cell), cell)
        if key not in self.memory:
            try:
                self.memory[key] = self.parse_cell(name, cell, project)
            except ValidationError as error:
                self.memory[key] = error
        value = self.memory[key]
        if isinstance(value, ValidationError):
            raise value
        return value

    def parse_cell(self, name: str, cell: str, project: Project | None) -> Any:
        kind = BY_NAME[name].kind
        if kind == "figure":
            return self.parse_figure(name, cell)
        if kind == "day":
            try:
                return parse_day(cell, self.day_style)
            except ValueError:
                raise ValidationError("Write a date such as 2025-03-31.") from None
        if name == "executed":
            if cell.casefold() not in YES | NO:
                raise ValidationError("Write Yes or No.")
            return cell.casefold() in YES
        if type(cell) is NativeCell:
            raise ValidationError(UNCLEAR.format("It"))
        if name == "kind":
            if cell.casefold() not in KINDS:
                raise ValidationError("Write Subcontract or Purchase Order.")
            return KINDS[cell.casefold()]
        if name == "project":
            return self.find_project(cell)
        if name == "cost_type":
            if clean_text(cell) not in self.cost_types:
                raise ValidationError("There is no such cost type. Write the code of one.")
            return self.cost_types[clean_text(cell)]
        if project and name in ("contract_company", "cost_code"):
            return (self.find_vendor if name == "contract_company" else self.find_cost_code)(cell, project)
        return FIELDS[name].clean(cell)

    def parse_figure(self, name: str, cell: str) -> Decimal | None:
        if type(cell) is NativeCell:
            if not isinstance(cell.value, Decimal):
                raise ValidationError("It is no figure in Excel. Enter it again.")
            text, is_percent = f"{cell.value:f}", cell.endswith("%")
        else:
            is_percent = cell.endswith("%")
            text = clean_figure(cell.removesuffix("%"), self.figure_style, self.company.currency)
        value: Decimal | None = FIELDS[name].clean(text)
        if is_percent and name != "default_retainage":
            raise ValidationError("It is a percentage.")
        if name == "default_retainage" and value is not None:
            if not 0 <= value <= 100:
                raise ValidationError("Enter a percentage between 0 and 100.")
            if 0 < value < 1 and not is_percent:
                raise ValidationError(f"It may be {value * 100:f} % or {value:f} %. Write it with its sign.")
        return value


def find_projects(
    company: Company, by: User | None, can: Callable[[User, Project], bool]
) -> dict[str, list[Project]]:
    """By their names and numbers, those in which the person can."""
    named: defaultdict[str, list[Project]] = defaultdict(list)
    for project in (Project.objects.visible_to(by) if by else Project.objects.all()).filter(company=company):
        if by is None or can(by, project):
            for text in {clean_text(project.name), clean_text(project.number)} - {""}:
                named[text].append(project)
    return named


def read_commitments(reading: Reading, rows: list[Row], progress: Callable[[int], None]) -> None:
    """Every commitment of the rows, and every problem by row and column; nothing is written."""
    reading.figure_style, reading.day_style = (
        reading.options.get(f"{kind}s") or find_style(list_texts(reading.table, rows, kind))
        for kind, find_style in (
            ("figure", lambda texts: find_figure_style(texts, reading.company.currency)),
            ("day", find_day_style),
        )
    )
    if reading.figure_style == ASK:
        reading.add_problem(reading.table.head + 1, "", UNSURE_FIGURES)
    if reading.day_style == ASK:
        reading.add_problem(reading.table.head + 1, "", UNSURE_DAYS)
    if ASK in (reading.figure_style, reading.day_style):
        return
    current: FileCommitment | None = None
    since, total = Decimal(0), Decimal(0)
    for count, (number, row) in enumerate(reading.table.list_rows(rows), start=1):
        if not count % 1000:
            progress(count)
        cells = {name: row[at] for name, at in reading.table.places.items() if at < len(row) and row[at]}
        if is_total(row, cells):
            amount = find_value(reading, number, "amount", cells)
            if amount is not None and amount not in (total, since, current.total if current else None):
                reading.add_problem(
                    number, "amount", f"{amount:,.2f} is called a total, and is not that of the rows above."
                )
            since = Decimal(0)
            reading.notes.append(f"Row {number} is a total, and was left out.")
            continue
        if not cells:
            continue
        reading.rows += 1
        current = find_commitment(reading, number, cells, current)
        if current is None:
            continue
        current.rows.append(number)
        line = read_line(reading, number, cells, current.project)
        if line:
            current.lines.append(line)
            since, total = (each + (line.get("amount") or 0) for each in (since, total))
    check_commitments(reading)


UNSURE_FIGURES = (
    "Some figures of this file, such as 1,250 or 1.250, may mean two amounts. Say how they are written in it."
)
UNSURE_DAYS = (
    "Some dates of this file, such as 03/04/2025, may mean two days. Say how dates are written in it."
)


def list_texts(table: Table, rows: list[Row], kind: str) -> set[str]:
    places = [place for name, place in table.places.items() if BY_NAME[name].kind == kind]
    return {
        row[place]
        for _, row in table.list_rows(rows)
        for place in places
        if place < len(row) and type(row[place]) is str
    }


def is_total(row: list[str], cells: Mapping[str, str]) -> bool:
    """It says so, and nothing else but figures."""
    texts = {cell for name, cell in cells.items() if BY_NAME[name].kind == "text"}
    return any(map(TOTAL.fullmatch, row)) and all(map(TOTAL.fullmatch, texts)) and len(texts) < 2


def find_commitment(
    reading: Reading, row: int, cells: Mapping[str, str], current: FileCommitment | None
) -> FileCommitment | None:
    """The one that the row belongs to, with what the row says of it."""
    goes_on = "number" not in cells
    if goes_on and (current is None or not cells.keys() - set(FIGURES)):
        sentence = "It is missing." if current is None else ONLY_FIGURES
        reading.add_problem(row, "number" if current is None else "", sentence)
        return None
    project = find_value(reading, row, "project", cells)
    if project is None and "project" in cells:
        return None
    if goes_on and current:
        kind, number, project = current.kind, current.number, project or current.project
    else:
        kind = find_value(reading, row, "kind", cells) or reading.options.get("kind") or Kind.SUBCONTRACT
        number = find_value(reading, row, "number", cells)
        project = project or reading.options.get("project")
        if project is None:
            reading.add_problem(row, "project", "It is missing.")
        if number and TOTAL.fullmatch(number):
            reading.add_problem(row, "number", "It is called a total. Remove the row, or change its number.")
        if not (project and number):
            return None
    key = (project.pk, kind, number.upper())
    found = reading.commitments.get(key)
    if goes_on and found is not current:
        reading.add_problem(row, "number", "It is missing.")
        return None
    if found is None:
        found = reading.commitments[key] = FileCommitment(row, project, kind, number)
    for name in HEADER:
        value = find_value(reading, row, name, cells, project)
        if value is None:
            continue
        if found.values.setdefault(name, value) != value:
            sentence = f"It is another one than in row {found.row}, for the same commitment {number}."
            reading.add_problem(row, name, f"{cells[name][:40]}: {sentence}")
    return found


FIGURES = ("default_retainage", "quantity", "unit_cost", "amount")
ONLY_FIGURES = "It has nothing but figures. If it is a total, remove it; if it is a line, describe it."


def find_value(
    reading: Reading, row: int, name: str, cells: Mapping[str, str], project: Project | None = None
) -> Any:
    """Its value, or None where there is none, or none that can be read: then that is a problem."""
    if name not in cells:
        return None
    try:
        return reading.clean_cell(name, cells[name], project)
    except ValidationError as error:
        reading.add_problem(row, name, f"{cells[name][:40]}: {' '.join(error.messages)}")
        return None


def read_line(reading: Reading, row: int, cells: Mapping[str, str], project: Project) -> dict[str, Any]:
    """Without an amount, quantity times unit cost is the amount, as in the form."""
    given = {
        name: find_value(reading, row, name, cells, project if name == "cost_code" else None)
        for name in LINE_FIELDS
        if name in cells
    }
    if (
        given
        and "amount" not in cells
        and given.get("quantity") is not None
        and given.get("unit_cost") is not None
    ):
        amount = to_the_cent(given["quantity"] * given["unit_cost"])
        given["amount"] = find_value(reading, row, "amount", {"amount": NativeCell(f"{amount:,.2f}", amount)})
    return given


def check_commitments(reading: Reading) -> None:
    """Each as a whole, and those that are here already."""
    per_project: defaultdict[Project, list[FileCommitment]] = defaultdict(list)
    for found in reading.commitments.values():
        per_project[found.project].append(found)
        values = found.values
        if values.get("executed_date") and "executed" not in reading.table.places:
            values["executed"] = True
        if values.get("executed_date") and not values.get("executed"):
            reading.add_problem(found.row, "executed_date", "It is not executed.")
        for name in set(DETAILS[Kind.SUBCONTRACT]) - set(DETAILS[Kind(found.kind)]) & values.keys():
            reading.add_problem(found.row, name, "A purchase order has none.")
        start, completion = values.get("start_date"), values.get("completion_date")
        if start and completion and completion < start:
            reading.add_problem(found.row, "completion_date", "It is before the start date.")
        if len(found.lines) > MAX_LINES:
            reading.add_problem(found.row, "", f"{found.number} has more than {MAX_LINES:,} lines.")
    for project, found_there in per_project.items():
        for start in range(0, len(found_there), BATCH_SIZE):
            match_stored(reading, project, found_there[start : start + BATCH_SIZE])
    shared = [each for each in reading.commitments.values() if len(each.lines) > 1]
    if shared and all(len({line.get("amount") for line in each.lines}) == 1 for each in shared):
        reading.notes.append(SAME_AMOUNTS)


SAME_AMOUNTS = (
    "The lines of each commitment all have one amount. "
    "If that is the amount of the whole, choose another column."
)


def match_stored(reading: Reading, project: Project, batch: Iterable[FileCommitment]) -> None:
    by_key = {(each.kind, each.number.upper()): each for each in batch}
    as_written = [each.number for each in by_key.values()]  # of some letters the database knows no capital
    named = Q(upper__in=[number for _, number in by_key]) | Q(number__in=as_written)
    stored = Commitment.objects.annotate(upper=Upper("number")).filter(named, project=project)
    lines: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in LineItem.objects.filter(commitment__in=stored).order_by("position").values():
        lines[line["commitment_id"]].append({**line})
    for each in stored:
        found = by_key.get((each.kind, each.number.upper()))
        if found is None:
            continue
        found.stored = each
        if not (differences := list(list_differences(reading, found, each, lines[each.pk]))):
            continue
        found.differs = True
        if reading.options.get("changes") and len(reading.notes) < MOST_NOTES:
            reading.notes.append(f"{found.number} changes: {', '.join(differences)}.")
        what = f"{found.number} is here already, with another {' and '.join(differences)}"
        if not reading.options.get("changes"):
            reading.add_problem(found.row, "", f"{what}. Leave it out, or tick that such commitments change.")
        elif each.lock != Lock.NONE or not (
            reading.by is None or can_edit_commitment(reading.by, project, each.created_by_id)
        ):
            reading.add_problem(found.row, "", f"{what}, and you can't change it. Leave it out.")
        elif not reading.table.places.keys() & LINES and "amount" in differences:
            reading.add_problem(found.row, "", f"{what}. The file has no lines to change it by.")


LINES = frozenset(LINE_FIELDS) - {"amount"}


def list_differences(
    reading: Reading, found: FileCommitment, stored: Commitment, lines: list[dict[str, Any]]
) -> Iterator[str]:
    """Of what the file has a column for."""
    named = reading.table.places.keys()
    for name in HEADER:
        value = found.values.get(name)
        if value is not None and getattr(stored, BY_ATTRIBUTE.get(name, name)) != getattr(value, "pk", value):
            yield BY_NAME[name].label
    if not named & LINES:
        if "amount" in named and sum((each["amount"] or 0 for each in lines), Decimal(0)) != found.total:
            yield "amount"
    elif [get_named(each, named) for each in lines] != [get_named(each, named) for each in found.lines]:
        yield "Schedule of Values"


BY_ATTRIBUTE = {"contract_company": "contract_company_id"}


def get_named(line: Mapping[str, Any], named: Iterable[str]) -> list[Any]:
    """Of a line of the file, or of a stored one, that for which the file has columns."""
    values = (line.get(name, line.get(f"{name}_id")) for name in LINE_FIELDS if name in named)
    return [None if value == "" else getattr(value, "pk", value) for value in values]


def write_commitments(reading: Reading) -> None:
    """Drafts, never sent; and changes as if they were typed. In the transaction in which they were read.
    Raises RowsRefused.
    """
    found = reading.commitments.values()
    new, by = [each for each in found if each.stored is None], reading.by
    assert by is not None
    try:
        for start in range(0, len(new), BATCH_SIZE):
            batch = new[start : start + BATCH_SIZE]
            rows = Commitment.objects.bulk_create(
                Commitment(
                    project=each.project,
                    kind=each.kind,
                    number=each.number,
                    created_by=by,
                    **each.values,
                )
                for each in batch
            )
            LineItem.objects.bulk_create(
                LineItem(commitment=row, position=position, **line)
                for row, each in zip(rows, batch, strict=True)
                for position, line in enumerate(each.lines, start=1)
            )
            event = CommitmentEvent.COMMITMENT_CREATED
            history.record_all(event=event, subjects=rows, by=by, company=reading.company)
        for each in found:
            if each.stored and each.differs:
                write_change(reading, each, each.stored, by)
    except (IntegrityError, CommitmentError) as error:
        raise RowsRefused("Somebody else has just changed one of them. Check the file again.") from error


def write_change(reading: Reading, found: FileCommitment, stored: Commitment, by: User) -> None:
    lines: list[dict[str, Any]] | None = None
    if reading.table.places.keys() & LINES:
        kept = [services.get_line_values(line) for line in services.list_lines(stored)]
        kept += [{}] * (len(found.lines) - len(kept))
        named = reading.table.places.keys() & {*LINE_FIELDS} | {"amount"}
        blank = {name: getattr(LineItem(), name) for name in named}
        lines = [before | blank | line for before, line in zip(kept, found.lines, strict=False)]
    services.update_commitment(
        commitment=stored, by=by, version=stored.version, values=found.values, lines=lines
    )
