"""No logic: each task is one call."""

from celery import shared_task

from notifications import delivery


@shared_task(ignore_result=True)
def send_emails() -> None:
    """Send what is due now."""
    delivery.send_due()
