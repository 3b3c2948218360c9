"""The truths of a commitment and all that hangs on it, whoever was first."""

from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry
from erp_integrations.models import CallState, ErpIdHold, ExportJob, JobStatus, Submission, SubmissionStatus

# From docs/product.md, section 3: what the project sees and may change, by decision and delivery.
SHOWN: dict[tuple[str, str | None], tuple[Badge, Lock]] = {
    (SubmissionStatus.AWAITING, None): (Badge.AWAITING, Lock.WHOLE),
    (SubmissionStatus.RETRIEVED, None): (Badge.RETRIEVED, Lock.NONE),
    (SubmissionStatus.REJECTED, None): (Badge.REJECTED, Lock.NONE),
    (SubmissionStatus.UNLINKED, None): (Badge.UNLINKED, Lock.NONE),
    (SubmissionStatus.ACCEPTED, JobStatus.QUEUED): (Badge.EXPORTING, Lock.WHOLE),
    (SubmissionStatus.ACCEPTED, JobStatus.EXPORTING): (Badge.EXPORTING, Lock.WHOLE),
    (SubmissionStatus.ACCEPTED, JobStatus.SYNCED): (Badge.SYNCED, Lock.EXPORTED),
    (SubmissionStatus.ACCEPTED, JobStatus.INCOMPLETE): (Badge.NEEDS_ATTENTION, Lock.WHOLE),
    (SubmissionStatus.ACCEPTED, JobStatus.UNKNOWN): (Badge.NEEDS_ATTENTION, Lock.WHOLE),
    (SubmissionStatus.ACCEPTED, JobStatus.FAILED): (Badge.FAILED, Lock.WHOLE),
}


def assert_consistent() -> None:
    """Decision, delivery, badge, lock, ERP ID and its hold say one thing of every commitment."""
    for commitment in Commitment.objects.all():
        submission = commitment.submissions.order_by("pk").last()
        if submission is None:
            assert (commitment.badge, commitment.lock) == (Badge.NOT_SENT, Lock.NONE)
            continue
        jobs = [job for job in submission.jobs.order_by("pk") if job.status != JobStatus.CANCELLED]
        assert len(jobs) == (submission.status == SubmissionStatus.ACCEPTED)
        job = jobs[0] if jobs else None
        stands = (submission.status, job.status if job else None)
        if job and job.status == JobStatus.EXPORTING and job.calls.filter(state=CallState.WRITTEN).exists():
            # It goes on with the rest; the badge says so when it is done.
            stands = (submission.status, JobStatus.INCOMPLETE)
        assert (commitment.badge, commitment.lock) == SHOWN[stands], stands
        held = list(ErpIdHold.objects.filter(commitment=commitment).values_list("erp_id", flat=True))
        if job:
            assert held == [job.erp_id]
            assert job.list_current_calls().exists()
        assert commitment.erp_id == (job.erp_id if job and job.status == JobStatus.SYNCED else "")


def told(*events: str) -> int:
    """How often the history says so."""
    return HistoryEntry.objects.filter(event__in=events).count()


def order_of(*events: str) -> list[str]:
    """These events as the history tells them."""
    told = HistoryEntry.objects.filter(event__in=events).order_by("pk")
    return list(told.values_list("event", flat=True))


def the_submission() -> Submission:
    """The newest one, as it is stored."""
    return Submission.objects.select_related("commitment", "decided_by").latest("pk")


def the_job() -> ExportJob:
    """The newest one, as it is stored."""
    return ExportJob.objects.latest("pk")
