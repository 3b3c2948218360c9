"""Messages to the workers. No logic: each task is one call, and a lost one only costs time."""

from celery import shared_task

from directory.privacy import retention
from erp_integrations.emails import daily_summaries, rights_mails
from erp_integrations.exports import retention as replies
from erp_integrations.exports import worker
from erp_integrations.master_data import syncing
from erp_integrations.reconciliation import comparison
from erp_integrations.wakeup import wake_exports
from notifications import retention as mails


@shared_task
def drain_connection(connection_id: int) -> None:
    """Export what is due on one connection; if more became due meanwhile, come again."""
    if worker.export_due_jobs(connection_id):
        wake_exports(connection_id)


@shared_task
def sweep() -> None:
    """Find dead workers, due retries and lost wake-ups; the only retry there is."""
    for connection_id in worker.run_sweep():
        wake_exports(connection_id)


@shared_task
def send_daily_summaries() -> None:
    """Store the daily summaries whose hour has come."""
    daily_summaries.store_due_summaries()


@shared_task
def remind_of_reviews() -> None:
    """Tell administrators whose list of approvers nobody has confirmed in time."""
    rights_mails.store_review_reminders()


@shared_task
def reconcile() -> None:
    """Compare what is due with Spectrum, one run after the other."""
    while comparison.run_next():
        pass


@shared_task
def pull_masters(connection_id: int) -> None:
    """Read one connection's vendors, jobs and phases, if they are due."""
    syncing.sync_connection(connection_id)


@shared_task
def pull_due_masters() -> None:
    """Read the vendors, jobs and phases of every connection whose time has come."""
    syncing.sync_due_connections()


@shared_task
def forget_old() -> None:
    """Remove what is kept no longer: mails, sign-in records, sessions, replies."""
    retention.purge_sign_in_records()
    mails.purge_emails()
    replies.purge_replies()
