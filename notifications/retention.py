"""How long mails are kept after they were sent, or given up, and what was asked for is waited for."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from directory.privacy.retention import end_of
from notifications.models import OutgoingEmail, PasswordRequest, Status


def forget() -> int:
    """Remove old mails, and requests of links that nobody waits for. Returns how many."""
    late, _ = PasswordRequest.objects.filter(requested_at__lt=timezone.now() - timedelta(days=1)).delete()
    end = end_of(settings.KEEP_EMAILS_DAYS)
    if end is None:
        return late
    done = OutgoingEmail.objects.filter(status__in=[Status.SENT, Status.FAILED], created_at__lt=end)
    gone, _ = done.delete()
    return late + gone
