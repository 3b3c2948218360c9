"""The one scheduler: what runs regularly, in every Celery worker.

Runs beside the worker's consumer and needs no broker (docs/architecture.md, sections 4.1 and 9). The
database says what is due, so that all of it is safe in many workers at once, and after a restart.
"""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from celery import bootsteps
from django.conf import settings
from django.db import close_old_connections, connections
from django.db.models.functions import Now

from commitments import imports
from config.pool import KeyedThreadPool
from directory import drafts
from directory.db.leases import stopping
from directory.history import checkpoints, sealing
from directory.privacy.retention import purge_sign_in_records
from erp_integrations.checks import leftovers, row_checks
from erp_integrations.connections import probing, secret_rotation
from erp_integrations.emails import alarm_mails, daily_summaries, rights_mails, undelivered_mails
from erp_integrations.exports import unknown, verification
from erp_integrations.exports import worker as exports
from erp_integrations.exports.retention import purge_replies
from erp_integrations.master_data import syncing
from erp_integrations.models import Heartbeat
from erp_integrations.reconciliation import comparison
from erp_integrations.submissions import take_overs
from notifications import account_mails, bounces, sending
from notifications.retention import purge_emails

logger = logging.getLogger(__name__)

EXPORTS, READ_BACKS, PROBES = POOLS = [KeyedThreadPool(settings.EXPORT_SLOTS) for _ in range(3)]
"""Of these jobs each connection has a thread of its own, so that a dead site delays nobody else."""


def export_due_jobs(pool: KeyedThreadPool = EXPORTS) -> None:
    for connection_id in exports.run_sweep():
        pool.start(("export", connection_id), partial(exports.export_due_jobs, connection_id))


def read_back_due_exports(pool: KeyedThreadPool = READ_BACKS) -> None:
    for connection_id in verification.list_due_for_verification():
        pool.start(("verify", connection_id), partial(verification.verify_due, connection_id))
    for connection_id in unknown.list_due_for_read_back():
        pool.start(("read back", connection_id), partial(unknown.read_back_due, connection_id))
    for job_id in leftovers.list_due_for_read_back():
        pool.start(("leftovers", job_id), partial(leftovers.read_back_leftovers, job_id))


def compare_due_connections() -> None:
    while comparison.run_next():
        pass


def probe_stopped_connections(pool: KeyedThreadPool = PROBES) -> None:
    for connection_id in probing.list_due_for_probe():
        pool.start(("probe", connection_id), partial(probing.probe_if_due, connection_id))
    pool.start("secrets", secret_rotation.verify_due_secrets)


def seal_late_entries() -> None:
    """Seal whatever has no seal, however late it was committed."""
    sealing.seal_new_entries(everything=True)


EACH_POLL = timedelta(0)
SCHEDULE: tuple[tuple[timedelta, Callable[[], object]], ...] = (
    (EACH_POLL, export_due_jobs),
    (EACH_POLL, read_back_due_exports),
    (EACH_POLL, compare_due_connections),
    (EACH_POLL, syncing.sync_due_connections),
    (EACH_POLL, take_overs.run_due_take_overs),
    (EACH_POLL, row_checks.check_due_submissions),
    (EACH_POLL, imports.run_due_imports),
    (EACH_POLL, probe_stopped_connections),
    (EACH_POLL, account_mails.handle_password_requests),
    (EACH_POLL, alarm_mails.store_due_alarms),
    (EACH_POLL, undelivered_mails.store_undelivered_mails),
    (EACH_POLL, daily_summaries.store_due_summaries),
    (EACH_POLL, sending.send_due_emails),
    (EACH_POLL, sealing.seal_new_entries),
    (EACH_POLL, checkpoints.write_daily_checkpoint),
    (timedelta(minutes=10), bounces.read_bounces),
    (timedelta(minutes=10), seal_late_entries),
    (timedelta(hours=1), rights_mails.store_review_reminders),
    (timedelta(days=1), purge_emails),
    (timedelta(days=1), purge_sign_in_records),
    (timedelta(days=1), purge_replies),
    (timedelta(days=1), drafts.purge_drafts),
    (timedelta(days=1), imports.purge_imports),
)


def run_if_due(every: timedelta, function: Callable[[], object]) -> None:
    """Call it, unless a worker did within that time. One that fails is due again at the next look."""
    if every and Heartbeat.objects.filter(name=function.__name__, at__gt=Now() - every).exists():
        return
    function()
    if every:
        exports.record_heartbeat(function.__name__)


class Scheduler(bootsteps.StartStopStep):
    """A thread for each line of the schedule, so that what takes long delays nothing but itself."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._threads: list[threading.Thread] = []

    def start(self, parent: Any) -> None:
        """Begin before the consumer has found a broker."""
        for line in SCHEDULE:
            thread = threading.Thread(
                target=self._run_periodically, args=line, name=line[1].__name__, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self, parent: Any) -> None:
        """Begin nothing more: neither here nor in a task, and neither a call, a list nor a mail."""
        stopping.set()

    def stop(self, parent: Any) -> None:
        """Wait for the call and the mail that are on the wire."""
        for thread in self._threads:
            thread.join(timeout=settings.EXPORT_LEASE_SECONDS)
        for pool in POOLS:
            pool.end(settings.EXPORT_LEASE_SECONDS)

    terminate = stop

    def _run_periodically(self, every: timedelta, function: Callable[[], object]) -> None:
        pause = max(settings.WORKER_POLL_SECONDS, every.total_seconds() / 10)
        while not stopping.is_set():
            close_old_connections()
            try:
                run_if_due(every, function)
            except Exception:
                # The next look tries again; a thread that died would be missed by nobody.
                logger.exception("%s failed", function.__name__)
            if every:
                connections.close_all()  # its next look is minutes away
            stopping.wait(pause)
        connections.close_all()
