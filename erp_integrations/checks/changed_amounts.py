"""What became of the money since accounting last saw a commitment: a tripled line is told, not found."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from erp_integrations.adapters.base import Finding, Fixer, Severity
from erp_integrations.models import SnapshotUnreadable, Submission
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import Document

MOST_LINES = 12  # in a sentence

LineName = tuple[str, ...]


def changed_amounts(document: Document) -> list[Finding]:
    """A remark where total or lines are not those of the last sending that ended. One query."""
    ended = Submission.objects.filter(commitment=document.commitment_id).exclude(status__in=OPEN_STATUSES)
    last = ended.order_by("-pk").first()
    if last is None:
        return []
    try:
        changes = list(_changes(last.document, document))
    except SnapshotUnreadable as error:
        changes = [str(error)]
    if not changes:
        return []
    more = f"; and {len(changes) - MOST_LINES} more lines" if len(changes) > MOST_LINES else ""
    return [
        Finding(
            "amounts-changed",
            Severity.WARNING,
            f"Since accounting last saw it, the total went from {last.total:,.2f} to {document.total:,.2f} "
            f"{document.currency}. {'; '.join(changes[:MOST_LINES])}{more}.",
            "Schedule of Values",
            "Check that these changes are meant.",
            Fixer.APPROVER,
        )
    ]


def _changes(before: Document, now: Document) -> Iterator[str]:
    """Lines are the same where cost code, cost type and billing item are."""
    had, has = _amounts(before), _amounts(now)
    for name in dict.fromkeys([*had, *has]):
        if had.get(name) != has.get(name):
            yield f"{' '.join(filter(None, name))}: {_written(had.get(name))}, now {_written(has.get(name))}"


def _amounts(document: Document) -> Mapping[LineName, Decimal]:
    amounts: defaultdict[LineName, Decimal] = defaultdict(Decimal)
    for line in document.lines:
        amounts[line.cost_code, line.cost_type, line.billing_item] += line.amount
    return amounts


def _written(amount: Decimal | None) -> str:
    return "no line" if amount is None else f"{amount:,.2f}"
