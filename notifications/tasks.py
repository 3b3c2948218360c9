"""No logic: what each task does stands elsewhere."""

from celery import shared_task

from notifications import delivery


@shared_task(ignore_result=True)
def send_emails() -> None:
    """Store what was asked for, then send what is due now."""
    from notifications import accounts  # it wakes this task, and so can't be imported before it

    accounts.answer_requests()
    delivery.send_due()
