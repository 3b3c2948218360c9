"""The health of a company's connections, as far as we know without asking the ERP."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, Min, QuerySet, When
from django.utils import timezone
from django.utils.formats import date_format

from directory.db.time_zones import format_time
from directory.models import Company
from erp_integrations.adapters import registry
from erp_integrations.models import Connection, ConnectionCredentials
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
    return [build_health(each) for each in list_connections(company)]


def list_connections(company: Company) -> QuerySet[Connection]:
    parts = Connection.objects.select_related("paused_by", "settings", "credentials", "state")
    secrets = list_secret_fields(ConnectionCredentials, "credentials__")
    return parts.filter(company=company).defer(*secrets)


def list_health_with_facts(company: Company) -> list[tuple[Health, list[tuple[str, str]]]]:
    """Each connection with what an ERP admin wants to know of it, as names and words. One query."""
    described = list_connections(company).annotate(
        described_at=Min("wsdls__fetched_at"),
        projects=Count("job_links", distinct=True),
        is_unproven=Case(When(credentials__previous_client_secret="", then=False), default=True),
    )
    return [(build_health(connection), list_facts(connection)) for connection in described]


def list_facts(connection: Any) -> list[tuple[str, str]]:
    described, checked = connection.described_at, connection.state.descriptions_checked_at
    descriptions = (
        f"Read on {format_time(described)}" if described else "Not read yet; the first export reads them"
    )
    if described and checked:
        descriptions += f", last found unchanged on {format_time(checked)}"
    facts = [
        ("Spectrum company", f"{connection.company_code} on {connection.server}"),
        (
            "Projects",
            f"{connection.projects} linked" if connection.projects else "None linked",
        ),
        ("Last fault", connection.state.fault or "None"),
        ("Reply that means written", registry.get_reply_rule(connection.settings).sentence),
        ("Service descriptions (WSDL)", descriptions),
        (
            "Read-back",
            "Configured: each export is compared with Spectrum"
            if connection.has_read_back
            else "Not configured: exports are synced but not verified",
        ),
    ]
    if connection.state.not_before and connection.state.not_before > timezone.now():
        waits = "Next probe" if connection.state.awaits_probe else "Next try"
        facts.append((waits, format_time(connection.state.not_before)))
    if connection.client_id:
        facts.append(("Client secret", describe_secret(connection)))
    return facts


def describe_secret(connection: Any) -> str:
    days_left, stored = connection.secret_days_left, connection.credentials
    if days_left is None:
        description = "Expiry date unknown"
    elif days_left < 0:
        description = f"Expired on {date_format(stored.client_secret_expires_on)}"
    else:
        day = date_format(stored.client_secret_expires_on)
        description = f"{_format_days(days_left)} left, until {day}"
    if connection.is_unproven:
        description += ". The new one has not worked yet, so the old one is kept"
    elif stored.rotation_began_at:
        description += (
            f". A rotation began on {format_time(stored.rotation_began_at)}; its outcome is unknown"
        )
    return description


def build_health(connection: Connection) -> Health:
    state, zone = connection.state, connection.closed_time_zone or "UTC"
    if not connection.base_url:
        sentence = f"Nothing can be exported: SPECTRUM_SERVERS does not list the server {connection.server}."
        return Health(connection, "No server", sentence)
    if connection.paused_at:
        who = f" by {connection.paused_by}" if connection.paused_by else ""
        since = format_time(connection.paused_at)
        sentence = (
            f"Paused{who} on {since}: {connection.pause_reason}. Accepted commitments wait until an "
            "ERP Integrations Admin resumes it in Settings."
        )
        return Health(connection, "Paused", sentence)
    if connection.is_closed:
        until = f"{connection.closed_until:%H:%M} ({zone})"
        sentence = f"Nothing is exported in this daily window. Accepted commitments wait until {until}."
        return Health(connection, f"Closed until {until}", sentence, is_troubled=False)
    if state.awaits_probe:
        sentence = (
            f"{state.fault} Nothing is exported on this connection until it is fixed. It is probed "
            "automatically, and an ERP Integrations Admin can probe it in Settings."
        )
        return Health(connection, "Stopped", sentence.strip())
    if state.not_before and state.not_before > timezone.now():
        until = format_time(state.not_before)
        sentence = f"{state.fault} Accepted commitments wait until then and are exported automatically."
        return Health(connection, f"Next try at {until}", sentence.strip())
    if state.fault:
        return Health(connection, "Trying again", f"Last answer: {state.fault}")
    if warning := describe_secret_expiry(connection):
        return Health(connection, "Secret expires", warning)
    sentence = "Accepted commitments are exported at once"
    if connection.closed_from:
        sentence += (
            f", but not from {connection.closed_from:%H:%M} to {connection.closed_until:%H:%M} ({zone})"
        )
    return Health(connection, "Ready", f"{sentence}.", is_troubled=False)


def describe_secret_expiry(connection: Connection) -> str:
    """That the client secret of a hosted site expires soon, and what to do; blank if it does not."""
    days_left = connection.secret_days_left
    if days_left is None or days_left > DAYS_OF_WARNING:
        return ""
    when = f"expires in {_format_days(days_left)}" if days_left else "expires today"
    if days_left < 0:
        when = f"expired {_format_days(-days_left)} ago"
    return f"The client secret {when}. An ERP Integrations Admin can rotate it in Settings."


def _format_days(count: int) -> str:
    return f"{count} {'day' if count == 1 else 'days'}"
