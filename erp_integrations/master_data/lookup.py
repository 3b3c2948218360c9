"""What Spectrum's master data, as they were last read, say of one document's vendor, job and cost codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.db.models.functions import Upper
from django.db.models.lookups import Exact

from erp_integrations.adapters.base import REFERENCE_STATUSES, PhaseRecord, PhaseStatus, ReferenceStatus
from erp_integrations.models import Connection, Job, MastersPull, Phase, Vendor

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class ReferenceLookup:
    """As ``Masters`` of the adapters has them."""

    vendor: ReferenceStatus
    job: ReferenceStatus
    phases: tuple[PhaseRecord, ...] | None
    job_price_method: str
    vendor_name: str
    job_description: str


def find_references(
    connection: Connection, *, vendor_code: str, job_number: str, phase_codes: Iterable[str]
) -> ReferenceLookup:
    """Look up linked codes, and the phases of these codes in upper case. At most four queries."""
    sync = MastersPull.objects.filter(connection=connection).first()
    vendor = find_vendor(connection, sync, vendor_code)
    job = find_job(connection, sync, job_number)
    return ReferenceLookup(
        vendor=_get_vendor_state(vendor, sync, vendor_code),
        job=_get_job_state(job, sync),
        phases=find_phases(job, phase_codes),
        job_price_method=job.price_method if job else "",
        vendor_name=vendor.name if vendor else "",
        job_description=job.description if job else "",
    )


def find_by_code(rows: QuerySet[M], field: str, code: str) -> QuerySet[M]:
    """Those with this code, as Spectrum compares codes: trimmed, and without regard to case."""
    return rows.filter(Exact(Upper(field), code.strip().upper()))


def find_vendor(connection: Connection, sync: MastersPull | None, code: str) -> Vendor | None:
    if not code or sync is None or sync.vendors_at is None:
        return None
    return find_by_code(Vendor.objects.filter(connection=connection, gone_at=None), "code", code).first()


def _get_vendor_state(vendor: Vendor | None, sync: MastersPull | None, code: str) -> ReferenceStatus:
    if not code or sync is None or sync.vendors_at is None:
        return ReferenceStatus.NOT_READ
    if vendor is None:
        return ReferenceStatus.ABSENT if sync.lists_inactive_vendors else ReferenceStatus.NOT_AMONG_ACTIVE
    return REFERENCE_STATUSES[vendor.status]


def find_job(connection: Connection, sync: MastersPull | None, number: str) -> Job | None:
    if not number or sync is None or sync.jobs_at is None:
        return None
    return find_by_code(Job.objects.filter(connection=connection, gone_at=None), "number", number).first()


def _get_job_state(job: Job | None, sync: MastersPull | None) -> ReferenceStatus:
    if sync is None or sync.jobs_at is None:
        return ReferenceStatus.NOT_READ
    if job is None:
        return ReferenceStatus.ABSENT
    return REFERENCE_STATUSES[job.status]


def find_phases(job: Job | None, codes: Iterable[str]) -> tuple[PhaseRecord, ...] | None:
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
