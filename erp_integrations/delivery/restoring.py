"""After the database was put back to an older copy: what is compared with the ERP before anything is sent.

Whatever the copy has waiting may have been decided and written since it was made. Where the ERP can be
read back, the look before the first write decides, and a person may adopt what stands there; where it
can't, a person says in words what is there, for each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from directory.history import restores
from erp_integrations.adapters.base import Absent, Call, CannotTell, Key, Masters
from erp_integrations.connections.adapting import adapter_for
from erp_integrations.delivery import ledger, outcomes, recovery, standing_record, watermark
from erp_integrations.findings import preflight
from erp_integrations.models import (
    ExportJob,
    JobStatus,
    Restore,
    SnapshotUnreadable,
    Submission,
    SubmissionStatus,
)

DOUBT = "The database was put back to an older copy: nobody here knows whether this was sent since."


class NothingLost(Exception):
    """The database knows all that is known of it; the text is for the operator."""


class StillHeld(Exception):
    """A worker of the copy's time still holds an export; the text is for the operator."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One commitment that waits, and what is known of its record in the ERP."""

    submission: Submission
    sentence: str


def confirm(*, reason: str, anyway: bool = False) -> Restore:
    """Write down that an older copy took the database's place, and why; every connection stays paused.

    Raises NothingLost, unless ``anyway``, StillHeld, CannotKeep.
    """
    lost = watermark.what_is_lost()
    if not lost and not anyway:
        raise NothingLost("This database knows all that the files and the last checkpoint know of it.")
    for job_id in ExportJob.objects.abandoned().values_list("pk", flat=True):
        outcomes.take_up_abandoned(job_id)
    if held := ExportJob.objects.filter(status=JobStatus.EXPORTING).order_by("-lease_until").first():
        raise StillHeld(f"{held} is held by a worker until {held.lease_until:%H:%M:%S} UTC: try again then.")
    watermark.pause_all(" ".join(lost))
    with transaction.atomic():
        restore = Restore.objects.create(
            epoch=watermark.next_epoch(), reason=reason, lost="\n".join(lost) or "Nothing that is known."
        )
        restores.record(subject=restore, reason=reason, lost=lost)
        waiting = Submission.objects.filter(status=SubmissionStatus.AWAITING)
        failed = Submission.objects.filter(pk__in=_jobs(JobStatus.FAILED).values("submission"))
        (waiting | failed).update(restored_at=Now())
    for job in _jobs(JobStatus.QUEUED, JobStatus.INCOMPLETE).select_related("connection"):
        if not job.connection.reads_back:
            _leave_to_a_person(job)
    return restore


def compare() -> Iterator[Compared]:
    """Look up in the ERP what waits, and so what would be sent again. With no transaction open."""
    jobs = _jobs(JobStatus.QUEUED, JobStatus.INCOMPLETE, JobStatus.FAILED, JobStatus.UNKNOWN)
    for job in jobs.select_related("submission__company", "connection__settings").order_by("pk"):
        calls = [call for call, _ in recovery.calls_of(job)]
        key = adapter_for(job.connection).key(Masters(vendor_code=job.vendor_code), job.erp_id)
        yield Compared(job.submission, _of(job, key, calls))
    for submission in Submission.objects.awaiting().select_related("company").order_by("pk"):
        yield Compared(submission, _of_awaiting(submission))


def _jobs(*statuses: JobStatus) -> QuerySet[ExportJob]:
    return ExportJob.objects.filter(status__in=statuses)


@transaction.atomic
def _leave_to_a_person(job: ExportJob) -> None:
    """What would go on by itself waits for somebody's words: they are asked for as after any Unknown."""
    held = outcomes.lock(job.pk)
    if held.status in (JobStatus.QUEUED, JobStatus.INCOMPLETE):
        outcomes.end(held, JobStatus.UNKNOWN, DOUBT, event="export.unknown")


def _of_awaiting(submission: Submission) -> str:
    try:
        basis = preflight.basis_of(submission.document)
    except SnapshotUnreadable as error:
        return str(error)
    erp_id = preflight.proposed_erp_id(basis)
    found = preflight.findings(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id)
    if basis.connection is None or preflight.blocking(found):
        return "awaits a decision, and can't be exported as it stands"
    job = ExportJob(submission=submission, connection=basis.connection, status=JobStatus.QUEUED)
    job.vendor_code, job.erp_id = basis.masters.vendor_code, erp_id
    plan = preflight.plan(basis, erp_id=erp_id)
    return f"awaits a decision; {_of(job, preflight.key_of(basis, erp_id), plan)}"


def _of(job: ExportJob, key: Key, calls: Sequence[Call]) -> str:
    adapter = adapter_for(job.connection)
    name = f"vendor {key.vendor_code}, subcontract {key.erp_id}"
    if not adapter.reads_back:
        return f"{name} can't be looked up: a person has to say what Spectrum holds before it is sent"
    match adapter.find(key):
        case Absent():
            return f"{name} is not in Spectrum: it would be sent"
        case CannotTell(reason=reason):
            return f"{name} can't be checked now: {reason}"
        case record:
            standing = standing_record.compare(adapter, key, calls, record)
            if ledger.may_have_written(job):
                return (
                    f"{name} is in Spectrum, and came from here: {'whole' if standing.is_whole else 'look'}"
                )
            return f"{standing.sentence} {standing.advice}"
