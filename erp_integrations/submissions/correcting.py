"""A rejected commitment that was put right: its sender has only to press Send, and is mailed so once."""

from django.db.models.functions import Now

from commitments.events import CommitmentEvent
from commitments.models import Badge, Commitment
from directory.history import subscribers
from directory.models import HistoryEntry, User
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.emails.commitment_mails import store_correction_mails
from erp_integrations.models import Submission
from erp_integrations.snapshots import build_document

READY = "Corrected and ready to send"
CORRECTIONS = (
    CommitmentEvent.COMMITMENT_CHANGED,
    CommitmentEvent.COMMITMENT_LINES_MERGED,
    CommitmentEvent.COMMITMENT_BILLING_ITEMS_GIVEN,
)


def subscribe_to_history() -> None:
    """Called once, when the application starts."""
    for event in CORRECTIONS:
        subscribers.subscribe(event, notify_sender)


def notify_sender(entry: HistoryEntry) -> None:
    """At the first change after which nothing stands in the way; a later one tells nothing new."""
    found = Commitment.objects.select_related("project__company", "contract_company")
    commitment = found.filter(pk=entry.subject_id, badge=Badge.REJECTED).first()
    if commitment is None:
        return
    last = commitment.submissions.select_related("project", "company").order_by("-pk").first()
    if last is None or last.corrected_at:
        return
    document = build_document(commitment)
    basis = build_basis(document)
    issues = preflight.check_export(basis, moment=preflight.Moment.SEND, erp_id=basis.proposed_erp_id)
    if preflight.list_blocking(issues):
        return
    Submission.objects.filter(pk=last.pk).update(corrected_at=Now())
    if entry.by_id != last.sent_by_id:
        store_correction_mails(last, document, by=User.objects.filter(pk=entry.by_id or 0).first())
