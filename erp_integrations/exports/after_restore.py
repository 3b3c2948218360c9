"""After the database was put back to an older copy: what is compared with the ERP before anything is sent.

Whatever the copy has waiting may have been decided and written since it was made. Where the ERP can be
read back, the look before the first write decides, and a person may adopt what stands there; where it
can't, a person says in words what is there, for each.
"""

from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from directory.history import restores
from erp_integrations.adapters.base import NotFound, Unavailable
from erp_integrations.connections import watermark
from erp_integrations.events import ErpEvent
from erp_integrations.exports import existing_record, outcomes
from erp_integrations.models import ExportJob, JobStatus, Restore, Submission, SubmissionStatus

UNKNOWN_SINCE_RESTORE = (
    "The database was restored from an older copy, so it is unknown whether this has been sent since."
)


class NothingLost(Exception):
    """The database knows all that is known of it; the text is for the operator."""


class StillLeased(Exception):
    """A worker of the copy's time still holds an export; the text is for the operator."""


def confirm_restore(*, reason: str, anyway: bool = False) -> Restore:
    """Write down that an older copy took the database's place, and why; every connection stays paused.

    That is written last: killed before, it is as if nobody had said so, and can be said again. Raises
    NothingLost, unless ``anyway``, StillLeased, WatermarkUnavailable.
    """
    lost = watermark.find_losses()
    if not lost and not anyway:
        raise NothingLost("This database knows all that the files and the last checkpoint know of it.")
    for job_id in ExportJob.objects.stalled().values_list("pk", flat=True):
        outcomes.release_stalled(job_id)
    if leased_job := ExportJob.objects.filter(status=JobStatus.EXPORTING).order_by("-lease_until").first():
        raise StillLeased(
            f"{leased_job} is being exported until {leased_job.lease_until:%H:%M:%S} UTC. Try again then."
        )
    watermark.pause_all(" ".join(lost))
    automatic_jobs = list_jobs(JobStatus.QUEUED, JobStatus.INCOMPLETE).exclude(
        connection__server__in=settings.INFO_LINKS
    )
    for job in automatic_jobs:
        suspend_until_resolved(job)
    with transaction.atomic():
        restore = Restore.objects.create(
            epoch=watermark.get_next_epoch(), reason=reason, lost="\n".join(lost) or "Nothing known."
        )
        restores.record_restore(subject=restore, reason=reason, lost=lost)
        waiting = Submission.objects.filter(status=SubmissionStatus.AWAITING)
        failed = Submission.objects.filter(pk__in=list_jobs(JobStatus.FAILED).values("submission"))
        (waiting | failed).update(restored_at=Now())
        if accepted := automatic_jobs.all().first():
            raise StillLeased(f"{accepted} was accepted in the meantime. Try again.")
    return restore


def compare_waiting() -> Iterator[tuple[Submission, str]]:
    """Look up in the ERP what waits, and so what would be sent again. With no transaction open."""
    open_jobs = list_jobs(JobStatus.QUEUED, JobStatus.INCOMPLETE, JobStatus.FAILED, JobStatus.UNKNOWN)
    waiting = Submission.objects.filter(
        Q(status=SubmissionStatus.AWAITING) | Q(pk__in=open_jobs.values("submission"))
    )
    for submission in waiting.select_related("company", "connection__settings").order_by("pk"):
        if not submission.connection.has_read_back:
            description = "can't be checked: a person has to say what is in Spectrum before anything is sent"
            yield submission, description
            continue
        match existing_record.find_record(submission):
            case NotFound():
                yield submission, "not in Spectrum: it would be sent"
            case Unavailable(reason=reason):
                yield submission, f"can't be checked now. {reason}"
            case existing:
                yield submission, f"{existing.sentence} {existing.advice}"


def list_jobs(*statuses: JobStatus) -> QuerySet[ExportJob]:
    return ExportJob.objects.filter(status__in=statuses)


@transaction.atomic
def suspend_until_resolved(job: ExportJob) -> None:
    """An export that would go on by itself waits for the words that are asked for after any Unknown."""
    job = outcomes.lock_job_and_parents(job.pk)
    if job.status in (JobStatus.QUEUED, JobStatus.INCOMPLETE):
        outcomes.set_job_status(job, JobStatus.UNKNOWN, UNKNOWN_SINCE_RESTORE, event=ErpEvent.EXPORT_UNKNOWN)
