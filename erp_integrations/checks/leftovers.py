"""An export's leftovers in Spectrum, after its commitment was rejected.

Vendor, job and ERP ID then stay fixed, and a line that stands there may not be forgotten by the
next export (docs/product.md, section 7.6): Spectrum has no service that deletes.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from commitments.models import Badge, Commitment, Lock
from erp_integrations.adapters.base import (
    Issue,
    Key,
    NotFound,
    ResponsibleParty,
    Severity,
    Unavailable,
)
from erp_integrations.adapters.registry import get_adapter, get_job_key, to_call
from erp_integrations.checks import moved_records
from erp_integrations.models import (
    CallState,
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobStatus,
    SubmissionStatus,
)

READ_BACK_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The calls of former exports that stand in Spectrum, and the last job that wrote there."""

    job: ExportJob
    calls: list[ExportCall]

    @property
    def job_number(self) -> str:
        """The Spectrum job of the record, which can never change."""
        return get_adapter(self.job.connection).get_job_number(to_call(self.calls[0]))


def find_leftovers(commitment_id: int) -> Leftovers | None:
    """Those of a commitment's former exports; None in nearly every case. One query."""
    calls = list(list_leftover_calls().filter(job__submission__commitment=commitment_id))
    return Leftovers(calls[0].job, calls) if calls else None


def release_erp_id(commitment: Commitment) -> None:
    """Free the record's name for others, unless something of this commitment stands under it."""
    if commitment.lock != Lock.EXPORTED and find_leftovers(commitment.pk) is None:
        ErpIdHold.objects.filter(commitment=commitment).delete()


def check_record(leftovers: Leftovers, planned: Key, job_number: str) -> Iterator[Issue]:
    """Why a commitment can't go to another record than the one that it was begun in."""
    job = leftovers.job
    there = f"Part of it is already in Spectrum: {job.record_name}"
    fixed = (
        ("company-fixed", "Spectrum company", planned.company_code, job.connection.company_code),
        ("vendor-fixed", "Contract Company", planned.vendor_code, job.vendor_code),
        ("job-fixed", "Project", job_number, leftovers.job_number),
        ("erp-id-fixed", "ERP ID", planned.erp_id, job.erp_id),
    )
    parties = {"vendor-fixed": ResponsibleParty.PROJECT, "erp-id-fixed": ResponsibleParty.APPROVER}
    for code, field, wanted, current in fixed:
        if wanted.strip().upper() != current.strip().upper():
            sentence = f"{there}. It can't be changed to {wanted or 'none'} now."
            action = f"Change it back to {current}, or delete the record in Spectrum first."
            party = parties.get(code, ResponsibleParty.ERP_ADMIN)
            yield Issue(code, Severity.BLOCKING, sentence, field, action, party)


def check_lines(leftovers: Leftovers, parts: Collection[tuple[str, ...]]) -> Iterator[Issue]:
    """Lines that stand in Spectrum and are not among the ``parts`` of a new plan."""
    adapter = get_adapter(leftovers.job.connection)
    missing = [
        ", ".join(filter(None, adapter.get_record_part(call)[1:]))
        for call in map(to_call, leftovers.calls)
        if adapter.get_record_part(call) not in parts and adapter.can_read_back(call)
    ]
    if missing:
        yield Issue(
            "line-left-in-spectrum",
            Severity.BLOCKING if adapter.has_read_back else Severity.CANNOT_CHECK,
            f"An earlier export wrote {'; '.join(missing)} to Spectrum, but the Schedule of Values has no "
            "such line.",
            "Schedule of Values",
            "Delete it in Spectrum first. This is detected within moments."
            if adapter.has_read_back
            else "Delete it in Spectrum before exporting. It can't be checked from here.",
            ResponsibleParty.ERP_ADMIN,
        )


def set_due_for_read_back(job: ExportJob) -> None:
    """Look from now on whether somebody deletes what is left; the caller saves."""
    job.verify_after = Now() + timedelta(seconds=settings.READ_BACK_LAG_SECONDS)


def list_due_for_read_back() -> list[int]:
    """The jobs that left something in a Spectrum that can be read back, and are due."""
    jobs = ExportJob.objects.filter(
        status=JobStatus.CANCELLED, verify_after__lte=Now(), connection__server__in=settings.INFO_LINKS
    ).exclude(submission__commitment__badge__in=[Badge.SYNCED, Badge.SYNCED_WITH_DIFFERENCES])
    return list(jobs.order_by("verify_after").values_list("pk", flat=True)[:50])


def read_back_leftovers(job_id: int) -> int:
    """Look what of a cancelled job's calls is still there; how many are gone since."""
    job = ExportJob.objects.select_related("connection__settings").get(pk=job_id)
    calls = list(job.calls.filter(state=CallState.WRITTEN).order_by("position"))
    adapter = get_adapter(job.connection)
    found = adapter.find_record(get_job_key(job))
    gone: list[int] = []
    if isinstance(found, NotFound) or moved_records.find_other_job(job, found):
        # Where it stands, or may stand, under another key, or nobody can tell, nothing of it is gone.
        gone = [] if moved_records.find_moved_records(job) else [call.pk for call in calls]
    elif not isinstance(found, Unavailable):
        inspection = adapter.compare_calls(tuple(to_call(call) for call in calls), found)
        gone = [call.pk for call, there in zip(calls, inspection.calls, strict=True) if there is None]
    with transaction.atomic():
        ExportCall.objects.filter(pk__in=gone, state=CallState.WRITTEN).update(state=CallState.GONE)
        has_leftovers = len(gone) < len(calls)
        ExportJob.objects.filter(pk=job_id, status=JobStatus.CANCELLED).update(
            verify_after=Now() + READ_BACK_INTERVAL if has_leftovers else None
        )
    return len(gone)


def list_possibly_written_calls(commitment: Commitment) -> QuerySet[ExportCall]:
    """The calls of a commitment of which something stands in Spectrum, or may."""
    calls = ExportCall.objects.filter(job__submission__commitment=commitment)
    tried = Q(wire_attempts__isnull=False) | Q(state=CallState.WRITTEN)  # what was adopted was never tried
    return calls.exclude(state=CallState.GONE).filter(tried).distinct()


def record_leftovers_gone(commitment: Commitment) -> None:
    """Everything of a commitment is proven gone from Spectrum."""
    list_possibly_written_calls(commitment).update(state=CallState.GONE)
    ErpIdHold.objects.filter(commitment=commitment).delete()


def list_leftover_calls() -> QuerySet[ExportCall]:
    calls = ExportCall.objects.select_related("job__connection__settings").filter(
        state=CallState.WRITTEN,
        job__status=JobStatus.CANCELLED,
        job__submission__status=SubmissionStatus.REJECTED,
    )
    return calls.order_by("-job", "position")
