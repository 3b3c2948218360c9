"""Why a person may not decide on a commitment: two people stand behind every dollar."""

from collections.abc import Collection
from typing import Any

from directory.models import User
from directory.rights.permissions import RightMissing
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.pending_changes import PendingChange
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.models import SnapshotUnreadable, Submission
from erp_integrations.snapshots import Document
from erp_integrations.submissions.errors import StatementMissing


def describe_own_decision(
    submission: Submission, person: User, *, includes_changes: bool = True, has_begun: bool = False
) -> str:
    """A sentence; blank for who may decide. ``includes_changes``: what they decide sends money somewhere.

    Whoever is exempted, or whose company is freed from the rule, may, but for an account of its own.
    """
    if submission.is_own_decision(person):
        return (
            "You created, changed, sent or retrieved this commitment, so another accounting approver "
            "must decide on it."
        )
    if not includes_changes:
        return ""
    is_freed = submission.company.allows_own_decisions or submission.exempt_id == person.pk
    try:
        document = None if has_begun else submission.document
        changes = _list_pending_changes(submission, document, changed_by=None if is_freed else person)
    except SnapshotUnreadable:
        return ""  # nothing is planned from it any more
    if is_freed:
        of_one = [each for each in changes if each.subject.kind is Kind.SUBMISSION]
        changes = [each for each in of_one if person.pk in each.barred]
    if not changes:
        return ""
    part = "were involved in" if is_freed else "changed"
    return (
        f"You {part} where this is exported to: {changes[0].sentence} Another ERP Integrations Admin "
        "must confirm it, or another accounting approver when they accept or resume."
    )


def require_own_changes_confirmed(submission: Submission, by: User, *, has_begun: bool = False) -> None:
    """Raise RightMissing for who changed what steers this commitment, while nobody else has confirmed it."""
    if sentence := describe_own_decision(submission, by, has_begun=has_begun):
        right = "decide where one's own change leads"
        raise RightMissing(by=by, company=submission.company, right=right, sentence=sentence)


def require_ticked_changes(
    submission: Submission,
    document: Document | None,
    by: User,
    ticked: Collection[str],
    *,
    waits: bool = True,
) -> list[PendingChange]:
    """The changes of others that a decision confirms: each is ticked exactly as it was shown.

    Of what a plan is made from, or, without a ``document``, of what an export that has begun goes by. Nothing
    ``waits`` where no change in the company does. Raises RightMissing, StatementMissing.
    """
    if not waits:
        return []
    require_own_changes_confirmed(submission, by, has_begun=document is None)
    pending = _list_pending_changes(submission, document, lock=True)
    changes = [each for each in pending if by.pk not in each.row.people]
    if any(each.stamp not in ticked for each in changes):
        raise StatementMissing(
            "Links or settings used by this commitment were changed and need a second person's confirmation. "
            "Check each one below and tick it if it is right. Otherwise nothing is exported."
        )
    return changes


def _list_pending_changes(
    submission: Submission, document: Document | None, **options: Any
) -> list[PendingChange]:
    if document is None:
        return pending_changes.list_for_begun_export(submission.connection, **options)
    return pending_changes.list_for_document(document, **options)
