"""Many decisions at once: each by its own command, in a transaction of its own, and none holds up another."""

import time
from collections.abc import Sequence

from django.db import transaction

from directory.models import CompanyMembership, User
from directory.rights.permissions import RightMissing
from erp_integrations.checks import row_checks
from erp_integrations.checks.rules import RULE_PREFIX
from erp_integrations.models import (
    Batch,
    BatchAction,
    BatchItem,
    ItemState,
    SnapshotUnreadable,
    Submission,
)
from erp_integrations.submissions.accepting import accept
from erp_integrations.submissions.errors import Conflict, DecisionError
from erp_integrations.submissions.rejecting import reject

FIRST_TIMES = f"{RULE_PREFIX}first-"
CHANGED = "It has changed since you looked at it. Look again, and decide."


@transaction.atomic
def create_batch(
    *, viewer: CompanyMembership, action: BatchAction, items: Sequence[BatchItem], reason: str = ""
) -> Batch:
    """Store what is to be decided, and what was left out and why."""
    batch = Batch.objects.create(company=viewer.company, by=viewer.user, action=action, reason=reason)
    for item in items:
        item.batch = batch
    BatchItem.objects.bulk_create(items)
    return batch


def run_batch(batch: Batch, *, by: User, seconds: float) -> bool:
    """Decide on one after the other for about so long; True if none is left. Only for whose batch it is."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        item = batch.items.filter(state=ItemState.PLANNED).select_related("submission__company").first()
        if item is None:
            return True
        try:
            run_item(batch, item.pk, by)
        except (DecisionError, RightMissing, SnapshotUnreadable) as refusal:
            planned = batch.items.filter(pk=item.pk, state=ItemState.PLANNED)
            planned.update(state=ItemState.REFUSED, message=str(refusal))
    return not batch.items.filter(state=ItemState.PLANNED).exists()


@transaction.atomic
def run_item(batch: Batch, item_id: int, by: User) -> None:
    """The decision and its item's state together, so that it is neither lost nor made twice. Raises as the
    command does; nothing is changed then.
    """
    planned = batch.items.select_for_update(of=("self",), skip_locked=True).filter(state=ItemState.PLANNED)
    item = planned.select_related("submission__company").filter(pk=item_id).first()
    if item is None:
        return  # another page of the same person is at it
    submission = item.submission
    if batch.action == BatchAction.REJECT:
        if submission.snapshot_hash != item.expected_hash:
            raise Conflict(CHANGED)
        reject(submission=submission, by=by, reason=batch.reason)
    else:
        require_same_warnings(submission, item)
        accept(submission=submission, by=by, expected_hash=item.expected_hash, erp_id=item.erp_id)
    item.state = ItemState.DONE
    item.save(update_fields=["state"])


def require_same_warnings(submission: Submission, item: BatchItem) -> None:
    """Nothing is said of it now that its person did not read. Raises Conflict.

    A first time comes true by the history alone, to which each acceptance of the same batch adds.
    """
    issues = row_checks.check_submission(submission).issues
    sentences = {issue.sentence for issue in issues if not issue.code.startswith(FIRST_TIMES)}
    if not sentences <= set(item.warnings):
        raise Conflict(CHANGED)
