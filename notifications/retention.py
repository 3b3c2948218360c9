"""How long mails are kept after they were sent, or given up."""

from django.conf import settings

from directory.retention import end_of
from notifications.models import OutgoingEmail, Status


def forget() -> int:
    """Remove old mails that nobody waits for. Returns how many."""
    end = end_of(settings.KEEP_EMAILS_DAYS)
    if end is None:
        return 0
    done = OutgoingEmail.objects.filter(status__in=[Status.SENT, Status.FAILED], created_at__lt=end)
    gone, _ = done.delete()
    return gone
