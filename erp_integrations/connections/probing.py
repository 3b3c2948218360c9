"""Asking a site whether it can still be used, and what follows: a connection stops, or goes on.

A probe only reads. It is made with no transaction open, by the workers for connections that have
stopped, and by an ERP admin who presses the button.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations import wakeup
from erp_integrations.adapters import registry
from erp_integrations.adapters.base import ProbeResult
from erp_integrations.connections import circuit_breaker, secret_rotation
from erp_integrations.connections.circuit_breaker import record_connection_event
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, ConnectionState


def list_due_for_probe() -> list[int]:
    """The connections that stopped and have waited long enough."""
    return list(ConnectionState.objects.due_for_probe().order_by("not_before").values_list("pk", flat=True))


def probe_due() -> int:
    """Probe them one after the other; how many go on."""
    return sum(probe_if_due(connection_id) for connection_id in list_due_for_probe())


def probe(*, connection: Connection, by: User) -> ProbeResult:
    """Probe for a person. Raises RightMissing without Admin on the ERP Integrations tool."""
    require_administer_erp_integrations(by, connection.company)
    return _probe(connection.pk, by)


def accept_new_wsdl(*, connection: Connection, by: User, expected_sentence: str) -> ProbeResult:
    """Keep the site's present descriptions instead of the kept ones, and go on.

    ``expected_sentence`` is the one that the person said yes to; if the site says something else by now,
    nothing is kept. Raises RightMissing without Admin on the ERP Integrations tool.
    """
    require_administer_erp_integrations(by, connection.company)
    connection = Connection.objects.select_related("company", "state").get(pk=connection.pk)
    result = registry.build_reading_adapter(connection).probe()
    if not result.can_accept_wsdl or result.sentence != expected_sentence:
        record_probe(connection, result, by)
        return result
    with transaction.atomic():
        row = Connection.objects.lock(connection.pk)
        registry.store_descriptions(connection, result, overwrite=True)
        record_connection_event(
            ErpEvent.CONNECTION_DESCRIPTIONS_ADOPTED, connection, by, {"difference": result.sentence}
        )
        resume_after_probe(row, by)
    done = "Spectrum's new service descriptions are in use."
    return ProbeResult(is_usable=True, sentence=done)


def probe_if_due(connection_id: int) -> bool:
    """Probe one of them; whether it goes on. False also when another worker was first."""
    # Moved on first, so that two workers don't ask at the same moment; but no further than a lease, because
    # a worker that dies while it asks leaves the connection stopped for as long.
    lease = timedelta(seconds=settings.EXPORT_LEASE_SECONDS)
    if not ConnectionState.objects.due_for_probe().filter(pk=connection_id).update(not_before=Now() + lease):
        return False
    return _probe(connection_id, None).is_usable


def _probe(connection_id: int, by: User | None) -> ProbeResult:
    connection = Connection.objects.select_related("company", "state").get(pk=connection_id)
    secret_rotation.verify_new_secret(connection)
    result = registry.build_reading_adapter(connection).probe()
    record_probe(connection, result, by)
    return result


@transaction.atomic
def record_probe(connection: Connection, result: ProbeResult, by: User | None) -> None:
    row = Connection.objects.lock(connection.pk)
    if result.is_usable:
        registry.store_descriptions(connection, result)
        if row.state.awaits_probe:
            resume_after_probe(row, by)
    elif not result.transient:
        circuit_breaker.open_circuit(row, result.sentence, adoptable=result.can_accept_wsdl)
    elif row.state.awaits_probe:
        # Why it stopped is still what matters; a server that is down meanwhile says nothing about it.
        circuit_breaker.open_circuit(row, row.state.fault, adoptable=row.state.can_adopt)
    if by:
        record_connection_event(
            ErpEvent.CONNECTION_PROBED, row, by, {"usable": result.is_usable, "sentence": result.sentence}
        )


def resume_after_probe(connection: Connection, by: User | None) -> None:
    stopped = ConnectionState.objects.filter(connection=connection)
    stopped.update(awaits_probe=False, can_adopt=False, failed_probes=0)
    registry.resume_jobs(connection)
    record_connection_event(ErpEvent.CONNECTION_REOPENED, connection, by, {})
    wakeup.wake_exports(connection.pk)
