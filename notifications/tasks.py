"""No logic: what each task does stands elsewhere."""

from celery import shared_task

from notifications import account_mails, sending


@shared_task(ignore_result=True)
def send_emails() -> None:
    """Store what was asked for, then send what is due now."""
    account_mails.handle_password_requests()
    sending.send_due_emails()
