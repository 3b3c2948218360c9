"""Pausing a connection, and letting it go on: nothing is sent meanwhile, and nothing is lost."""

from django.db import transaction
from django.db.models.functions import Now

from directory import history
from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations import wakeup
from erp_integrations.connections import watermark
from erp_integrations.models import Connection


class PauseError(Exception):
    """It can't be paused, or go on, as things stand; the text is for the person who asked."""


@transaction.atomic
def pause(*, connection: Connection, by: User | None, reason: str) -> None:
    """Send nothing on a connection until somebody lets it go on; an export that has begun is finished.

    ``by`` is None for an operator at the command line. Raises RightMissing without Admin on the ERP
    Integrations tool, PauseError without a reason or when it is paused already.
    """
    held = _lock(connection, by)
    if not any(character.isalnum() for character in reason):
        raise PauseError("Give a reason: approvers read it while nothing is sent.")
    if held.paused_at:
        raise PauseError(f"{held.name} is paused already: {held.pause_reason}")
    Connection.objects.filter(pk=held.pk).update(
        paused_at=Now(), paused_by=by, pause_reason=reason.strip()[:300]
    )
    _record("paused", held, by, {"reason": reason.strip()})


@transaction.atomic
def resume(*, connection: Connection, by: User | None) -> None:
    """Let a paused connection go on. Raises as ``pause`` does."""
    held = _lock(connection, by)
    if not held.paused_at:
        raise PauseError(f"{held.name} is not paused.")
    if lost := watermark.doubt():
        raise PauseError(f"{held.name} can't go on: {watermark.PAUSED} {lost}")
    Connection.objects.filter(pk=held.pk).update(paused_at=None, paused_by=None, pause_reason="")
    _record("resumed", held, by, {})
    wakeup.wake_exports(held.pk)


def _lock(connection: Connection, by: User | None) -> Connection:
    held = Connection.objects.select_for_update(of=("self",)).select_related("company").get(pk=connection.pk)
    if by is not None:
        require_administer_erp_integrations(by, held.company)
    return held


def _record(did: str, connection: Connection, by: User | None, detail: dict[str, object]) -> None:
    history.record(
        event=f"connection.{did}", subject=connection, by=by, company=connection.company, detail=detail
    )
