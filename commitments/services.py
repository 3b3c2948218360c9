"""Everything that can be done to a commitment, with its refusals.

Each takes the actor as ``by`` and checks the right itself.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from commitments import files, merging, numbers
from commitments.changes import (
    Change,
    build_details,
    build_facts,
    describe_changes,
    list_changes,
    list_line_changes,
)
from commitments.errors import CommitmentChanged, CommitmentLocked, DoesNotFit, FormUsed, NumberTaken
from commitments.events import CommitmentEvent
from commitments.locks import require_unlocked
from commitments.models import Commitment, LineItem
from directory import history
from directory.db.time_zones import format_time
from directory.models import HistoryEntry, Project, User
from directory.rights.permissions import require_create_commitments, require_edit_commitment


@transaction.atomic
def create_commitment(
    *,
    project: Project,
    kind: str,
    by: User,
    values: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    entry_key: UUID | None = None,
) -> Commitment:
    """Write a new commitment with its lines, in the given order; the same form sent again gives the one that
    it made. Raises RightMissing without Standard on the Commitments tool, NumberTaken, and FormUsed where it
    says something else than before.
    """
    require_create_commitments(by, project)
    commitment = Commitment(project=project, kind=kind, created_by=by, entry_key=entry_key, **values)
    try:
        save_commitment(commitment)
    except (IntegrityError, NumberTaken):
        made = Commitment.objects.filter(project=project, created_by=by, entry_key=entry_key).first()
        if made is None or entry_key is None:
            raise
        same_header = all(getattr(made, name) == value for name, value in values.items())
        if not (same_header and has_same_lines(made, lines)):
            raise FormUsed(
                f"This form has created {made} already. To create another commitment with what you see here, "
                "press the button again.",
                made,
            ) from None
        return made
    save_lines(commitment, lines)
    history.record(
        event=CommitmentEvent.COMMITMENT_CREATED, subject=commitment, by=by, company=project.company
    )
    return commitment


@transaction.atomic
def update_commitment(
    *,
    commitment: Commitment,
    by: User,
    version: int,
    values: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]] | None,
) -> Commitment:
    """Change a commitment; ``lines`` are the whole Schedule of Values, None leaves it. A line with the
    ``line_id`` of a stored one is that line, any other is new, and stored ones that are not among them go.

    ``version`` is what the person saw. Raises RightMissing, CommitmentLocked,
    CommitmentChanged, NumberTaken.
    """
    commitment_row = lock_commitment(commitment)
    require_edit_commitment(by, commitment_row.project, commitment_row.created_by_id)
    changed = {name for name, value in values.items() if getattr(commitment_row, name) != value}
    lines_changed = lines is not None and not has_same_lines(commitment_row, lines)
    require_unlocked(commitment_row, changed, lines_changed=lines_changed)
    if not changed and not lines_changed:
        return commitment_row  # a second press, too, whose first one has saved it
    if commitment_row.version != version:
        raise CommitmentChanged(
            f"{describe_last_editor(commitment_row)} changed this commitment since you opened it. Your "
            "entries are still below: compare them with what is saved now, and save again."
        )
    write_changes(
        commitment_row, by, {name: values[name] for name in changed}, lines if lines_changed else None
    )
    return commitment_row


def write_changes(
    commitment: Commitment, by: User, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]] | None
) -> None:
    """With their history. The caller holds the row's lock, and has found that they are allowed."""
    facts = get_facts(commitment)
    for name, value in values.items():
        setattr(commitment, name, value)
    line_changes = update_lines(commitment, lines)
    history.record(
        event=CommitmentEvent.COMMITMENT_CHANGED,
        subject=commitment,
        by=by,
        company=commitment.project.company,
        detail={
            "fields": sorted(values) + (["lines"] if lines is not None else []),
            "changes": describe_changes((*list_changes(facts, get_facts(commitment)), *line_changes)),
        },
    )


@transaction.atomic
def merge_lines(*, commitment: Commitment, by: User, version: int, positions: Collection[int]) -> Commitment:
    """Put one line in the place of those at ``positions``, as ``merging.merged`` says; the first's place.

    ``version`` is what the person saw, so that exactly what was shown results. The history keeps
    the lines as they were. Raises RightMissing, CommitmentLocked, CommitmentChanged, DoesNotFit.
    """
    commitment_row, lines = lock_lines(commitment, by=by, version=version, positions=positions)
    chosen = [line for line in lines if line.position in positions]
    try:
        result = merging.merge_lines([get_line_values(line) for line in chosen])
    except ValueError as error:
        raise DoesNotFit(
            f"Nothing was merged: {error}. Give the lines billing items of their own instead."
        ) from error
    first = min(positions)
    kept = [line for line in lines if line.position not in positions or line.position == first]
    update_lines(
        commitment_row,
        [
            get_line_values(line) | (result.values if line.position == first else {"line_id": line.pk})
            for line in kept
        ],
    )
    record_lines_change(
        commitment_row,
        by,
        CommitmentEvent.COMMITMENT_LINES_MERGED,
        chosen,
        was="\n".join(map(merging.describe_line, chosen)),
    )
    return commitment_row


@transaction.atomic
def set_billing_items(
    *, commitment: Commitment, by: User, version: int, positions: Collection[int], anew: bool = False
) -> Commitment:
    """Give each of these lines that lacks one a billing item of its own, as ``merging.billing_items`` says;
    with ``anew`` each of them.

    ``version`` is what the person saw. Raises RightMissing, CommitmentLocked, CommitmentChanged.
    """
    commitment_row, lines = lock_lines(commitment, by=by, version=version, positions=positions)
    given = merging.build_billing_items(lines, positions, anew=anew)
    update_lines(
        commitment_row,
        [
            {**get_line_values(line), "billing_item": given.get(line.position, line.billing_item)}
            for line in lines
        ],
    )
    record_lines_change(
        commitment_row,
        by,
        CommitmentEvent.COMMITMENT_BILLING_ITEMS_GIVEN,
        [line for line in lines if line.position in given],
        billing_items={str(position): item for position, item in given.items()},
    )
    return commitment_row


@transaction.atomic
def delete_commitment(*, commitment: Commitment, by: User) -> None:
    """Remove a commitment that was never sent. Raises RightMissing, CommitmentLocked."""
    commitment_row = lock_commitment(commitment)
    require_edit_commitment(by, commitment_row.project, commitment_row.created_by_id)
    if not commitment_row.can_be_deleted:
        raise CommitmentLocked(
            "A commitment that has been sent to accounting can't be deleted. Set it to Void."
        )
    history.record(
        event=CommitmentEvent.COMMITMENT_DELETED,
        subject=commitment_row,
        by=by,
        company=commitment_row.project.company,
        detail={"kind": commitment_row.kind, "number": commitment_row.number},
    )
    keys = list(commitment_row.attachments.values_list("stored_as", flat=True))
    commitment_row.delete()
    transaction.on_commit(partial(files.delete_files, keys))


def set_exported_status(commitment: Commitment, status: str) -> None:
    """The ERP has it now. The caller holds the row's lock."""
    if commitment.status == status:
        return
    facts = get_facts(commitment)
    commitment.status, commitment.version = status, commitment.version + 1
    commitment.save(update_fields=["status", "version", "updated_at"])
    history.record(
        event=CommitmentEvent.COMMITMENT_CHANGED,
        subject=commitment,
        by=None,
        company=commitment.project.company,
        detail={
            "fields": ["status"],
            "changes": describe_changes(list_changes(facts, get_facts(commitment))),
        },
    )


def lock_commitment(commitment: Commitment) -> Commitment:
    return (
        Commitment.objects.select_for_update(of=("self",))
        .select_related("project__company")
        .get(pk=commitment.pk)
    )


def lock_lines(
    commitment: Commitment, *, by: User, version: int, positions: Collection[int]
) -> tuple[Commitment, list[LineItem]]:
    """The commitment under lock with its lines, for a change to those at ``positions``."""
    commitment_row = lock_commitment(commitment)
    require_edit_commitment(by, commitment_row.project, commitment_row.created_by_id)
    require_unlocked(commitment_row, set(), lines_changed=True)
    lines = list(list_lines(commitment_row))
    if (
        commitment_row.version != version
        or not positions
        or set(positions) - {line.position for line in lines}
    ):
        raise CommitmentChanged(
            "This commitment has changed since you opened it. The current version is shown."
        )
    return commitment_row, lines


def update_lines(commitment: Commitment, lines: Sequence[Mapping[str, Any]] | None) -> list[Change]:
    """Save the commitment as its next version, with these lines; None leaves those that it has. What is
    otherwise in the lines.
    """
    commitment.version += 1
    save_commitment(commitment)
    return [] if lines is None else save_lines(commitment, lines)


def record_lines_change(
    commitment: Commitment,
    by: User,
    event: CommitmentEvent,
    previous_lines: Sequence[LineItem],
    **detail: Any,
) -> None:
    """History of a change to some lines, with what they were: nothing is lost in silence."""
    previous_values = [
        {
            name: str(getattr(line, name))
            for name in ("position", *LINE_FIELDS)
            if getattr(line, name) is not None
        }
        for line in previous_lines
    ]
    history.record(
        event=event,
        subject=commitment,
        by=by,
        company=commitment.project.company,
        detail={"were": previous_values, **detail},
    )


def get_line_values(line: LineItem) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("line_id", *LINE_FIELDS)}


def get_facts(commitment: Commitment) -> dict[str, str]:
    return build_facts(commitment, str(commitment.contract_company or "")) | build_details(commitment)


def save_commitment(commitment: Commitment) -> None:
    try:
        with transaction.atomic():
            commitment.save()
    except IntegrityError as error:
        if "a_number_is_unique_in_its_project_and_kind" not in str(error):
            raise
        free = numbers.find_free_number(commitment.project, commitment.kind)
        raise NumberTaken(
            f"The project has another {commitment.get_kind_display().lower()} with the number "
            f"{commitment.number}, in capital or small letters. Choose another number; {free} is free."
        ) from error


LINE_FIELDS = (
    "cost_code",
    "cost_type",
    "billing_item",
    "description",
    "quantity",
    "unit_of_measure",
    "unit_cost",
    "amount",
)


def _to_line_tuples(lines: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    empty = {"billing_item": "", "description": "", "unit_of_measure": ""}
    return [tuple(line.get(name, empty.get(name)) for name in LINE_FIELDS) for line in lines]


def has_same_lines(commitment: Commitment, lines: Sequence[Mapping[str, Any]]) -> bool:
    """Nothing of the stored lines is otherwise in these."""
    stored = list_lines(commitment)
    return _to_line_tuples(lines) == [tuple(getattr(line, name) for name in LINE_FIELDS) for line in stored]


def save_lines(commitment: Commitment, lines: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Only what is otherwise is written. An identity counts once, and only for a line of this commitment."""
    stored = {line.pk: line for line in list_lines(commitment)}
    before, saved = list(map(copy, stored.values())), []
    for position, (line, values) in enumerate(zip(lines, _to_line_tuples(lines), strict=True), start=1):
        row = stored.pop(line.get("line_id") or 0, None) or LineItem(commitment=commitment)
        row.position = position
        for name, value in zip(LINE_FIELDS, values, strict=True):
            setattr(row, name, value)
        saved.append(row)
    commitment.lines.filter(pk__in=stored).delete()
    were = {line.pk: line for line in before}
    names = ("position", *LINE_FIELDS)
    changed = [row for row in saved if row.pk and not has_same_values(row, were[row.pk], names)]
    # One statement for all of them: each is there, as the commitment is locked.
    LineItem.objects.bulk_create(changed, update_conflicts=True, unique_fields=["id"], update_fields=names)
    LineItem.objects.bulk_create(row for row in saved if not row.pk)
    return list(list_line_changes(before, saved))


def has_same_values(line: LineItem, other: LineItem, names: Iterable[str]) -> bool:
    return all(getattr(line, name) == getattr(other, name) for name in names)


def describe_last_editor(commitment: Commitment) -> str:
    entry = HistoryEntry.objects.about(commitment).exclude(by_id=None).last()
    person = User.objects.filter(pk=entry.by_id or 0).first() if entry else None
    return f"{person}, {format_time(entry.at)}," if entry and person else "Somebody else has"


def list_lines(commitment: Commitment) -> QuerySet[LineItem]:
    return commitment.lines.select_related("cost_code", "cost_type").order_by("position")
