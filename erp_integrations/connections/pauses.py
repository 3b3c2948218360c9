"""Pausing a connection, and letting it go on: nothing is sent meanwhile, and nothing is lost."""

from django.db import transaction
from django.db.models.functions import Now

from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations import wakeup
from erp_integrations.connections import watermark
from erp_integrations.connections.circuit_breaker import record_connection_event
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection


class PauseError(Exception):
    """It can't be paused, or go on, as things stand; the text is for the person who asked."""


@transaction.atomic
def pause(*, connection: Connection, by: User | None, reason: str) -> None:
    """Send nothing on a connection until somebody lets it go on; an export that has begun is finished.

    ``by`` is None for an operator at the command line. Raises RightMissing without Admin on the ERP
    Integrations tool, PauseError without a reason or when it is paused already.
    """
    connection = lock_connection(connection, by)
    if not any(character.isalnum() for character in reason):
        raise PauseError("Give a reason. Approvers see it while the connection is paused.")
    if connection.paused_at:
        raise PauseError(f"{connection.name} is already paused: {connection.pause_reason}")
    Connection.objects.filter(pk=connection.pk).update(
        paused_at=Now(), paused_by=by, pause_reason=reason.strip()[:300]
    )
    record_connection_event(ErpEvent.CONNECTION_PAUSED, connection, by, {"reason": reason.strip()})


@transaction.atomic
def resume(*, connection: Connection, by: User | None) -> None:
    """Resume a paused connection. Raises as ``pause`` does."""
    connection = lock_connection(connection, by)
    if not connection.paused_at:
        raise PauseError(f"{connection.name} is not paused.")
    if losses := watermark.describe_losses():
        raise PauseError(f"{connection.name} can't be resumed: {watermark.PAUSE_REASON} {losses}")
    Connection.objects.filter(pk=connection.pk).update(paused_at=None, paused_by=None, pause_reason="")
    record_connection_event(ErpEvent.CONNECTION_RESUMED, connection, by, {})
    wakeup.wake_exports(connection.pk)


def lock_connection(connection: Connection, by: User | None) -> Connection:
    connection = Connection.objects.lock(connection.pk)
    if by is not None:
        require_administer_erp_integrations(by, connection.company)
    return connection
