"""What an export left in Spectrum before its commitment was rejected.

Vendor, job and ERP ID then stay fixed, and a line that stands there may not be forgotten by the
next export (docs/product.md, section 7.6): Spectrum has no service that deletes.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from commitments.models import Badge, Commitment
from erp_integrations.adapters.base import Absent, CannotTell, Finding, Fixer, Key, Masters, Severity
from erp_integrations.connections.adapting import adapter_for, as_planned
from erp_integrations.findings import elsewhere
from erp_integrations.models import (
    CallState,
    Connection,
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobStatus,
    SubmissionStatus,
)
from erp_integrations.models.secrets import secret_fields

LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Remains:
    """The calls of former exports that stand in Spectrum, and the last job that wrote there."""

    job: ExportJob
    calls: list[ExportCall]

    @property
    def job_number(self) -> str:
        """The Spectrum job of the record, which can never change."""
        return next((call.payload.get("Job_Number", "") for call in map(as_planned, self.calls)), "")


def of(commitment_id: int) -> Remains | None:
    """What is left of a commitment's former exports; None in nearly every case. One query."""
    calls = list(_left().filter(job__submission__commitment=commitment_id))
    return Remains(calls[0].job, calls) if calls else None


def release_erp_id(commitment: Commitment) -> None:
    """Free the record's name for others, unless something of this commitment stands under it."""
    if of(commitment.pk) is None:
        ErpIdHold.objects.filter(commitment=commitment).delete()


def findings(commitment_id: int, planned: Key, job_number: str) -> list[Finding]:
    """Why a commitment can't go to another record than the one that it was begun in. One query."""
    left = of(commitment_id)
    if left is None:
        return []
    job = left.job
    there = f"A part of it is in Spectrum already: vendor {job.vendor_code}, subcontract {job.erp_id}"
    found: list[Finding] = []

    def block(code: str, field: str, wanted: str, held: str, fixer: Fixer) -> None:
        if wanted.strip().upper() != held.strip().upper():
            found.append(
                Finding(
                    code,
                    Severity.BLOCKING,
                    f"{there}. So it can't go to {wanted or 'none'} now.",
                    field,
                    f"Set it back to {held}, or delete the record in Spectrum first.",
                    fixer,
                )
            )

    code = job.connection.company_code
    block("company-fixed", "Spectrum company", planned.company_code, code, Fixer.ERP_ADMIN)
    block("vendor-fixed", "Contract Company", planned.vendor_code, job.vendor_code, Fixer.PROJECT)
    block("job-fixed", "Project", job_number, left.job_number, Fixer.ERP_ADMIN)
    block("erp-id-fixed", "ERP ID", planned.erp_id, job.erp_id, Fixer.APPROVER)
    return found


def forgotten_lines(commitment_id: int, parts: Collection[tuple[str, ...]]) -> list[Finding]:
    """Lines that stand in Spectrum and are not among the ``parts`` of a new plan. One query."""
    left = of(commitment_id)
    if left is None:
        return []
    adapter = adapter_for(left.job.connection)
    forgotten = [
        ", ".join(filter(None, adapter.part_of(call)[1:]))
        for call in map(as_planned, left.calls)
        if adapter.part_of(call) not in parts and adapter.shows(call)
    ]
    if not forgotten:
        return []
    return [
        Finding(
            "line-left-in-spectrum",
            Severity.BLOCKING if adapter.reads_back else Severity.CANNOT_CHECK,
            f"An earlier export wrote {'; '.join(forgotten)} to Spectrum, and the Schedule of Values has no "
            "such line.",
            "Schedule of Values",
            "Delete it in Spectrum first; a moment after, that is seen here."
            if adapter.reads_back
            else "Delete it in Spectrum before this is exported: it can't be looked up from here.",
            Fixer.ERP_ADMIN,
        )
    ]


def watch(job: ExportJob) -> None:
    """Look from now on whether somebody deletes what is left; the caller saves."""
    job.verify_after = Now() + timedelta(seconds=settings.READ_BACK_LAG_SECONDS)


def to_look_at() -> list[int]:
    """The jobs that left something in a Spectrum that can be read back, and are due."""
    jobs = ExportJob.objects.filter(
        status=JobStatus.CANCELLED, verify_after__lte=Now(), connection__server__in=settings.INFO_LINKS
    ).exclude(submission__commitment__badge__in=[Badge.SYNCED, Badge.SYNCED_WITH_DIFFERENCES])
    return list(jobs.order_by("verify_after").values_list("pk", flat=True)[:50])


def look(job_id: int) -> int:
    """Look what of a cancelled job's calls is still there; how many are gone since."""
    job = ExportJob.objects.select_related("connection__settings").get(pk=job_id)
    calls = list(job.calls.filter(state=CallState.WRITTEN).order_by("position"))
    adapter = adapter_for(job.connection)
    found = adapter.find(adapter.key(Masters(vendor_code=job.vendor_code), job.erp_id))
    gone: list[int] = []
    if isinstance(found, Absent) or elsewhere.another_job(job, found):
        # Where it stands, or may stand, under another key, or nobody can tell, nothing of it is gone.
        gone = [] if elsewhere.find(job) else [call.pk for call in calls]
    elif not isinstance(found, CannotTell):
        seen = adapter.inspect(tuple(as_planned(call) for call in calls), found)
        gone = [call.pk for call, there in zip(calls, seen.calls, strict=True) if there is None]
    with transaction.atomic():
        ExportCall.objects.filter(pk__in=gone, state=CallState.WRITTEN).update(state=CallState.GONE)
        left = len(gone) < len(calls)
        ExportJob.objects.filter(pk=job_id, status=JobStatus.CANCELLED).update(
            verify_after=Now() + LOOK_AGAIN if left else None
        )
    return len(gone)


def possibly_written(commitment: Commitment) -> QuerySet[ExportCall]:
    """The calls of a commitment of which something stands in Spectrum, or may."""
    calls = ExportCall.objects.filter(job__submission__commitment=commitment)
    tried = Q(wire_attempts__isnull=False) | Q(state=CallState.WRITTEN)  # what was adopted was never tried
    return calls.exclude(state=CallState.GONE).filter(tried).distinct()


def forget(commitment: Commitment) -> None:
    """Everything of a commitment is proven gone from Spectrum."""
    possibly_written(commitment).update(state=CallState.GONE)
    ErpIdHold.objects.filter(commitment=commitment).delete()


def _left() -> QuerySet[ExportCall]:
    return (
        ExportCall.objects.filter(
            state=CallState.WRITTEN,
            job__status=JobStatus.CANCELLED,
            job__submission__status=SubmissionStatus.REJECTED,
        )
        .select_related("job__connection__settings")
        .defer(*secret_fields(Connection, "job__connection__"))
        .order_by("-job", "position")
    )
