"""What a fault does to a whole connection: its queue waits, one alarm is raised, and it is tried again.

Where a probe can tell that the fault is over (the site is down, or changed), the connection stops
until one has succeeded. Where only a call can tell (it is not let in), it rests, and then one job
goes first. Call these with the connection under lock.
"""

import random
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from directory import history
from erp_integrations import alarms
from erp_integrations.models import Connection

LONGEST_BACKOFF = timedelta(minutes=15)
LONGEST_FAULT = 1000
SHORTEST_REST = 3  # tries: what another person has to mend is not asked for every few seconds


def stop(connection: Connection, fault: str, *, adoptable: bool = False) -> timedelta:
    """Send nothing before a probe has succeeded; when the next one is made, seen from now."""
    return _trouble(connection, fault, failed=connection.failed_probes + 1, stopped=True, adoptable=adoptable)


def rest(connection: Connection, fault: str) -> timedelta:
    """Send nothing for a while, then let one job try; for how long."""
    return _trouble(connection, fault, failed=max(connection.failed_probes + 1, SHORTEST_REST), stopped=False)


def recover(connection: Connection) -> None:
    """The ERP has taken a call: whatever ailed the connection is over."""
    if not connection.fault:
        return
    Connection.objects.filter(pk=connection.pk).update(not_before=None, fault="", failed_probes=0)
    record("reopened", connection, {})


def backoff(tries: int) -> timedelta:
    """Doubled by each try, with jitter, so that many don't come back at one moment."""
    scatter = random.uniform(0.7, 1.3)  # nosec B311  # no secret
    seconds = settings.EXPORT_BACKOFF_SECONDS * 2 ** min(tries - 1, 20) * scatter
    return min(timedelta(seconds=seconds), LONGEST_BACKOFF)


def record(did: str, connection: Connection, detail: dict[str, object]) -> None:
    """History of a connection; the system itself did it."""
    history.record(
        event=f"connection.{did}", subject=connection, by=None, company=connection.company, detail=detail
    )


def _trouble(
    connection: Connection, fault: str, *, failed: int, stopped: bool, adoptable: bool = False
) -> timedelta:
    """One history row and one alarm, however often the same trouble is seen again."""
    if not connection.fault:
        record("stopped", connection, {"fault": fault})
        alarms.raise_for(connection, fault)
    pause = backoff(failed)
    connection.failed_probes, connection.fault = failed, fault[:LONGEST_FAULT]
    Connection.objects.filter(pk=connection.pk).update(
        awaits_probe=stopped,
        can_adopt=adoptable,
        failed_probes=failed,
        not_before=Now() + pause,
        fault=connection.fault,
    )
    return pause
