"""Whether a company's connections can be used, as far as we know without asking the ERP."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format

from directory.models import Company
from erp_integrations.models import Connection


@dataclass(frozen=True, slots=True)
class Health:
    """A connection's ``state`` in words, and what follows from it."""

    connection: Connection
    state: str
    sentence: str
    is_troubled: bool = True


def of(company: Company) -> list[Health]:
    """Each connection of a company. One query, which leaves the secrets where they are."""
    connections = Connection.objects.filter(company=company).defer("authorization_id", "guid")
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
    return Health(connection, "No fault known", "What is accepted is sent at once.", is_troubled=False)
