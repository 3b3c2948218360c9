"""How long mails are kept after they were sent, or given up, and what was asked for is waited for."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from directory.privacy.retention import get_cutoff
from notifications.models import Attachment, OutgoingEmail, PasswordRequest, RefusedAddress, Status


def purge_emails() -> int:
    """Remove old mails, attachments that no mail has, and requests of links that nobody waits for.

    Returns how many mails and requests.
    """
    request_count, _ = PasswordRequest.objects.filter(
        requested_at__lt=timezone.now() - timedelta(days=1)
    ).delete()
    email_count = 0
    if cutoff := get_cutoff(settings.KEEP_EMAILS_DAYS):
        finished = OutgoingEmail.objects.filter(
            status__in=[Status.SENT, Status.FAILED], created_at__lt=cutoff
        )
        # Without the bodies: what other rows refer to is read before it is deleted.
        _, deleted = finished.only("pk").delete()
        email_count = deleted.get(OutgoingEmail._meta.label, 0)
    RefusedAddress.objects.filter(refused_at__lt=timezone.now() - timedelta(days=365)).delete()
    Attachment.objects.filter(emails=None).only("pk").delete()
    return request_count + email_count
