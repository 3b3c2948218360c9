"""Whether a company's connections can be used, as far as we know without asking the ERP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Min, When
from django.utils import timezone
from django.utils.formats import date_format

from directory.models import Company
from erp_integrations.adapters import registry
from erp_integrations.models import Connection
from erp_integrations.models.secrets import list_secret_fields

DAYS_OF_WARNING = 14


@dataclass(frozen=True, slots=True)
class Health:
    """A connection's ``state`` in words, and what follows from it."""

    connection: Connection
    state: str
    sentence: str
    is_troubled: bool = True


def list_health(company: Company) -> list[Health]:
    """Each connection of a company. One query, which leaves the secrets where they are."""
    connections = Connection.objects.filter(company=company).select_related("paused_by")
    return [build_health(each) for each in connections.defer(*list_secret_fields(Connection))]


def list_health_with_facts(company: Company) -> list[tuple[Health, list[tuple[str, str]]]]:
    """Each connection with what an ERP admin wants to know of it, as names and words. One query."""
    connections = (
        Connection.objects.filter(company=company)
        .select_related("settings")
        .defer(*list_secret_fields(Connection))
        .annotate(
            described_at=Min("wsdls__fetched_at"),
            projects=Count("job_links", distinct=True),
            is_unproven=Case(When(previous_client_secret="", then=False), default=True),
        )
    )
    return [(build_health(connection), list_facts(connection)) for connection in connections]


def list_facts(connection: Any) -> list[tuple[str, str]]:
    described, checked = connection.described_at, connection.descriptions_checked_at
    descriptions = (
        f"Read {_format_time(described)}" if described else "Not read yet; the first export does so"
    )
    if described and checked:
        descriptions += f", last seen to be the same {_format_time(checked)}"
    facts = [
        ("Spectrum company", f"{connection.company_code} on {connection.server}"),
        (
            "Projects",
            f"{connection.projects} linked to it" if connection.projects else "None is linked to it",
        ),
        ("Last fault", connection.fault or "None since the last good answer"),
        ("What a written record answers", registry.get_reply_rule(connection.settings).sentence),
        ("Service descriptions (WSDL)", descriptions),
        (
            "Read-back",
            "Configured: each delivery is compared with what Spectrum holds"
            if connection.has_read_back
            else "Not configured: deliveries end as synced, not verified",
        ),
    ]
    if connection.not_before and connection.not_before > timezone.now():
        waits = "Looked at again" if connection.awaits_probe else "Resting until"
        facts.append((waits, _format_time(connection.not_before)))
    if connection.client_id:
        facts.append(("Client secret", describe_secret(connection)))
    return facts


def describe_secret(connection: Any) -> str:
    days_left = connection.secret_days_left
    if days_left is None:
        description = "No date of expiry is known"
    elif days_left < 0:
        description = f"Expired on {date_format(connection.client_secret_expires_on, 'j M Y')}"
    else:
        day = date_format(connection.client_secret_expires_on, "j M Y")
        description = f"{days_left} {'day' if days_left == 1 else 'days'} left, until {day}"
    if connection.is_unproven:
        description += ". The new one was not used successfully yet, so the old one is kept"
    elif connection.rotation_began_at:
        description += (
            f". A rotation began {_format_time(connection.rotation_began_at)}, and how it ended is not known"
        )
    return description


def _format_time(moment: datetime) -> str:
    return f"on {date_format(timezone.localtime(moment), 'j M Y, H:i')}"


def build_health(connection: Connection) -> Health:
    if not connection.base_url:
        sentence = f"Nothing can be sent: SPECTRUM_SERVERS does not name the server {connection.server}."
        return Health(connection, "No server", sentence)
    if connection.paused_at:
        who = f" by {connection.paused_by}" if connection.paused_by else ""
        since = date_format(timezone.localtime(connection.paused_at), "j M Y, H:i")
        sentence = f"Paused{who} on {since}: {connection.pause_reason}. What is accepted waits."
        return Health(connection, "Paused", sentence)
    if connection.is_closed:
        until = f"{connection.closed_until:%H:%M} ({connection.closed_time_zone or 'UTC'})"
        sentence = f"Every day at this hour nothing is sent. What is accepted waits until {until}."
        return Health(connection, f"Closed until {until}", sentence, is_troubled=False)
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
    if warning := describe_secret_expiry(connection):
        return Health(connection, "Secret expires", warning)
    return Health(connection, "No fault known", "What is accepted is sent at once.", is_troubled=False)


def describe_secret_expiry(connection: Connection) -> str:
    """That the client secret of a hosted site expires soon, and what to do; blank if it does not."""
    days_left = connection.secret_days_left
    if days_left is None or days_left > DAYS_OF_WARNING:
        return ""
    when = (
        f"expires in {days_left} {'day' if days_left == 1 else 'days'}" if days_left > 0 else "expires today"
    )
    if days_left < 0:
        when = f"expired {-days_left} {'day' if days_left == -1 else 'days'} ago"
    return f"The client secret {when}. An ERP admin can rotate it in Settings."
