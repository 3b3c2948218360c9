"""Where an export job stands, and what was seen of it in the ERP."""

from django.db import models
from django.db.models import Q


class JobStatus(models.TextChoices):
    """Where the delivery stands (docs/product.md, section 7.1)."""

    QUEUED = "queued", "Queued"
    EXPORTING = "exporting", "Exporting"
    SYNCED = "synced", "Synced"
    INCOMPLETE = "incomplete", "Incomplete"
    FAILED = "failed", "Failed to export"
    UNKNOWN = "unknown", "Unknown"
    CANCELLED = "cancelled", "Cancelled"


JOB_TRANSITIONS: dict[str, frozenset[str]] = {
    JobStatus.QUEUED: frozenset(
        {
            JobStatus.EXPORTING,
            JobStatus.SYNCED,
            JobStatus.INCOMPLETE,
            JobStatus.UNKNOWN,
            JobStatus.CANCELLED,
        }
    ),
    JobStatus.EXPORTING: frozenset(
        {JobStatus.SYNCED, JobStatus.QUEUED, JobStatus.INCOMPLETE, JobStatus.FAILED, JobStatus.UNKNOWN}
    ),
    JobStatus.SYNCED: frozenset({JobStatus.CANCELLED}),
    JobStatus.INCOMPLETE: frozenset({JobStatus.EXPORTING, JobStatus.UNKNOWN, JobStatus.CANCELLED}),
    JobStatus.FAILED: frozenset(
        {JobStatus.QUEUED, JobStatus.SYNCED, JobStatus.INCOMPLETE, JobStatus.CANCELLED}
    ),
    JobStatus.UNKNOWN: frozenset({JobStatus.SYNCED, JobStatus.QUEUED, JobStatus.INCOMPLETE}),
    JobStatus.CANCELLED: frozenset(),
}


class Verification(models.TextChoices):
    """The comparison of what Spectrum holds with what was accepted."""

    PENDING = "pending", "Not verified yet"
    MATCH = "match", "Matches"
    DIFFERS = "differs", "Differs"
    ABSENT = "absent", "Not found in Spectrum"
    ELSEWHERE = "elsewhere", "Moved in Spectrum"
    NOT_CONFIGURED = "not_configured", "Not verified: read-back is not configured"
    ATTESTED = "attested", "Attested by a person"


DEVIATING = (Verification.ABSENT, Verification.ELSEWHERE, Verification.DIFFERS)
"""Of what is synced, a person must look at these, until one says to have seen it."""
UNFINISHED = Q(
    status__in=[
        *(JobStatus.QUEUED, JobStatus.EXPORTING, JobStatus.INCOMPLETE, JobStatus.FAILED, JobStatus.UNKNOWN)
    ]
) | Q(status=JobStatus.SYNCED, verification__in=DEVIATING)
"""On its way, or waiting for a person: they are few, and what implies this is answered by its index."""
NEEDING_ATTENTION = Q(status__in=[JobStatus.INCOMPLETE, JobStatus.UNKNOWN]) | Q(
    status=JobStatus.SYNCED, verification__in=DEVIATING, seen_at=None
)
"""A person must look, but for what goes on by itself."""
