"""Whether a company's connections can be used, as far as we know without asking the ERP."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format

from directory.models import Company
from erp_integrations.models import Connection
from erp_integrations.models.secrets import secret_fields

DAYS_OF_WARNING = 14


@dataclass(frozen=True, slots=True)
class Health:
    """A connection's ``state`` in words, and what follows from it."""

    connection: Connection
    state: str
    sentence: str
    is_troubled: bool = True


def of(company: Company) -> list[Health]:
    """Each connection of a company. One query, which leaves the secrets where they are."""
    connections = Connection.objects.filter(company=company).defer(*secret_fields(Connection))
    return [_health(connection) for connection in connections]


def _health(connection: Connection) -> Health:
    if not connection.base_url:
        sentence = f"Nothing can be sent: SPECTRUM_SERVERS does not name the server {connection.server}."
        return Health(connection, "No server", sentence)
    if connection.awaits_probe:
        sentence = (
            f"{connection.fault} Nothing is sent on this connection until that has changed. It is looked at "
            "again by itself, and an ERP admin can do so in Settings."
        )
        return Health(connection, "Stopped", sentence.strip())
    if connection.not_before and connection.not_before > timezone.now():
        until = date_format(timezone.localtime(connection.not_before), "H:i")
        sentence = f"{connection.fault} What is accepted waits until then, and is sent by itself."
        return Health(connection, f"Resting until {until}", sentence.strip())
    if connection.fault:
        return Health(connection, "Trying again", f"The last answer was: {connection.fault}")
    if warning := secret_warning(connection):
        return Health(connection, "Secret expires", warning)
    return Health(connection, "No fault known", "What is accepted is sent at once.", is_troubled=False)


def secret_warning(connection: Connection) -> str:
    """That the client secret of a hosted site expires soon, and what to do; blank if it does not."""
    left = connection.secret_days_left
    if left is None or left > DAYS_OF_WARNING:
        return ""
    when = f"expires in {left} {'day' if left == 1 else 'days'}" if left > 0 else "expires today"
    if left < 0:
        when = f"expired {-left} {'day' if left == -1 else 'days'} ago"
    return f"The client secret {when}. An ERP admin can rotate it in Settings."
