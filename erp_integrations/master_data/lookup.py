"""What Spectrum's lists, as they were last read, say of one document's vendor, job and cost codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.db.models.functions import Upper
from django.db.models.lookups import Exact

from erp_integrations.adapters.base import KNOWN, Known, PhaseRecord, PhaseStatus
from erp_integrations.models import Connection, Job, MastersPull, Phase, Vendor

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Listed:
    """As ``Masters`` of the adapters has them."""

    vendor: Known
    job: Known
    phases: tuple[PhaseRecord, ...] | None
    job_price_method: str
    vendor_name: str
    job_description: str


def listed(
    connection: Connection, *, vendor_code: str, job_number: str, phase_codes: Iterable[str]
) -> Listed:
    """Look up linked codes, and the phases of these codes in upper case. At most four queries."""
    pull = MastersPull.objects.filter(connection=connection).first()
    vendor = _vendor(connection, pull, vendor_code)
    job = _job(connection, pull, job_number)
    return Listed(
        vendor=_vendor_state(vendor, pull, vendor_code),
        job=_job_state(job, pull),
        phases=_phases(job, phase_codes),
        job_price_method=job.price_method if job else "",
        vendor_name=vendor.name if vendor else "",
        job_description=job.description if job else "",
    )


def by_code(rows: QuerySet[M], field: str, code: str) -> QuerySet[M]:
    """Those with this code, as Spectrum compares codes: trimmed, and without regard to case."""
    return rows.filter(Exact(Upper(field), code.strip().upper()))


def _vendor(connection: Connection, pull: MastersPull | None, code: str) -> Vendor | None:
    if not code or pull is None or pull.vendors_at is None:
        return None
    return by_code(Vendor.objects.filter(connection=connection, gone_at=None), "code", code).first()


def _vendor_state(vendor: Vendor | None, pull: MastersPull | None, code: str) -> Known:
    if not code or pull is None or pull.vendors_at is None:
        return Known.NOT_READ
    if vendor is None:
        return Known.ABSENT if pull.lists_inactive_vendors else Known.NOT_AMONG_ACTIVE
    return KNOWN[vendor.status]


def _job(connection: Connection, pull: MastersPull | None, number: str) -> Job | None:
    if not number or pull is None or pull.jobs_at is None:
        return None
    return by_code(Job.objects.filter(connection=connection, gone_at=None), "number", number).first()


def _job_state(job: Job | None, pull: MastersPull | None) -> Known:
    if pull is None or pull.jobs_at is None:
        return Known.NOT_READ
    if job is None:
        return Known.ABSENT
    return KNOWN[job.status]


def _phases(job: Job | None, codes: Iterable[str]) -> tuple[PhaseRecord, ...] | None:
    if job is None or job.phases_seen_at is None:
        return None
    phases = (
        Phase.objects.filter(job=job, gone_at=None)
        .alias(comparable=Upper("code"))
        .filter(comparable__in=set(codes))
        .order_by("code", "cost_type")
    )
    return tuple(
        PhaseRecord(
            code=phase.code,
            cost_type=phase.cost_type,
            description=phase.description,
            status=PhaseStatus(phase.status),
            billing_item=phase.billing_item,
            unit_of_measure=phase.unit_of_measure,
            price_method=phase.price_method,
        )
        for phase in phases
    )
