"""A fault of a whole connection: its queue waits, one alarm is raised, and it is tried again.

Where a probe can tell that the fault is over (the site is down, or changed), the connection stops
until one has succeeded. Where only a call can tell (it is not let in), it rests, and then one job
goes first. Call these with the connection and its state under lock.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from directory import back_off, history
from directory.models import User
from erp_integrations import alarms
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, ConnectionState

LONGEST_BACK_OFF = timedelta(minutes=15)
LONGEST_FAULT = 1000
FEWEST_FAILURES = 3  # tries: what another person has to mend is not asked for every few seconds


def open_circuit(connection: Connection, fault: str, *, adoptable: bool = False) -> timedelta:
    """Send nothing before a probe has succeeded; when the next one is made, seen from now."""
    failed = connection.state.failed_probes + 1
    return record_failure(connection, fault, failed=failed, is_open=True, adoptable=adoptable)


def start_back_off(connection: Connection, fault: str) -> timedelta:
    """Send nothing for a while, then let one job try; for how long."""
    failed = max(connection.state.failed_probes + 1, FEWEST_FAILURES)
    return record_failure(connection, fault, failed=failed, is_open=False)


def close_circuit(connection: Connection) -> None:
    """The ERP has taken a call: whatever ailed the connection is over."""
    if not connection.state.fault:
        return
    ailing = ConnectionState.objects.filter(connection=connection).exclude(fault="")
    if ailing.update(not_before=None, fault="", failed_probes=0):
        record_connection_event(ErpEvent.CONNECTION_REOPENED, connection, None, {})


def get_back_off(retry_count: int) -> timedelta:
    first = timedelta(seconds=settings.EXPORT_BACKOFF_SECONDS)
    return back_off.get_back_off(retry_count, first=first, longest=LONGEST_BACK_OFF)


def record_connection_event(
    event: ErpEvent, connection: Connection, by: User | None, detail: dict[str, object]
) -> None:
    history.record(event=event, subject=connection, by=by, company=connection.company, detail=detail)


def record_failure(
    connection: Connection, fault: str, *, failed: int, is_open: bool, adoptable: bool = False
) -> timedelta:
    """One history row and one alarm, however often the same trouble is seen again."""
    state = connection.state
    if not state.fault:
        record_connection_event(ErpEvent.CONNECTION_STOPPED, connection, None, {"fault": fault})
        alarms.create_alarm(connection, fault)
    pause = get_back_off(failed)
    state.failed_probes, state.fault = failed, fault[:LONGEST_FAULT]
    ConnectionState.objects.filter(connection=connection).update(
        awaits_probe=is_open,
        can_adopt=adoptable,
        failed_probes=failed,
        not_before=Now() + pause,
        fault=state.fault,
    )
    return pause
