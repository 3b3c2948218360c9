"""One document's vendor, job and cost codes in Spectrum's master data, as they were last read."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Model, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import JSONObject, Trim, Upper
from django.db.models.lookups import Exact

from directory.db.prepared import AnyOf, Parameter
from erp_integrations.adapters.base import (
    REFERENCE_STATUSES,
    ErpReferences,
    PhaseRecord,
    PhaseStatus,
    ReferenceStatus,
)
from erp_integrations.models import Job, JobLink, MastersPull, Phase, Vendor

M = TypeVar("M", bound=Model)

PHASE_COLUMNS = [each.name for each in fields(PhaseRecord)]  # the columns' names, too


def add_references(links: QuerySet[JobLink], phase_codes: Parameter) -> QuerySet[JobLink]:
    """Job links with a ``vendor_code``, each with what the lists say: ``vendor`` and ``job``, None for one
    that is not listed, and the ``phases`` of these codes in upper case.
    """
    listed = {"connection": OuterRef("connection"), "gone_at": None}
    vendor = find_by_code(Vendor.objects.filter(**listed), "code", OuterRef("vendor_code")).order_by("pk")[:1]
    job = find_by_code(Job.objects.filter(**listed), "number", OuterRef("job_number")).order_by("pk")[:1]
    phases = Phase.objects.filter(job=OuterRef("job_pk"), gone_at=None).alias(comparable=Upper("code"))
    phases = phases.filter(AnyOf(F("comparable"), phase_codes)).order_by("code", "cost_type")
    return links.alias(job_pk=Subquery(job.values("pk"))).annotate(
        vendor=Subquery(build_json_rows(vendor, "name", "status")),
        job=Subquery(build_json_rows(job, "description", "status", "price_method", "phases_seen_at")),
        phases=ArraySubquery(build_json_rows(phases, *PHASE_COLUMNS)),
    )


def build_references(link: Any) -> ErpReferences:
    """By the lists, of one of ``add_references``, which came with its connection's pull."""
    sync: MastersPull = getattr(link.connection, "masters_pull", None) or MastersPull()
    vendor, job = link.vendor if sync.vendors_at else None, link.job if sync.jobs_at else None
    vendor_status = job_status = ReferenceStatus.NOT_READ
    if link.vendor_code and sync.vendors_at:
        absent = ReferenceStatus.ABSENT if sync.lists_inactive_vendors else ReferenceStatus.NOT_AMONG_ACTIVE
        vendor_status = REFERENCE_STATUSES[vendor["status"]] if vendor else absent
    if sync.jobs_at:
        job_status = REFERENCE_STATUSES[job["status"]] if job else ReferenceStatus.ABSENT
    phases = tuple(map(parse_phase, link.phases or ()))
    read_at = job and job["phases_seen_at"]
    return ErpReferences(
        vendor_code=link.vendor_code,
        job_number=link.job_number,
        vendor=vendor_status,
        job=job_status,
        phases=phases if read_at else None,
        phases_read_at=datetime.fromisoformat(read_at) if read_at else None,
        job_price_method=job["price_method"] if job else "",
        vendor_name=vendor["name"] if vendor else "",
        job_description=job["description"] if job else "",
    )


def parse_phase(columns: dict[str, Any]) -> PhaseRecord:
    """A float's shortest text is the amount itself, as that has at most fifteen digits."""
    dollars = {
        name: None if columns[name] is None else Decimal(str(columns[name]))
        for name in ("estimate", "to_date")
    }
    return PhaseRecord(**columns | dollars | {"status": PhaseStatus(columns["status"])})


def build_json_rows(rows: QuerySet[Any], *columns: str) -> QuerySet[Any, Any]:
    return rows.values(found=JSONObject(**{column: column for column in columns}))


def find_by_code(rows: QuerySet[M], field: str, code: str | OuterRef) -> QuerySet[M]:
    """Those with this code, as Spectrum compares codes: trimmed, and without regard to case."""
    return rows.filter(Exact(Upper(field), Upper(Trim(Value(code) if isinstance(code, str) else code))))
