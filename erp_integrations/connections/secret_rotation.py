"""A hosted site's client secret is replaced by a new one, and the old one kept until that was used.

The site answers with the new secret once and never again. So what was begun is written down first,
and when the answer is lost, the person is told what is known and what to do.
"""

import logging
import time
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import Error, transaction
from django.db.models.functions import Now
from django.utils import timezone

from directory.db.database_errors import is_transient_error
from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.adapters import registry
from erp_integrations.adapters.base import NotSent, Unauthorised, Unknown, Unusable
from erp_integrations.connections.circuit_breaker import record_connection_event
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, ConnectionCredentials

logger = logging.getLogger(__name__)

ONE_AT_A_TIME = timedelta(minutes=10)
SECONDS_TO_STORE = 60.0
NEW_SECRET = (
    "Create a new secret in Spectrum's Data Exchange Installation screen and enter it in the settings "
    "of the connection."
)


@dataclass(frozen=True, slots=True)
class Rotation:
    """``done`` if a new secret is in place; ``sentence`` says what a person should know about it."""

    done: bool
    sentence: str


def rotate(*, connection: Connection, by: User | None) -> Rotation:
    """Have the site make a new client secret, and keep it. ``by`` is None for the operator's command.

    Exactly one attempt; uses the wire, so call it with no transaction open. Raises RightMissing
    without Admin on the ERP Integrations tool.
    """
    if by is not None:
        require_administer_erp_integrations(by, connection.company)
    if refusal := start_rotation(connection.pk, by):
        return Rotation(False, refusal)
    connection = Connection.objects.select_related("company", "credentials").get(pk=connection.pk)
    match registry.rotate_secret(connection):
        case NotSent(reason=reason) | Unauthorised(reason=reason) | Unusable(reason=reason):
            end_rotation(connection, by, ErpEvent.CONNECTION_SECRET_ROTATION_FAILED, {"reason": reason})
            return Rotation(False, f"The secret was not changed. {reason}")
        case Unknown(reason=reason):
            sentence = f"The secret may have changed: {reason} {describe_working_secret(connection)}"
            end_rotation(connection, by, ErpEvent.CONNECTION_SECRET_ROTATION_UNKNOWN, {"reason": reason})
            return Rotation(False, sentence)
        case rotated:
            store_secret_with_retry(connection, by, rotated.secret, rotated.expires_on)
    if verify_new_secret(connection):
        return Rotation(True, "The secret was rotated and the new one works. The old one was deleted.")
    return Rotation(
        True,
        "The secret was rotated, but the new one has not given an access token yet. The old one "
        "is kept until it does.",
    )


def verify_new_secret(connection: Connection) -> bool:
    """Use a new secret for the first time; when it works, the previous one is forgotten."""
    connection = Connection.objects.select_related("company", "credentials").get(pk=connection.pk)
    credentials = connection.credentials
    if (
        not credentials.previous_client_secret
        or registry.verify_secret(connection, credentials.client_secret) is not None
    ):
        return False
    with transaction.atomic():
        row = Connection.objects.lock(connection.pk).credentials
        if row.client_secret != credentials.client_secret:
            return False  # another one was entered meanwhile
        row.previous_client_secret = ""
        row.rotation_began_at = None
        row.save(update_fields=["previous_client_secret", "rotation_began_at"])
        record_connection_event(ErpEvent.CONNECTION_OLD_SECRET_FORGOTTEN, connection, None, {})
    return True


def verify_due_secrets() -> None:
    """Try new secrets that did not work at first, every few minutes."""
    unproven = ConnectionCredentials.objects.exclude(previous_client_secret="").select_related("connection")
    for credentials in unproven.filter(rotation_began_at__lt=Now() - ONE_AT_A_TIME):
        ConnectionCredentials.objects.filter(pk=credentials.pk).update(rotation_began_at=Now())
        verify_new_secret(credentials.connection)


@transaction.atomic
def start_rotation(connection_id: int, by: User | None) -> str:
    """Write down that it begins; why it may not, else."""
    connection = Connection.objects.lock(connection_id)
    credentials = connection.credentials
    if not connection.client_id or not credentials.client_secret:
        return "This connection has no client ID and secret, so there is nothing to rotate."
    if credentials.previous_client_secret:
        return "The last new secret has not worked yet. Probe the connection first."
    if credentials.rotation_began_at and credentials.rotation_began_at > timezone.now() - ONE_AT_A_TIME:
        return "The secret is already being rotated. Check again in ten minutes."
    ConnectionCredentials.objects.filter(pk=connection.pk).update(rotation_began_at=Now())
    record_connection_event(ErpEvent.CONNECTION_SECRET_ROTATION_BEGUN, connection, by, {})
    return ""


def store_secret_with_retry(
    connection: Connection, by: User | None, secret: str, expires_on: date | None
) -> None:
    """This process alone knows the new secret, so it tries through a cut of the database."""
    until = time.monotonic() + SECONDS_TO_STORE
    while True:
        try:
            store_secret(connection, by, secret, expires_on)
            return
        except Error as error:
            if not is_transient_error(error) or time.monotonic() > until:
                raise
            logger.warning("Connection %s: the database can't take the new client secret", connection.pk)
            time.sleep(1)


@transaction.atomic
def store_secret(connection: Connection, by: User | None, secret: str, expires_on: date | None) -> None:
    row = Connection.objects.lock(connection.pk).credentials
    row.previous_client_secret = connection.credentials.client_secret
    row.client_secret = secret
    row.client_secret_expires_on = expires_on
    row.save(update_fields=["previous_client_secret", "client_secret", "client_secret_expires_on"])
    detail: dict[str, object] = {"expires_on": expires_on.isoformat() if expires_on else ""}
    record_connection_event(ErpEvent.CONNECTION_SECRET_ROTATED, connection, by, detail)


@transaction.atomic
def end_rotation(connection: Connection, by: User | None, event: ErpEvent, detail: dict[str, object]) -> None:
    ConnectionCredentials.objects.filter(pk=connection.pk).update(rotation_began_at=None)
    record_connection_event(event, connection, by, detail)


def describe_working_secret(connection: Connection) -> str:
    match registry.verify_secret(connection, connection.credentials.client_secret):
        case None:
            return (
                "The stored secret still works. If it is refused later, a new one was created and lost: "
                f"{NEW_SECRET}"
            )
        case Unauthorised():
            return f"The stored secret is refused now, so a new one was created and lost. {NEW_SECRET}"
    return (
        "Could not check whether the stored secret still works. Probe the connection; if it is "
        f"refused, the new one is lost: {NEW_SECRET}"
    )
