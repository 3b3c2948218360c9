"""Workers look by themselves every few seconds, so that a lost message only costs time.

Runs inside each Celery worker, beside its consumer and independent of the broker
(docs/architecture.md, section 4.1). What it calls is safe to run in many workers at once.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import bootsteps
from django.conf import settings
from django.db import close_old_connections, connections

from config.pool import KeyedThreadPool

logger = logging.getLogger(__name__)


def export_due_jobs(pool: KeyedThreadPool) -> None:
    """Take up what dead workers left, and give each connection with something due a turn."""
    from erp_integrations.exports import worker

    for connection_id in worker.run_sweep():
        pool.start(("export", connection_id), partial(worker.export_due_jobs, connection_id))


def verify_due_exports(pool: KeyedThreadPool) -> None:
    """Read back what was delivered, and what nobody knows of; and what was left by a rejected one."""
    from erp_integrations.checks import leftovers
    from erp_integrations.exports import unknown, verification

    for connection_id in verification.list_due_for_verification():
        pool.start(("verify", connection_id), partial(verification.verify_due, connection_id))
    for connection_id in unknown.list_due_for_read_back():
        pool.start(("look", connection_id), partial(unknown.read_back_due, connection_id))
    for job_id in leftovers.list_due_for_read_back():
        pool.start(("remains", job_id), partial(leftovers.read_back_leftovers, job_id))


def compare_due_connections(pool: KeyedThreadPool) -> None:
    """Compare what is synced with what Spectrum holds, daily and where it was asked for."""
    from erp_integrations.reconciliation import comparison

    while comparison.run_next():
        pass


def probe_stopped_connections(pool: KeyedThreadPool) -> None:
    """Ask whether the connections that have stopped can be used again, and new secrets work."""
    from erp_integrations.connections import probing, secret_rotation

    for connection_id in probing.list_due_for_probe():
        pool.start(("probe", connection_id), partial(probing.probe_if_due, connection_id))
    pool.start("secrets", secret_rotation.verify_due_secrets)


def sync_due_master_data(pool: KeyedThreadPool) -> None:
    """Read the vendors, jobs and phases of Spectrum companies whose time has come."""
    from erp_integrations.master_data import syncing

    syncing.sync_due_connections()


def send_due_emails(pool: KeyedThreadPool) -> None:
    """Store the mails whose time has come, and send what is stored."""
    from erp_integrations.emails import alarm_mails, daily_summaries
    from notifications import sending

    alarm_mails.store_due_alarms()
    daily_summaries.store_due_summaries()
    sending.send_due_emails()


def seal_new_entries(pool: KeyedThreadPool) -> None:
    """Put the new entries of the history behind their chains, and write the day's checkpoint."""
    from directory.history import checkpoints, sealing

    sealing.seal_new_entries()
    checkpoints.write_daily_checkpoint()


class Poller(bootsteps.StartStopStep):
    """A worker's own look at the database: one thread each for exports, reading them back,
    reconciliation, Spectrum's master data, probes, mails and the history's seals, and a thread for each
    connection that has a turn."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pools: list[KeyedThreadPool] = []

    def start(self, parent: Any) -> None:
        """Begin to look; before the consumer has found a broker."""
        jobs = (
            export_due_jobs,
            verify_due_exports,
            compare_due_connections,
            sync_due_master_data,
            probe_stopped_connections,
            send_due_emails,
            seal_new_entries,
        )
        for job in jobs:
            pool = KeyedThreadPool(settings.EXPORT_SLOTS)
            self._pools.append(pool)
            thread = threading.Thread(
                target=self._run_periodically, args=[job, pool], name=job.__name__, daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def close(self, parent: Any) -> None:
        """Begin nothing more: neither here nor in a task, and neither a call, a list nor a mail."""
        from erp_integrations.exports import worker as exports
        from erp_integrations.master_data import syncing as lists
        from notifications import sending as mails

        for stopping in (exports.stopping, lists.stopping, mails.stopping, self._stopping):
            stopping.set()

    def stop(self, parent: Any) -> None:
        """Wait for the call and the mail that are on the wire."""
        for thread in self._threads:
            thread.join(timeout=settings.EXPORT_LEASE_SECONDS)
        for pool in self._pools:
            pool.end(settings.EXPORT_LEASE_SECONDS)

    terminate = stop

    def _run_periodically(self, job: Callable[[KeyedThreadPool], None], pool: KeyedThreadPool) -> None:
        while not self._stopping.wait(settings.WORKER_POLL_SECONDS):
            close_old_connections()
            try:
                job(pool)
            except Exception:
                # The next look tries again; a thread that died would be missed by nobody.
                logger.exception("A look at what is due failed")
        connections.close_all()
