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

from config.turns import Turns

logger = logging.getLogger(__name__)


def export_what_is_due(turns: Turns) -> None:
    """Take up what dead workers left, and give each connection with something due a turn."""
    from erp_integrations.delivery import exporting

    for connection_id in exporting.sweep():
        turns.begin(("export", connection_id), partial(exporting.drain, connection_id))


def verify_what_is_due(turns: Turns) -> None:
    """Read back what was delivered, and what nobody knows of; and what was left by a rejected one."""
    from erp_integrations.delivery import recovery, verification
    from erp_integrations.findings import remains

    for connection_id in verification.to_verify():
        turns.begin(("verify", connection_id), partial(verification.verify_due, connection_id))
    for connection_id in recovery.to_look_at():
        turns.begin(("look", connection_id), partial(recovery.look, connection_id))
    for job_id in remains.to_look_at():
        turns.begin(("remains", job_id), partial(remains.look, job_id))


def compare_what_is_due(turns: Turns) -> None:
    """Compare what is synced with what Spectrum holds, daily and where it was asked for."""
    from erp_integrations.reconciliation import comparison

    while comparison.compare_next():
        pass


def probe_what_has_stopped(turns: Turns) -> None:
    """Ask whether the connections that have stopped can be used again, and new secrets work."""
    from erp_integrations.connections import probing, rotation

    for connection_id in probing.to_probe():
        turns.begin(("probe", connection_id), partial(probing.probe_if_due, connection_id))
    turns.begin("secrets", rotation.prove_due)


def pull_what_is_due(turns: Turns) -> None:
    """Read the vendors, jobs and phases of Spectrum companies whose time has come."""
    from erp_integrations.masters import pulling

    pulling.pull_due()


def mail_what_is_due(turns: Turns) -> None:
    """Store the mails whose time has come, and send what is stored."""
    from erp_integrations.attention import alarm_mails, summaries
    from notifications import delivery

    alarm_mails.store_due_alarms()
    summaries.store_due_summaries()
    delivery.send_due()


def seal_what_is_new(turns: Turns) -> None:
    """Put the new entries of the history behind their chains, and write the day's checkpoint."""
    from directory.history import checkpoints, sealing

    sealing.seal_new()
    checkpoints.write_daily()


class Poller(bootsteps.StartStopStep):
    """A worker's own look at the database: one thread each for exports, reading them back,
    reconciliation, Spectrum's lists, probes, mails and the history's seals, and a thread for each
    connection that has a turn."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._turns: list[Turns] = []

    def start(self, parent: Any) -> None:
        """Begin to look; before the consumer has found a broker."""
        looks = (
            export_what_is_due,
            verify_what_is_due,
            compare_what_is_due,
            pull_what_is_due,
            probe_what_has_stopped,
            mail_what_is_due,
            seal_what_is_new,
        )
        for look in looks:
            turns = Turns(settings.EXPORT_SLOTS)
            self._turns.append(turns)
            thread = threading.Thread(target=self._run, args=[look, turns], name=look.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self, parent: Any) -> None:
        """Begin nothing more: neither here nor in a task, and neither a call, a list nor a mail."""
        from erp_integrations.delivery import exporting as exports
        from erp_integrations.masters import pulling as lists
        from notifications import delivery as mails

        for stopping in (exports.stopping, lists.stopping, mails.stopping, self._stopping):
            stopping.set()

    def stop(self, parent: Any) -> None:
        """Wait for the call and the mail that are on the wire."""
        for thread in self._threads:
            thread.join(timeout=settings.EXPORT_LEASE_SECONDS)
        for turns in self._turns:
            turns.wait(settings.EXPORT_LEASE_SECONDS)

    terminate = stop

    def _run(self, look: Callable[[Turns], None], turns: Turns) -> None:
        while not self._stopping.wait(settings.WORKER_POLL_SECONDS):
            close_old_connections()
            try:
                look(turns)
            except Exception:
                # The next look tries again; a thread that died would be missed by nobody.
                logger.exception("A look at what is due failed")
        connections.close_all()
