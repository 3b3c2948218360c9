"""From a connection's row to the adapter that speaks for it; the one place that knows which ERP it is."""

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from commitments.models import Kind
from erp_integrations.adapters.base import Adapter, Call, Element, NotSent, ProbeResult, Unusable
from erp_integrations.adapters.spectrum import NonAscii, SpectrumAdapter, SpectrumSettings
from erp_integrations.models import Connection, ErpIdRule, ExportCall, JobStatus, Wsdl

# Where nothing is connected there is nothing to send to: no name service knows this one.
NOWHERE = "https://not-in-spectrum-servers.invalid"


def adapter_for(connection: Connection | None) -> Adapter:
    """An adapter that can check and plan, but not send. No query."""
    return _spectrum(connection, {})


def ready_adapter(connection: Connection) -> Adapter | NotSent | Unusable:
    """An adapter that can send, with the site's service descriptions.

    They are fetched once and kept. Now and then, and after every answer that nobody understood, it
    is asked whether they still are the site's own: a site that changed would fault on each call,
    and leave one export after the other unknown. Uses the wire; call it with no transaction open.
    """
    if connection.wsdls.exists() and not _is_to_be_checked(connection):
        return probing_adapter(connection)
    result = probing_adapter(connection).probe()
    if not result.usable:
        return NotSent(result.sentence) if result.passing else Unusable(result.sentence, result.adoptable)
    keep(connection, result)
    return probing_adapter(connection)


def probing_adapter(connection: Connection) -> Adapter:
    """An adapter with the descriptions that are kept now, if any."""
    return _spectrum(connection, dict(connection.wsdls.values_list("method", "text")))


@transaction.atomic
def keep(connection: Connection, result: ProbeResult, *, instead: bool = False) -> None:
    """Keep the descriptions that a probe has found, where there is none yet or ``instead`` of it."""
    if instead:
        connection.wsdls.all().delete()
    for method, text in result.descriptions.items():
        Wsdl.objects.get_or_create(connection=connection, method=method, defaults={"text": text})
    Connection.objects.filter(pk=connection.pk).update(descriptions_checked_at=Now())


def as_planned(stored: ExportCall) -> Call:
    """A stored call as the adapter made it, and is given it again."""
    return Call(stored.method, stored.title, tuple(Element(**element) for element in stored.elements))


@transaction.atomic
def let_go_on(connection: Connection) -> None:
    """After its settings were changed: what waits out a fault of the old ones is due now.

    A connection that stopped until a probe succeeds is probed now.
    """
    held = Connection.objects.filter(pk=connection.pk)
    held.filter(awaits_probe=True).update(not_before=Now())
    held.filter(awaits_probe=False).update(not_before=None, fault="")
    waiting = connection.jobs.filter(status__in=[JobStatus.QUEUED, JobStatus.INCOMPLETE])
    waiting.filter(not_before__isnull=False).update(not_before=Now())


def _is_to_be_checked(connection: Connection) -> bool:
    checked = connection.descriptions_checked_at
    return checked is None or checked < timezone.now() - timedelta(seconds=settings.WSDL_CHECK_SECONDS)


def _spectrum(connection: Connection | None, wsdls: Mapping[str, str]) -> SpectrumAdapter:
    if connection is None:
        return SpectrumAdapter(SpectrumSettings(base_url=NOWHERE, company_code="", authorization_id=""))
    return SpectrumAdapter(
        SpectrumSettings(
            base_url=connection.base_url or NOWHERE,
            company_code=connection.company_code,
            authorization_id=connection.authorization_id,
            guid=connection.guid,
            wsdl_path=connection.wsdl_path,
            service_path=connection.service_path,
            success_codes=frozenset(
                code.strip().upper() for code in connection.success_codes.split(",") if code.strip()
            ),
            connect_timeout=settings.WIRE_CONNECT_TIMEOUT,
            read_timeout=settings.WIRE_READ_TIMEOUT,
            require_https=not settings.DEVELOPMENT,
            wsdls=wsdls,
            non_ascii=NonAscii(connection.non_ascii),
            erp_id_prefixes={
                Kind.SUBCONTRACT: connection.subcontract_prefix,
                Kind.PURCHASE_ORDER: connection.purchase_order_prefix,
            },
            last_characters=connection.erp_id_rule == ErpIdRule.LAST,
            info_link=settings.INFO_LINKS.get(connection.server, ""),
        )
    )
