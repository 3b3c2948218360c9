"""What Spectrum's master data, as they were last read, say of one document's vendor, job and cost codes."""

from collections.abc import Iterable
from dataclasses import fields
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.db.models.functions import Upper
from django.db.models.lookups import Exact

from erp_integrations.adapters.base import (
    REFERENCE_STATUSES,
    ErpReferences,
    PhaseRecord,
    PhaseStatus,
    ReferenceStatus,
)
from erp_integrations.models import Connection, Job, MastersPull, Phase, Vendor

M = TypeVar("M", bound=Model)


def find_references(
    connection: Connection, *, vendor_code: str, job_number: str, phase_codes: Iterable[str]
) -> ErpReferences:
    """Look up linked codes, and the phases of these codes in upper case. At most four queries."""
    sync = MastersPull.objects.filter(connection=connection).first() or MastersPull()
    vendor: Vendor | None = None
    job: Job | None = None
    vendor_status = job_status = ReferenceStatus.NOT_READ
    if vendor_code and sync.vendors_at:
        vendors = Vendor.objects.filter(connection=connection, gone_at=None)
        vendor = find_by_code(vendors, "code", vendor_code).first()
        absent = ReferenceStatus.ABSENT if sync.lists_inactive_vendors else ReferenceStatus.NOT_AMONG_ACTIVE
        vendor_status = REFERENCE_STATUSES[vendor.status] if vendor else absent
    if sync.jobs_at:
        jobs = Job.objects.filter(connection=connection, gone_at=None)
        job = find_by_code(jobs, "number", job_number).first() if job_number else None
        job_status = REFERENCE_STATUSES[job.status] if job else ReferenceStatus.ABSENT
    return ErpReferences(
        vendor_code=vendor_code,
        job_number=job_number,
        vendor=vendor_status,
        job=job_status,
        phases=find_phases(job, phase_codes),
        job_price_method=job.price_method if job else "",
        vendor_name=vendor.name if vendor else "",
        job_description=job.description if job else "",
    )


def find_by_code(rows: QuerySet[M], field: str, code: str) -> QuerySet[M]:
    """Those with this code, as Spectrum compares codes: trimmed, and without regard to case."""
    return rows.filter(Exact(Upper(field), code.strip().upper()))


def find_phases(job: Job | None, codes: Iterable[str]) -> tuple[PhaseRecord, ...] | None:
    if job is None or job.phases_seen_at is None:
        return None
    listed = Phase.objects.filter(job=job, gone_at=None).alias(comparable=Upper("code"))
    phases = listed.filter(comparable__in=set(codes)).order_by("code", "cost_type")
    names = [field.name for field in fields(PhaseRecord)]  # the columns' names, too
    return tuple(PhaseRecord(**row | {"status": PhaseStatus(row["status"])}) for row in phases.values(*names))
