"""Nothing of a commitment changes while accounting has it, and afterwards nothing that was exported.

The ERP Integrations tool alone decides about lock, badge and ERP ID.
"""

from commitments.errors import CommitmentLocked
from commitments.models import Badge, Commitment, Lock
from directory.db.prepared import save_columns

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
    wanted = {"badge": badge, "lock": lock, "erp_id": erp_id}
    changes = {name: value for name, value in wanted.items() if value is not None}
    for name, value in changes.items():
        setattr(commitment, name, value)
    save_columns(commitment, *changes)
