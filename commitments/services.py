"""Everything that can be done to a commitment, with its refusals.

Each takes the actor as ``by`` and checks the right itself.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from commitments import merging
from commitments.errors import CommitmentChanged, CommitmentLocked, DoesNotFit, NumberTaken
from commitments.events import CommitmentEvent
from commitments.locks import require_unlocked
from commitments.models import Commitment, LineItem
from directory import history
from directory.models import Project, User
from directory.rights.permissions import require_create_commitments, require_edit_commitment


@transaction.atomic
def create_commitment(
    *, project: Project, kind: str, by: User, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> Commitment:
    """Write a new commitment with its lines, in the given order.

    Raises RightMissing without Standard on the Commitments tool, NumberTaken.
    """
    require_create_commitments(by, project)
    commitment = Commitment(project=project, kind=kind, created_by=by, **values)
    save_commitment(commitment)
    create_lines(commitment, lines)
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
    """Change a commitment; ``lines`` replaces the whole Schedule of Values, None leaves it.

    ``version`` is what the person saw. Raises RightMissing, CommitmentLocked,
    CommitmentChanged, NumberTaken.
    """
    commitment_row = lock_commitment(commitment)
    require_edit_commitment(by, commitment_row.project, commitment_row.created_by_id)
    changed = {name for name, value in values.items() if getattr(commitment_row, name) != value}
    lines_changed = lines is not None and not has_same_lines(commitment_row, lines)
    require_unlocked(commitment_row, changed, lines_changed=lines_changed)
    if commitment_row.version != version:
        raise CommitmentChanged(
            "Somebody else has changed this commitment since you opened it. Your entries are still below: "
            "open the page in another tab, compare, and save again."
        )
    if not changed and not lines_changed:
        return commitment_row
    for name in changed:
        setattr(commitment_row, name, values[name])
    update_lines(commitment_row, lines if lines_changed else None)
    history.record(
        event=CommitmentEvent.COMMITMENT_CHANGED,
        subject=commitment_row,
        by=by,
        company=commitment_row.project.company,
        detail={"fields": sorted(changed) + (["lines"] if lines_changed else [])},
    )
    return commitment_row


@transaction.atomic
def merge_lines(*, commitment: Commitment, by: User, version: int, positions: Collection[int]) -> Commitment:
    """Put one line in the place of those at ``positions``, as ``merging.merged`` says; the first's place.

    ``version`` is what the person saw, so that exactly what was shown results. The history keeps
    the lines as they were. Raises RightMissing, CommitmentLocked, CommitmentChanged, DoesNotFit.
    """
    commitment_row, lines = lock_lines(commitment, by=by, version=version, positions=positions)
    chosen = [line for line in lines if line.position in positions]
    try:
        result = merging.merge_lines([_get_line_values(line) for line in chosen])
    except ValueError as error:
        raise DoesNotFit(
            f"Nothing was merged: {error}. Give the lines billing items of their own instead."
        ) from error
    first = min(positions)
    kept = [line for line in lines if line.position not in positions or line.position == first]
    update_lines(
        commitment_row, [result.values if line.position == first else _get_line_values(line) for line in kept]
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
            {**_get_line_values(line), "billing_item": given.get(line.position, line.billing_item)}
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
    commitment_row.delete()


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
    lines = list(commitment_row.lines.select_related("cost_code", "cost_type").order_by("position"))
    if (
        commitment_row.version != version
        or not positions
        or set(positions) - {line.position for line in lines}
    ):
        raise CommitmentChanged(
            "This commitment has changed since you opened it. The current version is shown."
        )
    return commitment_row, lines


def update_lines(commitment: Commitment, lines: Sequence[Mapping[str, Any]] | None) -> None:
    """Save the commitment as its next version, with these lines; None leaves those that it has."""
    commitment.version += 1
    save_commitment(commitment)
    if lines is not None:
        commitment.lines.all().delete()
        create_lines(commitment, lines)


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


def _get_line_values(line: LineItem) -> dict[str, Any]:
    return {name: getattr(line, name) for name in LINE_FIELDS}


def save_commitment(commitment: Commitment) -> None:
    try:
        with transaction.atomic():
            commitment.save()
    except IntegrityError as error:
        if "a_number_is_unique_in_its_project_and_kind" not in str(error):
            raise
        raise NumberTaken(
            f"The project has another {commitment.get_kind_display().lower()} with the number "
            f"{commitment.number}. Choose another number."
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
    stored = commitment.lines.select_related("cost_code", "cost_type").order_by("position")
    return _to_line_tuples(lines) == [tuple(getattr(line, name) for name in LINE_FIELDS) for line in stored]


def create_lines(commitment: Commitment, lines: Sequence[Mapping[str, Any]]) -> None:
    LineItem.objects.bulk_create(
        LineItem(commitment=commitment, position=position, **dict(zip(LINE_FIELDS, line, strict=True)))
        for position, line in enumerate(_to_line_tuples(lines), start=1)
    )
