"""A project's cost codes and a company's Contract Companies, which commitments choose from, and its projects:
added by row, all or nothing. The first two are renamed, closed, opened again, and merged.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from commitments import services
from commitments.changes import Change
from commitments.choices import accounting
from commitments.errors import ListChanged, ListRefused
from commitments.events import CommitmentEvent
from commitments.forms import WholeTextField, clean_text
from commitments.models import Commitment, ContractCompany, CostCode, LineItem, Lock
from directory import history
from directory.columns import Column
from directory.history.events import DirectoryEvent, Event
from directory.models import Project, User
from directory.rights.permissions import (
    require_keep_contract_companies,
    require_keep_cost_codes,
    require_keep_projects,
)
from directory.row_files import UNCLEAR, NativeCell, Row, RowsRefused

FIELDS = {
    "code": WholeTextField(max_length=30),
    "name": WholeTextField(max_length=200),
    "number": WholeTextField(max_length=20),
}


@dataclass(frozen=True, kw_only=True)
class ListKind:
    """One of them, and all in which they differ. The first of its ``columns`` tells its rows apart, the last
    is what else there is of one.
    """

    model: type[Any]
    owner: str
    one: str
    title: str
    columns: tuple[Column, ...]
    needed: str
    event: str
    events: type[Event] = CommitmentEvent
    require_keep: Callable[[User, Any], None]

    @property
    def key(self) -> str:
        return self.columns[0].name

    @property
    def hint(self) -> str:
        return " or ".join(each.name for each in self.columns).capitalize()

    def list_rows(self, owner: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.filter(**{self.owner: owner})
        return rows if self.model is Project else rows.select_related("merged_into")

    def list_commitments(self, row: Any) -> QuerySet[Commitment]:
        if self.model is ContractCompany:
            return Commitment.objects.filter(contract_company=row)
        return Commitment.objects.filter(pk__in=LineItem.objects.filter(cost_code=row).values("commitment"))

    def record(self, what: str, row: Any, by: User, changes: str, *fields: str) -> None:
        owner, event = getattr(row, self.owner), CommitmentEvent(f"{self.event}.{what}")
        company, detail = getattr(owner, "company", owner), {"fields": fields, "changes": changes}
        history.record(event=event, subject=row, by=by, company=company, detail=detail)


CODE = Column("code", "Cost code", "code, phase, phase code, cost code number", is_needed=True)
NAME = Column("name", "Name", "description, title, cost code name, phase name", is_needed=True)
COMPANY = Column(
    "name",
    "Name",
    "vendor, vendor name, contract company, company, company name",
    is_needed=True,
)
COST_CODE = ListKind(
    model=CostCode,
    owner="project",
    one="cost code",
    title="Cost codes",
    columns=(CODE, NAME),
    needed="a code and a name",
    event="cost_code",
    require_keep=require_keep_cost_codes,
)
VENDOR = ListKind(
    model=ContractCompany,
    owner="company",
    one="Contract Company",
    title="Contract Companies",
    columns=(COMPANY,),
    needed="a name alone",
    event="contract_company",
    require_keep=require_keep_contract_companies,
)
PROJECT = ListKind(
    model=Project,
    owner="company",
    one="project",
    title="Projects",
    columns=(
        Column("name", "Name", "project, project name, description", is_needed=True),
        Column("number", "Number", "project number, project code"),
    ),
    needed="a name and a number",
    event="project",
    events=DirectoryEvent,
    require_keep=require_keep_projects,
)


def find_rows(kind: ListKind, owner: Any, search: str) -> QuerySet[Any]:
    found = kind.list_rows(owner)
    for word in search.split():
        named = [(f"{column.name}__icontains", word) for column in kind.columns]
        found = found.filter(Q(*named, _connector=Q.OR))
    return found


@transaction.atomic
def add_rows(*, kind: ListKind, owner: Any, rows: Iterable[Row], by: User) -> int:
    """Those that the list lacks; how many. The same rows once more change nothing.

    Raises RightMissing, and RowsRefused with every problem: then nothing is added.
    """
    kind.require_keep(by, owner)
    added, problems, _ = check_rows(kind, owner, rows)
    if problems:
        raise RowsRefused(*problems)
    try:
        with transaction.atomic():
            kind.model._default_manager.bulk_create(added, batch_size=1000)
    except IntegrityError as error:
        problem = "Somebody else has just added one of them. Look at the list, and try again."
        raise RowsRefused(problem) from error
    event, company = kind.events(f"{kind.event}.created"), getattr(owner, "company", owner)
    history.record_all(event=event, subjects=added, by=by, company=company)
    return len(added)


def check_rows(kind: ListKind, owner: Any, rows: Iterable[Row]) -> tuple[list[Any], list[str], int]:
    """Those that the list lacks, every problem, and how many rows are on it already."""
    first, last = kind.columns[0].name, kind.columns[-1].name
    known = {
        clean_text(getattr(each, first)): clean_text(getattr(each, last)) for each in kind.list_rows(owner)
    }
    added, problems, same = [], [], 0
    for number, row in rows:
        found = list(check_row(kind, row, known))
        problems += [f"Row {number}: {problem}" for problem in found]
        if found:
            continue
        if clean_text(row[0]) in known:
            same += 1
            continue
        known[clean_text(row[0])] = clean_text(row[-1])
        values = {column.name: text for column, text in zip(kind.columns, row, strict=True)}
        added.append(kind.model(**{kind.owner: owner}, **values))
    return added, problems, same


def check_row(kind: ListKind, row: list[str], known: Mapping[str, str]) -> Iterator[str]:
    if len(row) != len(kind.columns):
        yield f"It needs {kind.needed}; a name with a comma goes between quotation marks."
        return
    for column, text in zip(kind.columns, row, strict=True):
        if text or column.is_needed:
            yield from (f"{column.label}: {problem}" for problem in check_text(column.name, text))
    if known.get(clean_text(row[0]), clean_text(row[-1])) != clean_text(row[-1]):
        yield f"The {kind.owner} has the {kind.key} {row[0][:30]} already, or it is here twice."


def check_text(name: str, text: str) -> list[str]:
    if type(text) is NativeCell:
        return [UNCLEAR.format(text[:30])]
    try:
        return [] if FIELDS[name].clean(text) else ["It is missing."]
    except ValidationError as error:
        return error.messages


@transaction.atomic
def set_closed(*, kind: ListKind, row: Any, closed: bool, by: User) -> None:
    """A closed one is offered no more, and stays where it is; opened again it is merged into none. Raises
    RightMissing.
    """
    kind.require_keep(by, getattr(row, kind.owner))
    changed = kind.model._default_manager.filter(pk=row.pk, closed_at__isnull=closed)
    if changed.update(closed_at=Now() if closed else None, merged_into=None):
        change = Change("State", row.state, "Closed" if closed else "Open")
        kind.record("changed", row, by, str(change), "closed_at")


@transaction.atomic
def set_name(*, kind: ListKind, row: Any, name: str, expected: str, by: User) -> None:
    """Its links wait for a second person: under another name they are another one's. What was sent keeps the
    old name. Raises RightMissing, ListRefused, ListChanged.
    """
    kind.require_keep(by, getattr(row, kind.owner))
    row = lock_rows(kind, row)[row.pk]
    others = kind.list_rows(getattr(row, kind.owner)).exclude(pk=row.pk)
    if problems := check_text("name", name):
        raise ListRefused(problems[0])
    if row.merged_into:
        raise ListRefused(f"{row.state}: it keeps its name.")
    if row.name != expected:
        raise ListChanged(f"Somebody else has renamed it: it is {row.name} now.")
    if kind.key == "name" and any(clean_text(each.name) == clean_text(name) for each in others):
        raise ListRefused(f"The company has a {kind.one} {name} already. If they are one, merge them.")
    if row.name == name:
        return
    before, row.name = row.name, name
    try:
        with transaction.atomic():
            row.save(update_fields=["name"])
    except IntegrityError as error:
        raise ListChanged(f"Somebody else has just named another one {name}. Look at the list.") from error
    kind.record("changed", row, by, str(Change("Name", before, name)), "name")
    if kind is VENDOR:
        accounting[0].record_renaming(row, before, by)


@dataclass(frozen=True)
class MergePlan:
    """One to be merged into another: what would move, and the obstacle, if any."""

    merged: Any
    kept: Any
    counts: Mapping[str, int]
    """Commitments by their lock."""
    obstacle: str

    @property
    def moving(self) -> int:
        return self.counts.get(Lock.NONE, 0)

    @property
    def staying(self) -> list[tuple[str, int]]:
        labels = {Lock.WHOLE: "With accounting", Lock.EXPORTED: "In Spectrum"}
        return [(label, self.counts.get(lock, 0)) for lock, label in labels.items()]

    @property
    def stamp(self) -> str:
        """Another one as soon as anything of it is."""
        return f"{self.merged}|{self.kept}|{sorted(self.counts.items())}"


def build_merge_plan(kind: ListKind, merged: Any, kept: Any) -> MergePlan:
    by_lock = kind.list_commitments(merged).order_by().values_list("lock").annotate(Count("pk"))
    obstacle = f"{kept} is closed. Open it first, or keep another." if kept.closed_at else ""
    if kind is VENDOR:
        obstacle = obstacle or accounting[0].find_merge_obstacle(merged, kept)
    return MergePlan(merged, kept, dict(by_lock), obstacle)


@transaction.atomic
def merge(*, kind: ListKind, merged: Any, kept: Any, expected: str, by: User) -> MergePlan:
    """Put one in the other's place wherever a commitment can still be changed, and close it. What accounting
    has, or has exported, stays, and so do the links of each. Whoever merges has a hand in what moves.

    ``expected`` is the stamp of what the person saw. Raises RightMissing, ListRefused, ListChanged.
    """
    kind.require_keep(by, getattr(merged, kind.owner))
    rows = lock_rows(kind, merged, kept)
    merged, kept = rows[merged.pk], rows[kept.pk]
    moving = kind.list_commitments(merged).filter(lock=Lock.NONE).select_for_update(of=("self",))
    commitments = list(moving.select_related("project__company", "contract_company").order_by("pk"))
    plan = build_merge_plan(kind, merged, kept)
    if plan.obstacle:
        raise ListRefused(plan.obstacle)
    if plan.stamp != expected:
        raise ListChanged("Something has changed since you looked, so nothing was merged. Check it again.")
    for commitment in commitments:
        if kind is VENDOR:
            services.write_changes(commitment, by, {"contract_company": kept}, None)
        else:
            lines = map(services.get_line_values, services.list_lines(commitment))
            moved = [each | ({"cost_code": kept} if each["cost_code"] == merged else {}) for each in lines]
            services.write_changes(commitment, by, {}, moved)
    merged.closed_at, merged.merged_into = Now(), kept
    merged.save(update_fields=["closed_at", "merged_into"])
    stay = sum(count for _, count in plan.staying)
    for row in (merged, kept):
        kind.record(
            "merged", row, by, f"{merged} into {kept}. Commitments: {plan.moving} moved, {stay} stayed."
        )
    return plan


def lock_rows(kind: ListKind, *rows: Any) -> dict[int, Any]:
    """In the order of their keys, against each other alone: commitments go on to refer to them."""
    found = kind.model._default_manager.filter(pk__in=[each.pk for each in rows]).order_by("pk")
    found = found.select_related("merged_into", kind.owner)
    return {each.pk: each for each in found.select_for_update(of=("self",), no_key=True)}


def count_commitments(rows: Sequence[Any], **condition: Any) -> dict[int, int]:
    """Of Contract Companies, by key."""
    commitments = Commitment.objects.filter(contract_company__in=rows, **condition).order_by()
    return dict(commitments.values_list("contract_company").annotate(Count("pk")))
