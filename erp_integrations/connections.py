"""From a connection's row to the adapter that speaks for it; the one place that knows which ERP it is."""

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from commitments.models import Kind
from erp_integrations.adapters.base import Adapter, Call, Element, NotSent
from erp_integrations.adapters.spectrum import NonAscii, SpectrumAdapter, SpectrumSettings, WsdlError
from erp_integrations.models import Connection, ErpIdRule, ExportCall, JobStatus, Wsdl

# Where nothing is connected there is nothing to send to: no name service knows this one.
NOWHERE = "https://not-in-spectrum-servers.invalid"


def adapter_for(connection: Connection | None) -> Adapter:
    """An adapter that can check and plan, but not send. No query."""
    return _spectrum(connection, {})


def ready_adapter(connection: Connection) -> Adapter | NotSent:
    """An adapter that can send, with the site's service descriptions.

    They are fetched once and kept; until that worked, nothing can be sent.
    """
    kept = dict(connection.wsdls.values_list("method", "text"))
    if not kept:
        try:
            kept = dict(_spectrum(connection, {}).fetch_wsdls())
        except WsdlError as error:
            return NotSent(str(error), passing=error.passing)
        for method, text in kept.items():
            Wsdl.objects.update_or_create(connection=connection, method=method, defaults={"text": text})
    return _spectrum(connection, kept)


def as_planned(stored: ExportCall) -> Call:
    """A stored call as the adapter made it, and is given it again."""
    return Call(stored.method, stored.title, tuple(Element(**element) for element in stored.elements))


@transaction.atomic
def let_go_on(connection: Connection) -> None:
    """After its settings were changed: what waits out a fault of the old ones is due now."""
    Connection.objects.filter(pk=connection.pk).update(not_before=None, fault="")
    waiting = connection.jobs.filter(status__in=[JobStatus.QUEUED, JobStatus.INCOMPLETE])
    waiting.filter(not_before__isnull=False).update(not_before=Now())


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
