"""Look again, and "I have seen it": about a synced record that Spectrum does not show as accepted."""

from django.db import transaction
from django.db.models.functions import Now

from commitments.locks import set_accounting_status
from directory.models import User
from directory.rights.permissions import require_compare_with_erp
from erp_integrations.events import ErpEvent
from erp_integrations.exports import outcomes
from erp_integrations.models import ExportJob, Submission, SubmissionStatus
from erp_integrations.submissions.errors import Conflict
from erp_integrations.submissions.row_locks import (
    lock_expected_job,
    lock_for_decision,
    lock_job,
    lock_submission,
    require_status,
    require_text,
)


@transaction.atomic
def ask_to_look_again(*, submission: Submission, by: User) -> None:
    """Have a worker read it back now; until it has, what was found last stands. Asked twice, it is read once.

    Raises RightMissing, and Conflict where nothing deviates or nothing can be read back.
    """
    require_compare_with_erp(by, submission.company)
    submission = lock_submission(submission)
    require_status(submission, SubmissionStatus.ACCEPTED)
    job = outcomes.lock_job_and_parents(lock_job(submission).pk)
    if not (job.deviates and job.connection.has_read_back):
        raise Conflict("There is nothing to look at again. Check its current status.")
    if not job.is_unread:
        job.verify_after = Now()
        job.save(update_fields=["verify_after"])
        outcomes.record_export_event(job, ErpEvent.EXPORT_LOOK_ASKED, {}, by=by)


@transaction.atomic
def record_as_seen(
    *, submission: Submission, by: User, expected_version: int, expected_look: str, reason: str
) -> ExportJob:
    """It needs nobody's attention any more, until a look finds something else.

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
    set_accounting_status(submission.commitment, badge=outcomes.get_synced_badge(job))
    found = {"verification": job.verification, "differences": job.differences}
    outcomes.record_export_event(job, ErpEvent.EXPORT_SEEN, found | {"reason": job.seen_reason}, by=by)
    return job
