"""What of a commitment may not change: nothing while accounting has it, and what was exported after that.

The ERP Integrations tool alone decides about lock, badge and ERP ID.
"""

from commitments.errors import CommitmentLocked
from commitments.models import Badge, Commitment, Lock

# What Spectrum holds of a synced commitment; the rest stays editable.
EXPORTED_FIELDS = frozenset({"number", "contract_company", "title", "status", "default_retainage"})


def require_unlocked(commitment: Commitment, changed: set[str], *, lines_changed: bool) -> None:
    if commitment.lock == Lock.WHOLE:
        raise CommitmentLocked(
            f"Accounting has this commitment ({commitment.get_badge_display()}). It can't be changed. "
            "Before a decision, a project admin can use Retrieve from ERP."
        )
    if commitment.lock == Lock.EXPORTED and (lines_changed or changed & EXPORTED_FIELDS):
        raise CommitmentLocked(
            "This commitment is in Spectrum: number, Contract Company, title, status, Default Retainage "
            "and the Schedule of Values can no longer be changed."
        )


def set_accounting_status(
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
