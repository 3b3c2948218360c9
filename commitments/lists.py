"""A project's cost codes and a company's Contract Companies, which commitments choose from: added by row, all
or nothing; renamed, closed, opened again, and merged.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from directory.models import User
from directory.rights.permissions import require_keep_contract_companies, require_keep_cost_codes
from directory.row_files import Row, RowsRefused, find_columns

FIELDS = {"code": WholeTextField(max_length=30), "name": WholeTextField(max_length=200)}


@dataclass(frozen=True, kw_only=True)
class ListKind:
    """One of the two, and all in which they differ. ``key`` tells its rows apart."""

    model: type[Any]
    owner: str
    key: str
    one: str
    title: str
    headings: Mapping[str, tuple[str, ...]]
    needed: str
    event: str
    require_keep: Callable[[User, Any], None]

    def list_rows(self, owner: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.filter(**{self.owner: owner})
        return rows.select_related("merged_into")

    def list_commitments(self, row: Any) -> QuerySet[Commitment]:
        if self.model is ContractCompany:
            return Commitment.objects.filter(contract_company=row)
        return Commitment.objects.filter(pk__in=LineItem.objects.filter(cost_code=row).values("commitment"))

    def record(self, what: str, row: Any, by: User, changes: str, *fields: str) -> None:
        owner, event = getattr(row, self.owner), CommitmentEvent(f"{self.event}.{what}")
        company, detail = getattr(owner, "company", owner), {"fields": fields, "changes": changes}
        history.record(event=event, subject=row, by=by, company=company, detail=detail)


COST_CODE = ListKind(
    model=CostCode,
    owner="project",
    key="code",
    one="cost code",
    title="Cost codes",
    headings={"code": ("code", "cost code", "phase"), "name": ("name", "description")},
    needed="a code and a name",
    event="cost_code",
    require_keep=require_keep_cost_codes,
)
VENDOR = ListKind(
    model=ContractCompany,
    owner="company",
    key="name",
    one="Contract Company",
    title="Contract Companies",
    headings={"name": ("name", "vendor", "vendor name", "contract company")},
    needed="a name alone",
    event="contract_company",
    require_keep=require_keep_contract_companies,
)


def find_rows(kind: ListKind, owner: Any, search: str) -> QuerySet[Any]:
    found = kind.list_rows(owner)
    for word in search.split():
        named = [(f"{name}__icontains", word) for name in kind.headings]
        found = found.filter(Q(*named, _connector=Q.OR))
    return found


@transaction.atomic
def add_rows(*, kind: ListKind, owner: Any, rows: list[Row], by: User) -> int:
    """Those that the list lacks; how many. The same rows once more change nothing.

    Raises RightMissing, and RowsRefused with every problem: then nothing is added.
    """
    kind.require_keep(by, owner)
    known = {clean_text(getattr(each, kind.key)): clean_text(each.name) for each in kind.list_rows(owner)}
    added, problems = [], []
    for number, row in find_columns(rows, kind.headings):
        found = list(check_row(kind, row, known))
        problems += [f"Row {number}: {problem}" for problem in found]
        if not found and clean_text(row[0]) not in known:
            known[clean_text(row[0])] = clean_text(row[-1])
            added.append(kind.model(**{kind.owner: owner}, **dict(zip(kind.headings, row, strict=True))))
    if problems:
        raise RowsRefused(*problems)
    try:
        with transaction.atomic():
            kind.model._default_manager.bulk_create(added)
    except IntegrityError as error:
        problem = "Somebody else has just added one of them. Look at the list, and try again."
        raise RowsRefused(problem) from error
    event, company = CommitmentEvent(f"{kind.event}.created"), getattr(owner, "company", owner)
    history.record_all(event=event, subjects=added, by=by, company=company)
    return len(added)


def check_row(kind: ListKind, row: list[str], known: Mapping[str, str]) -> Iterator[str]:
    if len(row) != len(kind.headings):
        yield f"It needs {kind.needed}; a name with a comma goes between quotation marks."
        return
    for name, text in zip(kind.headings, row, strict=True):
        yield from (f"{name}: {problem}" for problem in check_text(name, text))
    if known.get(clean_text(row[0]), clean_text(row[-1])) != clean_text(row[-1]):
        yield f"The {kind.owner} has the {kind.key} {row[0][:30]} already, or it is here twice."


def check_text(name: str, text: str) -> list[str]:
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
