"""How long Spectrum's raw replies are kept: until the delivery is over, and some time more.

What was sent, when, and how it ended stays: only the words of the answer go.
"""

from django.conf import settings

from directory.privacy.retention import get_cutoff
from erp_integrations.models import JobStatus, WireAttempt

OVER = (JobStatus.SYNCED, JobStatus.CANCELLED)


def purge_replies() -> int:
    """Remove the replies of old deliveries that are over. Returns how many."""
    end = get_cutoff(settings.KEEP_REPLIES_DAYS)
    if end is None:
        return 0
    old = WireAttempt.objects.filter(finished_at__lt=end, call__job__status__in=OVER)
    return old.exclude(reply="").update(reply="")
