"""How long mails are kept after they were sent, or given up, and what was asked for is waited for."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from directory.privacy.retention import get_cutoff
from notifications.models import OutgoingEmail, PasswordRequest, Status


def purge_emails() -> int:
    """Remove old mails, and requests of links that nobody waits for. Returns how many."""
    request_count, _ = PasswordRequest.objects.filter(
        requested_at__lt=timezone.now() - timedelta(days=1)
    ).delete()
    cutoff = get_cutoff(settings.KEEP_EMAILS_DAYS)
    if cutoff is None:
        return request_count
    finished = OutgoingEmail.objects.filter(status__in=[Status.SENT, Status.FAILED], created_at__lt=cutoff)
    email_count, _ = finished.delete()
    return request_count + email_count
