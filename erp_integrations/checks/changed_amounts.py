"""The change of the money since accounting last saw a commitment: a tripled line is named, not sought."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from erp_integrations.adapters.base import Issue, ResponsibleParty, Severity
from erp_integrations.models import SnapshotUnreadable, Submission
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import Document

MOST_LINES = 12  # in a sentence

LineName = tuple[str, ...]


def check_changed_amounts(document: Document) -> Iterator[Issue]:
    """A remark where total or lines are not those of the last sending that ended. One query."""
    ended = (
        Submission.objects.whole().filter(commitment=document.commitment_id).exclude(status__in=OPEN_STATUSES)
    )
    last = ended.order_by("-pk").first()
    if last is None:
        return
    try:
        changes = list(list_line_changes(last.document, document))
    except SnapshotUnreadable as error:
        changes = [str(error)]
    more = f"; and {len(changes) - MOST_LINES} more lines" if len(changes) > MOST_LINES else ""
    if changes:
        total = f"{document.total:,.2f} {document.currency}"
        what = (
            f"the lines have changed, and the total is still {total}"
            if last.total == document.total
            else f"the total has changed from {last.total:,.2f} to {total}"
        )
        yield Issue(
            "amounts-changed",
            Severity.WARNING,
            f"Since accounting last saw it, {what}. {'; '.join(changes[:MOST_LINES])}{more}.",
            "Schedule of Values",
            "Check that these changes are intended.",
            ResponsibleParty.APPROVER,
        )


def list_line_changes(before: Document, now: Document) -> Iterator[str]:
    """Lines are the same where cost code, cost type and billing item are."""
    old_amounts, new_amounts = get_amounts_by_line(before), get_amounts_by_line(now)
    for name in dict.fromkeys([*old_amounts, *new_amounts]):
        if old_amounts.get(name) != new_amounts.get(name):
            old, new = format_amount(old_amounts.get(name)), format_amount(new_amounts.get(name))
            yield f"{' '.join(filter(None, name))}: {old}, now {new}"


def get_amounts_by_line(document: Document) -> Mapping[LineName, Decimal]:
    amounts: defaultdict[LineName, Decimal] = defaultdict(Decimal)
    for line in document.lines:
        amounts[line.cost_code, line.cost_type, line.billing_item] += line.amount or 0
    return amounts


def format_amount(amount: Decimal | None) -> str:
    return "no line" if amount is None else f"{amount:,.2f}"
