"""Whose hands are in a commitment's content: none of these people may decide on it.

The rule: docs/product.md, section 2.3.
"""

from django.db.models import Max, Q

from commitments.models import Commitment
from directory.models import HistoryEntry
from erp_integrations.events import ErpEvent
from erp_integrations.models import ExportJob, Submission
from erp_integrations.snapshots import Purpose

SUBMISSION_EVENTS = (ErpEvent.SUBMISSION_SENT, ErpEvent.SUBMISSION_RETRIEVED)


def list_contributors(commitment: Commitment) -> list[int]:
    """Everybody who wrote, changed, sent or retrieved it since it was last exported, by id.

    The history knows them all, whatever the rows say by now. Whoever decided on it is none of them.
    """
    submissions = Submission.objects.filter(commitment=commitment)
    edited = Q(
        subject_type=commitment._meta.label_lower, subject_id=commitment.pk, event__startswith="commitment."
    )
    moved = Q(
        subject_type=Submission._meta.label_lower,
        subject_id__in=submissions.values("pk"),
        event__in=SUBMISSION_EVENTS,
    )
    entries = HistoryEntry.objects.filter(edited | moved)
    whole = submissions.filter(purpose=Purpose.WHOLE)
    exported = ExportJob.objects.filter(submission__in=whole).aggregate(at=Max("synced_at"))["at"]
    if exported:
        entries = entries.filter(at__gt=exported)
    return sorted({entry.by_id for entry in entries.only("by_id") if entry.by_id is not None})
