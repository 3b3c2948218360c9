"""The commitments of a file, one line a row: read as their forms are, checked as a whole, and written.

A row without a number goes on with the commitment above it, as where cells are merged. What a row says of its
commitment, every other row of that commitment says too, or leaves blank.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Q
from django.db.models.functions import Upper
from openpyxl.utils import get_column_letter

from commitments import services
from commitments.cells import (
    ASK,
    SHAPES,
    DayStyle,
    FigureStyle,
    clean_figure,
    find_style,
    read_day,
    read_figure,
)
from commitments.choices import list_vendors
from commitments.errors import CommitmentError
from commitments.events import CommitmentEvent
from commitments.figures import to_the_cent
from commitments.forms import MAX_LINES, CommitmentForm, LineForm, clean_text
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
from directory.models import WORKING_LEVELS, Company, Project, ProjectMembership, User
from directory.rights.permissions import can_edit_commitment
from directory.row_files import UNCLEAR, NativeCell, Row, RowsRefused

KINDS = {
    **dict.fromkeys(("subcontract", "subcontracts", "sub", "sc", "subcontractor"), Kind.SUBCONTRACT),
    **dict.fromkeys(("purchase order", "purchase orders", "po", "p.o."), Kind.PURCHASE_ORDER),
}
YES_OR_NO = {
    **dict.fromkeys(("yes", "y", "true", "x", "1"), True),
    **dict.fromkeys(("no", "n", "false", "0"), False),
}
PROJECT_COLUMN = Column("project", "Project", "project name, project number, project code")
COLUMNS = (
    PROJECT_COLUMN,
    Column("kind", "Kind", "type, contract type", values=KINDS),
    Column("number", "Number", "contract number, purchase order number, sub number", is_needed=True),
    Column(
        "contract_company",
        "Contract Company",
        "vendor, vendor name, vendor code, vendor number, company, company name",
    ),
    Column(
        "title", "Title", "contract title, contract description, scope, scope of work, description of work"
    ),
    Column("trade", "Trade"),
    Column("issue_date", "Issue date", "date, contract date, issue", "day"),
    Column("executed", "Executed", values=YES_OR_NO),
    Column("executed_date", "Executed date", "", "day"),
    Column("start_date", "Start date", "start, contract start", "day"),
    Column(
        "completion_date",
        "Completion date",
        "completion, contract completion, estimated completion date",
        "day",
    ),
    Column("default_retainage", "Default Retainage", "retainage, retainage rate", "figure"),
    Column("cost_code", "Cost code", "phase, phase code, budget code, cost code number, job phase"),
    Column("cost_type", "Cost type", "type, cost category, category, cost class"),
    Column("billing_item", "Billing item", "item, item number, line, line number, line item"),
    Column("description", "Line description", "description, item description, line item description"),
    Column("quantity", "Quantity", "", "figure"),
    Column("unit_of_measure", "Unit", "unit of measure, u/m"),
    Column("unit_cost", "Unit cost", "unit price, price, rate, cost per unit, price per unit", "figure"),
    Column(
        "amount",
        "Amount",
        "total, line amount, line total, contract amount, contract sum, total amount, scheduled amount, "
        "extended amount, extended price, original amount, original contract amount, committed amount, "
        "total price, total cost, extension",
        "figure",
    ),
)
BY_NAME = {each.name: each for each in COLUMNS}
HEADER = [name for name in BY_NAME if name not in ("project", "kind", "number", *LINE_FIELDS)]
FIGURES = {each.name for each in COLUMNS if each.kind == "figure"}
LINES = frozenset(LINE_FIELDS) - {"amount"}
FIELDS = CommitmentForm.base_fields | LineForm.base_fields
TOTAL = re.compile(r"(?:grand |sub-? ?)?totals?(?: (?:of|for) .*)?:?|sum:?|.* totals?:?", re.IGNORECASE)
MOST_PROBLEMS, MOST_NOTES, MOST_REMEMBERED, BATCH_SIZE = 1_000, 200, 20_000, 500
MEANT: dict[str, tuple[tuple[str, ...], str, str]] = {
    "project": (
        ("name", "number"),
        "Several projects are called so. Write the number of one.",
        "You may create commitments in no such project. Import projects first, or ask for Standard on its "
        "Commitments tool.",
    ),
    "contract_company": (
        ("name",),
        "Several Contract Companies are called so. Write the code of one.",
        "No Contract Company has this name or code. Add it, or import Contract Companies first.",
    ),
    "cost_code": (
        ("code",),
        "Several cost codes are called so. Write the code alone.",
        "The project has no such cost code. Add it, or import cost codes first.",
    ),
    "cost_type": (
        ("code", "name"),
        "Several cost types are called so. Write the code of one.",
        "There is no such cost type. Write the code of one.",
    ),
}
"""Columns whose cells mean a row: all that one is called, and what is said of several, and of none."""
UNSURE_FIGURES = (
    "Some figures of this file, such as 1,250 or 1.250, may mean two amounts. Say how they are written in it."
)
UNSURE_DAYS = (
    "Some dates of this file, such as 03/04/2025, may mean two days. Say how dates are written in it."
)
STYLES: tuple[tuple[str, str, Any, Any, str], ...] = (
    ("figure", "Figures", FigureStyle, read_figure, UNSURE_FIGURES),
    ("day", "Dates", DayStyle, read_day, UNSURE_DAYS),
)
BLANK = dict.fromkeys(("billing_item", "description", "unit_of_measure"), "")
ATTRIBUTES = {name: f"{name}_id" for name in ("contract_company", "cost_code", "cost_type")}
ONLY_FIGURES = "It has nothing but figures. If it is a total, remove it; if it is a line, describe it."
SAME_AMOUNTS = (
    "The lines of each commitment all have one amount. "
    "If that is the amount of the whole, choose another column."
)


@dataclass(slots=True)
class FileCommitment:
    """One of the file, from its ``row`` on. ``stored`` is here already; ``new_lines`` are to be its lines."""

    row: int
    project: Project
    kind: str
    number: str
    rows: list[int] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    stored: Commitment | None = None
    differs: bool = False
    new_lines: list[dict[str, Any]] | None = None

    @property
    def total(self) -> Decimal:
        return sum((each.get("amount") or Decimal(0) for each in self.lines), Decimal("0.00"))


@dataclass
class Reading:
    """All that is read of a file, and every problem. ``by`` is None for the operator, who only looks."""

    company: Company
    by: User | None
    table: Table
    options: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0
    problem_rows: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    commitments: dict[tuple[int, str, str], FileCommitment] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clean_once: Any = lru_cache(MOST_REMEMBERED, typed=True)(self.clean_cell)
        self.list_once: Any = lru_cache(self.list_named)
        self.can_edit: Any = lru_cache(can_edit_commitment)

    def add_problem(self, row: int, column: str, sentence: str) -> None:
        self.problem_count += 1
        self.problem_rows.add(row)
        if len(self.problems) < MOST_PROBLEMS:
            place = self.table.places.get(column)
            letter = "" if place is None else f" (column {get_column_letter(place + 1)})"
            label = f", {BY_NAME[column].label}{letter}" if column else ""
            self.problems.append(f"Row {row}{label}: {sentence}")

    def list_named(self, name: str, project: Project | None) -> Mapping[str, list[Any]]:
        """The rows that a cell may mean, by all that they are called."""
        if name == "project":
            return find_projects(self.company, self.by, WORKING_LEVELS)
        if name == "cost_code":
            return build_index(name, CostCode.objects.filter(project=project))
        model: Any = ContractCompany if name == "contract_company" else CostType
        return build_index(name, model.objects.filter(company=self.company))

    def find_named(self, name: str, text: str, project: Project | None) -> Any:
        """By its exact name or number, else without regard to case; a vendor by its code, too."""
        named = self.list_once(name, project if name == "cost_code" else None)
        found = named.get(clean_text(text), [])
        if name == "contract_company" and project and not found:
            found = list(list_vendors(project).filter(code__iexact=text)[:2])
        exact = [each for each in found if text in list_names(name, each)]
        found = exact or [each for each in found if not getattr(each, "closed_at", None)] or found
        if len(found) != 1:
            _, several, none = MEANT[name]
            raise ValidationError(several if found else none)
        if getattr(found[0], "closed_at", None):
            raise ValidationError(f"{found[0].state}. Open it first, or choose another.")
        return found[0]

    def clean_cell(self, name: str, cell: str, project: Project | None) -> Any:
        """The value, as the form of a commitment reads it, or why there is none."""
        column = BY_NAME[name]
        try:
            if column.kind == "figure":
                return self.parse_figure(name, cell)
            if column.kind == "day":
                return read_day(cell, self.styles["day"])
            if isinstance(column.values, Mapping):
                if cell.casefold() not in column.values:
                    raise ValidationError(
                        f"Write {'Yes or No' if name == 'executed' else ' or '.join(Kind.labels)}."
                    )
                return column.values[cell.casefold()]
            if type(cell) is NativeCell:
                raise ValidationError(UNCLEAR.format("It"))
            return self.find_named(name, cell, project) if name in MEANT else FIELDS[name].clean(cell)
        except ValidationError as error:
            return error

    def parse_figure(self, name: str, cell: str) -> Decimal | None:
        is_percent = cell.endswith("%")
        if type(cell) is NativeCell:
            if not isinstance(cell.value, Decimal):
                raise ValidationError("It is no figure in Excel. Enter it again.")
            text = f"{cell.value:f}"
        else:
            text = clean_figure(cell.removesuffix("%"), self.styles["figure"], self.company.currency)
        value: Decimal | None = FIELDS[name].clean(text)
        if is_percent and name != "default_retainage":
            raise ValidationError("It is a percentage.")
        if name == "default_retainage" and value is not None:
            if not 0 <= value <= 100:
                raise ValidationError("Enter a percentage between 0 and 100.")
            if 0 < value < 1 and not is_percent:
                raise ValidationError(f"It may be {value * 100:f} % or {value:f} %. Write it with its sign.")
        return value

    def find_value(
        self, row: int, name: str, cells: Mapping[str, str], project: Project | None = None
    ) -> Any:
        """Its value, or None where there is none, or none that can be read: then that is a problem."""
        if name not in cells:
            return None
        value = self.clean_once(name, cells[name], project)
        if isinstance(value, ValidationError):
            self.add_problem(row, name, f"{cells[name][:40]}: {' '.join(value.messages)}")
            return None
        return value

    def find_commitment(
        self, row: int, cells: Mapping[str, str], current: FileCommitment | None
    ) -> FileCommitment | None:
        """The one that the row belongs to, with what the row says of it."""
        if "number" not in cells and (current is None or not cells.keys() - FIGURES):
            column, sentence = ("", ONLY_FIGURES) if current else ("number", "It is missing.")
            self.add_problem(row, column, sentence)
            return None
        project = self.find_value(row, "project", cells)
        if project is None and "project" in cells:
            return None
        if "number" in cells or current is None:
            kind = self.find_value(row, "kind", cells) or self.options.get("kind") or Kind.SUBCONTRACT
            number, project = self.find_value(row, "number", cells), project or self.options.get("project")
            if project is None:
                self.add_problem(row, "project", "It is missing.")
            if number and TOTAL.fullmatch(number):
                self.add_problem(row, "number", "It is called a total. Remove the row, or change its number.")
            if not (project and number):
                return None
            key = (project.pk, kind, number.upper())
            current = self.commitments.setdefault(key, FileCommitment(row, project, kind, number))
        elif project and project != current.project:
            self.add_problem(row, "number", "It is missing.")
            return None
        for name in HEADER:
            value = self.find_value(row, name, cells, current.project if name == "contract_company" else None)
            if value is not None and current.values.setdefault(name, value) != value:
                sentence = f"It is another one than in row {current.row}, for the same commitment"
                self.add_problem(row, name, f"{cells[name][:40]}: {sentence} {current.number}.")
        current.rows.append(row)
        return current

    def read_line(self, row: int, cells: Mapping[str, str], project: Project) -> dict[str, Any]:
        """Without an amount, quantity times unit cost is the amount, as in the form."""
        line = {
            name: self.find_value(row, name, cells, project if name == "cost_code" else None)
            for name in LINE_FIELDS
            if name in cells
        }
        quantity, unit_cost = line.get("quantity"), line.get("unit_cost")
        if "amount" not in cells and quantity is not None and unit_cost is not None:
            amount = to_the_cent(quantity * unit_cost)
            cell = NativeCell(f"{amount:,.2f}", amount)
            line["amount"] = self.find_value(row, "amount", {"amount": cell})
        return line

    def check_commitments(self) -> None:
        """Each as a whole, and those that are here already."""
        found = list(self.commitments.values())
        for each in found:
            values = each.values
            if values.get("executed_date") and "executed" not in self.table.places:
                values["executed"] = True
            if values.get("executed_date") and not values.get("executed"):
                self.add_problem(each.row, "executed_date", "It is not executed.")
            for name in {*DETAILS[Kind.SUBCONTRACT]}.difference(DETAILS[Kind(each.kind)]) & values.keys():
                self.add_problem(each.row, name, "A purchase order has none.")
            start, completion = values.get("start_date"), values.get("completion_date")
            if start and completion and completion < start:
                self.add_problem(each.row, "completion_date", "It is before the start date.")
            if len(each.lines) > MAX_LINES:
                self.add_problem(each.row, "", f"{each.number} has more than {MAX_LINES:,} lines.")
        for at in range(0, len(found), BATCH_SIZE):
            self.match_stored(found[at : at + BATCH_SIZE])
        shared = [each for each in found if len(each.lines) > 1]
        if shared and all(len({line.get("amount") for line in each.lines}) == 1 for each in shared):
            self.notes.append(SAME_AMOUNTS)

    def match_stored(self, batch: list[FileCommitment]) -> None:
        as_written = [each.number for each in batch]  # of some letters the database knows no capital
        named = Q(upper__in=[number.upper() for number in as_written]) | Q(number__in=as_written)
        projects = {each.project for each in batch}
        stored = Commitment.objects.annotate(upper=Upper("number")).filter(named, project__in=projects)
        columns = [name for name in LINE_FIELDS if name in self.table.places]
        lines: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
        rows = LineItem.objects.filter(commitment__in=stored).order_by("position")
        for key, *values in rows.values_list("commitment_id", *columns):
            lines[key].append(tuple(values))
        for each in stored:
            found = self.commitments.get((each.project_id, each.kind, each.number.upper()))
            if found is None:
                continue
            found.stored = each
            differences = [
                BY_NAME[name].label
                for name, value in found.values.items()
                if getattr(each, ATTRIBUTES.get(name, name)) != getattr(value, "pk", value)
            ]
            if not LINES & {*columns}:
                totals = [sum((line[0] or 0 for line in lines[each.pk]), Decimal(0)), found.total]
                differences += ["amount"] if columns and totals[0] != totals[1] else []
            elif [list_values(line, columns) for line in found.lines] != lines[each.pk]:
                differences.append("Schedule of Values")
            if differences:
                self.check_change(found, each, differences)

    def check_change(self, found: FileCommitment, stored: Commitment, differences: list[str]) -> None:
        """It may be made, and is certain."""
        found.differs = True
        what = f"{found.number} is here already, with another {' and '.join(differences)}"
        if not self.options.get("changes"):
            self.add_problem(found.row, "", f"{what}. Leave it out, or tick that such commitments change.")
            return
        if len(self.notes) < MOST_NOTES:
            self.notes.append(f"{found.number} changes: {', '.join(differences)}.")
        may = self.by is None or self.can_edit(self.by, found.project, stored.created_by_id)
        if stored.lock != Lock.NONE or not may:
            self.add_problem(found.row, "", f"{what}, and you can't change it. Leave it out.")
        elif "amount" in differences:
            self.add_problem(found.row, "", f"{what}. The file has no lines to change it by.")
        elif "Schedule of Values" in differences:
            found.new_lines = self.build_lines(found, list(services.list_lines(stored)))

    def build_lines(self, found: FileCommitment, stored: list[LineItem]) -> list[dict[str, Any]]:
        """Each with what the file has no column for, of the stored line that it is: the only one with its
        billing item, or in its words, or else one that is the same in all. Where lines are left over on both
        sides, so that something of one could become another's, it is a problem.
        """
        named = [name for name in LINE_FIELDS if name in self.table.places]
        left, pairs = stored, dict[int, LineItem]()
        for names in ({"billing_item"} & {*named}, {*named} - FIGURES, named):
            alike: defaultdict[Any, tuple[list[int], list[LineItem]]] = defaultdict(lambda: ([], []))
            for at, line in enumerate(found.lines):
                if at not in pairs:
                    alike[list_values(line, names)][0].append(at)
            for each in left:
                alike[list_values(vars(each), names)][1].append(each)
            for key, (places, lines) in alike.items():
                is_sure = len(lines) <= len(places) if names is named else len(lines) == len(places) == 1
                if is_sure and any(key):
                    pairs |= zip(places, lines, strict=False)
            left = [each for each in left if each.pk not in {line.pk for line in pairs.values()}]
        missing = [name for name in LINE_FIELDS if name not in named]
        kept = [name for name in missing if any(getattr(each, name) not in (None, "") for each in left)]
        if kept and len(pairs) < len(found.lines):
            labels = " and ".join(BY_NAME[name].label for name in kept)
            what = f"{found.number} changes, and which of its lines is which is not certain"
            remedy = f"Give the file their {labels}, too, or change it by hand."
            self.add_problem(found.row, "", f"{what}. {remedy}")
        blank = {name: BLANK.get(name) for name in (*named, "amount")}
        changed = []
        for at, line in enumerate(found.lines):
            before = services.get_line_values(pairs[at]) if at in pairs else {}
            changed.append(before | blank | line)
            factors = [(before.get(name), line.get(name)) for name in ("quantity", "unit_cost")]
            if at in pairs and "amount" not in named and all(was == now for was, now in factors):
                changed[-1]["amount"] = before["amount"]
        return changed

    def describe(self) -> dict[str, Any]:
        found = list(self.commitments.values())
        lines = [line for each in found for line in each.lines]
        new, changed = sum(each.stored is None for each in found), sum(each.differs for each in found)
        counts = {
            "Rows": self.rows,
            "Commitments": len(found),
            "New": new,
            "Changed": changed,
            "Here already, and left as they are": len(found) - new - changed,
            "Lines": len(lines),
            "Lines without an amount": sum(line.get("amount") is None for line in lines),
        }
        facts = [(label, f"{count:,}") for label, count in counts.items()]
        facts.append(("Amount", f"{self.company.currency} {sum((each.total for each in found), 0):,.2f}"))
        for kind, label, styles, *_ in STYLES:
            facts.append((f"{label} read as", dict(styles.choices).get(self.styles[kind], "")))
        return {
            "facts": facts,
            "problems": self.problems,
            "problem_count": self.problem_count,
            "notes": self.notes,
            "count": new + changed,
            "stamp": [[each.pk, each.version] for one in found if one.differs and (each := one.stored)],
        }

    def write(self) -> None:
        """Drafts, never sent; and changes as if they were typed. In the transaction in which they were read.
        Raises RowsRefused.
        """
        found, by = list(self.commitments.values()), self.by
        new = [each for each in found if each.stored is None]
        assert by is not None
        try:
            for start in range(0, len(new), BATCH_SIZE):
                batch = new[start : start + BATCH_SIZE]
                rows = Commitment.objects.bulk_create(
                    Commitment(
                        project=each.project, kind=each.kind, number=each.number, created_by=by, **each.values
                    )
                    for each in batch
                )
                LineItem.objects.bulk_create(
                    LineItem(commitment=row, position=position, **line)
                    for row, each in zip(rows, batch, strict=True)
                    for position, line in enumerate(each.lines, start=1)
                )
                event = CommitmentEvent.COMMITMENT_CREATED
                history.record_all(event=event, subjects=rows, by=by, company=self.company)
            for each in found:
                if each.stored and each.differs:
                    services.update_commitment(
                        commitment=each.stored,
                        by=by,
                        version=each.stored.version,
                        values=each.values,
                        lines=each.new_lines,
                    )
        except (IntegrityError, CommitmentError) as error:
            problem = "Somebody else has just changed one of them. Check the file again."
            raise RowsRefused(problem) from error


def list_values(line: Mapping[str, Any], names: Iterable[str]) -> tuple[Any, ...]:
    """Of a line of the file, or of a stored one: its cost code and cost type by their keys."""
    values = ((name, line.get(ATTRIBUTES.get(name, name), line.get(name))) for name in names)
    return tuple(BLANK.get(name) if value is None else getattr(value, "pk", value) for name, value in values)


def is_total(row: list[str], cells: Mapping[str, str]) -> bool:
    """It says so, and nothing else but figures."""
    texts = {cell for name, cell in cells.items() if BY_NAME[name].kind == "text"}
    return len(texts) < 2 and any(map(TOTAL.fullmatch, row)) and all(map(TOTAL.fullmatch, texts))


def list_names(name: str, row: Any) -> set[str]:
    return {str(row), *(getattr(row, attribute) for attribute in MEANT[name][0])} - {""}


def build_index(name: str, rows: Iterable[Any]) -> dict[str, list[Any]]:
    named: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for text in set(map(clean_text, list_names(name, row))):
            named[text].append(row)
    return named


def find_projects(company: Company, by: User | None, levels: Collection[str]) -> dict[str, list[Project]]:
    """By their names and numbers, those in which the person has one of these levels."""
    projects = Project.objects.filter(company=company)
    if by:
        memberships = ProjectMembership.objects.filter(
            user=by, user__is_active=True, commitments_level__in=levels
        )
        projects = Project.objects.visible_to(by).filter(company=company, memberships__in=memberships)
    return build_index("project", projects)


def read_commitments(reading: Reading, rows: list[Row], progress: Callable[[int], None]) -> None:
    """Every commitment of the rows, and every problem by row and column; nothing is written."""
    table, places = reading.table, reading.table.places.items()
    for kind, _, styles, parse, sentence in STYLES:
        at = [place for name, place in places if BY_NAME[name].kind == kind]
        texts = {
            row[place].replace(reading.company.currency, "").translate(SHAPES[kind])
            for _, row in table.list_rows(rows)
            for place in at
            if place < len(row) and type(row[place]) is str
        }
        reading.styles[kind] = reading.options.get(f"{kind}s") or find_style(texts, parse, styles)
        if reading.styles[kind] == ASK:
            reading.add_problem(table.head + 1, "", sentence)
    if ASK in reading.styles.values():
        return
    current: FileCommitment | None = None
    since, total = Decimal(0), Decimal(0)
    for count, (number, row) in enumerate(table.list_rows(rows), start=1):
        if not count % 1000:
            progress(count)
        cells = {name: row[at] for name, at in places if at < len(row) and row[at]}
        if is_total(row, cells):
            amount = reading.find_value(number, "amount", cells)
            if amount is not None and amount not in (total, since, current.total if current else None):
                problem = f"{amount:,.2f} is called a total, and is not that of the rows above."
                reading.add_problem(number, "amount", problem)
            since = Decimal(0)
            reading.notes.append(f"Row {number} is a total, and was left out.")
            continue
        if not cells:
            continue
        reading.rows += 1
        current = reading.find_commitment(number, cells, current)
        if current and (line := reading.read_line(number, cells, current.project)):
            current.lines.append(line)
            since, total = (each + (line.get("amount") or 0) for each in (since, total))
    reading.check_commitments()
