"""Look again, and "I have seen it": about a synced record that Spectrum does not show as accepted."""

from django.db import transaction
from django.db.models.functions import Now

from directory.models import User
from directory.rights.permissions import require_compare_with_erp
from erp_integrations.adapters.base import Unavailable
from erp_integrations.events import ErpEvent
from erp_integrations.exports import outcomes, verification
from erp_integrations.models import Drift, ExportJob, JobStatus, Submission, SubmissionStatus, Verification
from erp_integrations.models.job_statuses import DEVIATING
from erp_integrations.reconciliation import drift
from erp_integrations.submissions.errors import Conflict, DecisionError
from erp_integrations.submissions.row_locks import (
    lock_expected_job,
    lock_for_decision,
    require_status,
    require_text,
)


def look_again(*, submission: Submission, by: User) -> None:
    """Read one export back at once, as a reconciliation does with all; no transaction is open meanwhile.

    Raises RightMissing, Conflict where nothing deviates, DecisionError where nobody can look.
    """
    require_compare_with_erp(by, submission.company)
    jobs = submission.jobs.filter(status=JobStatus.SYNCED, verification__in=DEVIATING)
    job = jobs.select_related("submission__commitment", "connection__settings").first()
    if job is None or not job.connection.has_read_back:
        raise Conflict("There is nothing to look at again. Check its current status.")
    verdict = verification.verify_job(job)
    if isinstance(verdict, Unavailable):
        raise DecisionError(f"{verdict.reason} Nothing was changed. Try again in a moment.")
    known = Drift.objects.current().filter(job=job, record_name="").first()
    drift.record_comparison(drift.Comparison(job, verdict, known), lambda: None)
    ExportJob.objects.filter(pk=job.pk, plan_round=job.plan_round).update(verified_at=Now())


@transaction.atomic
def record_as_seen(
    *, submission: Submission, by: User, expected_version: int, expected_look: str, reason: str
) -> ExportJob:
    """It needs nobody's attention any more, until a look finds something else. What was taken over can't be
    unlinked: if it is gone, it counts for nothing on its cost codes from now on.

    ``expected_look`` is when what the person saw was read. Raises RightMissing, StatementMissing, Conflict
    where Spectrum was read since, or somebody was first.
    """
    submission = lock_for_decision(submission, by)
    require_status(submission, SubmissionStatus.ACCEPTED)
    job = lock_expected_job(submission, expected_version=expected_version)
    if not job.deviates or str(job.verified_at) != expected_look:
        raise Conflict("Spectrum was read again since you opened this. Check what it shows now.")
    if job.seen_at:
        raise Conflict(f"{job.seen_by} has seen it before you, and said why it may stay.")
    job.seen_by, job.seen_at = by, Now()
    job.seen_reason = require_text(reason, "Say why it may stay as it is. It is kept in the history.")
    job.save(update_fields=["seen_by", "seen_at", "seen_reason"])
    outcomes.set_badge(submission, outcomes.get_synced_badge(job))
    if job.taken_over and job.verification == Verification.ABSENT:
        submission.commitment.lines.update(committed=0)
    found = {"verification": job.verification, "differences": job.differences}
    outcomes.record_export_event(job, ErpEvent.EXPORT_SEEN, found | {"reason": job.seen_reason}, by=by)
    return job
