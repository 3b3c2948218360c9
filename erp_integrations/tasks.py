"""Messages that wake a worker. No logic: each is one call, and a lost one only costs time."""

from celery import shared_task

from erp_integrations.exports import worker
from erp_integrations.master_data import syncing
from erp_integrations.reconciliation import comparison
from erp_integrations.wakeup import wake_exports


@shared_task
def drain_connection(connection_id: int) -> None:
    """Export what is due on one connection; if more became due meanwhile, come again."""
    if worker.export_due_jobs(connection_id):
        wake_exports(connection_id)


@shared_task
def reconcile() -> None:
    """Compare what is due with Spectrum, one run after the other."""
    while comparison.run_next():
        pass


@shared_task
def pull_masters(connection_id: int) -> None:
    """Read one connection's vendors, jobs and phases, if they are due."""
    syncing.sync_connection(connection_id)
