"""What can be done to a commitment, and what refuses it.

People's commands take the actor as ``by`` and check the right themselves. The functions at
the end are for the ERP Integrations tool, which alone decides about lock, badge and ERP ID.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from commitments.models import Badge, Commitment, LineItem, Lock
from directory import history
from directory.models import Project, User
from directory.permissions import require_create_commitments, require_edit_commitment

# What Spectrum holds of a synced commitment; the rest stays editable.
EXPORTED_FIELDS = frozenset({"number", "contract_company", "title", "status", "default_retainage"})


class CommitmentError(Exception):
    """A change was refused; the text is for the person who asked."""


class CommitmentLocked(CommitmentError):
    """Accounting has the commitment, or has exported it."""


class CommitmentChanged(CommitmentError):
    """Somebody else changed it since the person opened it."""


class NumberTaken(CommitmentError):
    """The project has another commitment of this kind with this number."""


@transaction.atomic
def create_commitment(
    *, project: Project, kind: str, by: User, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> Commitment:
    """Write a new commitment with its lines, in the given order.

    Raises RightMissing without Standard on the Commitments tool, NumberTaken.
    """
    require_create_commitments(by, project)
    commitment = Commitment(project=project, kind=kind, created_by=by, **values)
    _save(commitment)
    _write_lines(commitment, lines)
    history.record(event="commitment.created", subject=commitment, by=by, company=project.company)
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
    locked = _lock(commitment)
    require_edit_commitment(by, locked.project, locked.created_by_id)
    changed = {name for name, value in values.items() if getattr(locked, name) != value}
    lines_changed = lines is not None and _as_values(lines) != _stored_lines(locked)
    _refuse_locked(locked, changed, lines_changed=lines_changed)
    if locked.version != version:
        raise CommitmentChanged(
            "Somebody else changed this commitment while you had it open. "
            "Your entries are still below: reload the page in another tab, compare, and save again."
        )
    if not changed and not lines_changed:
        return locked
    for name in changed:
        setattr(locked, name, values[name])
    locked.version += 1
    _save(locked)
    if lines is not None and lines_changed:
        locked.lines.all().delete()
        _write_lines(locked, lines)
    history.record(
        event="commitment.changed",
        subject=locked,
        by=by,
        company=locked.project.company,
        detail={"fields": sorted(changed) + (["lines"] if lines_changed else [])},
    )
    return locked


@transaction.atomic
def delete_commitment(*, commitment: Commitment, by: User) -> None:
    """Remove a commitment that was never sent. Raises RightMissing, CommitmentLocked."""
    locked = _lock(commitment)
    require_edit_commitment(by, locked.project, locked.created_by_id)
    if not locked.can_be_deleted:
        raise CommitmentLocked("A commitment that was sent to accounting can't be deleted. Set it to Void.")
    history.record(
        event="commitment.deleted",
        subject=locked,
        by=by,
        company=locked.project.company,
        detail={"kind": locked.kind, "number": locked.number},
    )
    locked.delete()


def mark(
    commitment: Commitment, *, badge: Badge, lock: Lock | None = None, erp_id: str | None = None
) -> None:
    """For the ERP Integrations tool: what the project sees of accounting, and what it may change.

    The caller holds the row's lock and writes the history; None leaves a column as it is.
    """
    commitment.badge = badge
    fields = ["badge"]
    if lock is not None:
        commitment.lock = lock
        fields.append("lock")
    if erp_id is not None:
        commitment.erp_id = erp_id
        fields.append("erp_id")
    commitment.save(update_fields=fields)


def _lock(commitment: Commitment) -> Commitment:
    return (
        Commitment.objects.select_for_update(of=("self",))
        .select_related("project__company")
        .get(pk=commitment.pk)
    )


def _refuse_locked(commitment: Commitment, changed: set[str], *, lines_changed: bool) -> None:
    if commitment.lock == Lock.WHOLE:
        raise CommitmentLocked(
            f"Accounting has this commitment ({commitment.get_badge_display()}). Nothing in it can change. "
            "Before a decision, a project admin can use Retrieve from ERP."
        )
    if commitment.lock == Lock.EXPORTED and (lines_changed or changed & EXPORTED_FIELDS):
        raise CommitmentLocked(
            "This commitment is in Spectrum: number, contract company, title, status, default retainage "
            "and the Schedule of Values can't change any more."
        )


def _save(commitment: Commitment) -> None:
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


def _as_values(lines: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    empty = {"billing_item": "", "description": "", "unit_of_measure": ""}
    return [tuple(line.get(name, empty.get(name)) for name in LINE_FIELDS) for line in lines]


def _stored_lines(commitment: Commitment) -> list[tuple[Any, ...]]:
    stored = commitment.lines.select_related("cost_code", "cost_type").order_by("position")
    return [tuple(getattr(line, name) for name in LINE_FIELDS) for line in stored]


def _write_lines(commitment: Commitment, lines: Sequence[Mapping[str, Any]]) -> None:
    LineItem.objects.bulk_create(
        LineItem(commitment=commitment, position=position, **dict(zip(LINE_FIELDS, line, strict=True)))
        for position, line in enumerate(_as_values(lines), start=1)
    )
