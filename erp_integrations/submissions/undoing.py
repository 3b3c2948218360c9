"""Undo: an acceptance is taken back before a worker has begun."""

from django.db import transaction

from directory.models import User
from erp_integrations.events import ErpEvent
from erp_integrations.exports import ledger, outcomes
from erp_integrations.models import JobStatus, Submission, SubmissionStatus
from erp_integrations.submissions.errors import Conflict
from erp_integrations.submissions.row_locks import (
    lock_for_decision,
    lock_submission,
    record_decision,
    require_status,
)


@transaction.atomic
def undo(*, submission: Submission, by: User | None) -> Submission:
    """Take an acceptance back: it awaits a decision again, and its ERP ID is free.

    A worker that claims the job at this moment and the person are told apart by the row's lock.
    ``by`` is None for an operator at the command line. Raises RightMissing, Conflict when it is on its way,
    or was decided otherwise.
    """
    submission = lock_for_decision(submission, by) if by else lock_submission(submission)
    require_status(submission, SubmissionStatus.ACCEPTED)
    job = outcomes.lock_job_and_parents(submission.jobs.current().values_list("pk", flat=True).get())
    if job.status != JobStatus.QUEUED or not ledger.is_unwritten(job):
        raise Conflict("It is too late to undo. The export has begun.")
    accepted_by = job.submission.decided_by_id
    outcomes.undo_acceptance(job)
    record_decision(ErpEvent.SUBMISSION_UNDONE, submission, by, {"job": job.pk, "accepted_by": accepted_by})
    return job.submission
