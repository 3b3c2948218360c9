"""Reject: back to the project, with a reason."""

from django.db import transaction
from django.utils import timezone

from commitments.models import Badge, Lock
from directory.models import User
from erp_integrations.adapters.base import Unavailable
from erp_integrations.checks import leftovers
from erp_integrations.emails import commitment_mails
from erp_integrations.events import ErpEvent
from erp_integrations.exports import existing_record, outcomes
from erp_integrations.exports.existing_record import ExistingRecord
from erp_integrations.models import CallState, JobStatus, QuestionState, Submission, SubmissionStatus
from erp_integrations.submissions.asking import close_open_question
from erp_integrations.submissions.errors import Conflict, DecisionError
from erp_integrations.submissions.other_accounts import delete_proposal
from erp_integrations.submissions.row_locks import (
    describe_conflict,
    get_sent_document,
    lock_for_decision,
    lock_job,
    record_decision,
    require_may_decide,
    require_quiet_period_over,
    require_text,
)


def reject(*, submission: Submission, by: User, reason: str) -> None:
    """Send a commitment back to its project with a reason; its creator is mailed.

    Also after an export that failed, or stopped half-way with the quiet period over; what is in Spectrum then
    stays there, and holds vendor, job and ERP ID fast. All of it may not stay there so: where Spectrum can be
    read back it is looked up, also under other vendors and numbers, with no transaction open. Raises
    RightMissing, StatementMissing without a reason, Conflict when somebody decided otherwise or the export
    goes on, TooEarly, DecisionError when all of it is in Spectrum.
    """
    require_may_decide(submission=submission, by=by)
    existing = ""
    # Of a part that is known the decision itself takes care.
    has_known_part = submission.jobs.current().exclude(status=JobStatus.FAILED).exists()
    if submission.connection.has_read_back and not has_known_part and not submission.new_status:
        existing, is_whole = describe_existing_record(submission)
        if is_whole:
            raise DecisionError(
                f"{existing} If rejected, it would stay there unnoticed. Mark it as exported, or "
                "delete it in Spectrum first."
            )
    _reject(submission=submission, by=by, reason=reason, existing=existing)


def describe_existing_record(submission: Submission) -> tuple[str, bool]:
    """Spectrum's record of it, in a sentence, and True if that is all of it."""
    existing = existing_record.find_record(submission)
    if isinstance(existing, ExistingRecord) and existing.is_ours:
        return existing.sentence, existing.is_whole
    moved = () if isinstance(existing, Unavailable) else existing_record.find_moved_records(submission)
    if isinstance(moved, Unavailable) or not moved:
        return (existing.sentence if isinstance(existing, ExistingRecord) else ""), False
    whole = [each for each in moved if each.is_certain and each.matched == each.planned]
    there = "; or ".join(each.sentence for each in whole or moved)
    return f"Spectrum {'already has' if whole else 'may already have'} it as {there}.", bool(whole)


@transaction.atomic
def _reject(*, submission: Submission, by: User, reason: str, existing: str) -> None:
    submission = lock_for_decision(submission, by)
    reason = require_text(reason, "Enter a reason. It is mailed to the person who created the commitment.")
    left: list[str] = []
    if submission.status == SubmissionStatus.ACCEPTED:
        job = lock_job(submission)
        # A status of which a part is written is written: only its end is still to be recorded.
        if job.status not in (JobStatus.FAILED, *([] if submission.new_status else [JobStatus.INCOMPLETE])):
            raise Conflict(describe_conflict(submission))
        require_quiet_period_over(job)
        left = [call.title for call in job.list_current_calls().filter(state=CallState.WRITTEN)]
        if left:
            leftovers.set_due_for_read_back(job)
        job.set_status(JobStatus.CANCELLED)
        job.save()
    elif submission.status != SubmissionStatus.AWAITING:
        raise Conflict(describe_conflict(submission))
    else:
        # Nobody can have read it. After an export, rejecting is the only way out.
        get_sent_document(submission)
    submission.reject(by=by, at=timezone.now(), reason=reason)
    submission.save_decision()
    leftovers.release_erp_id(submission.commitment)
    delete_proposal(submission)
    outcomes.set_badge(submission, Badge.REJECTED, lock=Lock.NONE, erp_id="")
    detail: dict[str, object] = {"reason": submission.reason, "left_in_spectrum": left}
    detail |= {"stands_in_spectrum": existing} if existing else {}
    detail |= close_open_question(submission, QuestionState.REJECTED, by)
    record_decision(ErpEvent.SUBMISSION_REJECTED, submission, by, detail)
    commitment_mails.store_rejection_mails(submission)
