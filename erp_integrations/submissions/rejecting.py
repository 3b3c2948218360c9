"""Reject: back to the project, with a reason."""

from django.db import transaction
from django.utils import timezone

from commitments import services as commitments
from commitments.models import Badge, Lock
from directory.models import User
from erp_integrations.adapters.base import CannotTell
from erp_integrations.checks import leftovers
from erp_integrations.emails import announcements
from erp_integrations.exports import existing_record
from erp_integrations.exports.existing_record import StandingRecord
from erp_integrations.models import CallState, JobStatus, Submission, SubmissionStatus
from erp_integrations.submissions.errors import Conflict, DecisionError
from erp_integrations.submissions.row_locks import (
    document_of,
    lock_for_decision,
    lock_job,
    record,
    require_may_decide,
    require_quiet,
    require_words,
    who_decided,
)


def reject(*, submission: Submission, by: User, reason: str) -> None:
    """Send a commitment back to its project with a reason; its creator is mailed.

    Also after an export that failed, or stopped half-way with the quiet period over; what is in
    Spectrum then stays there, and holds vendor, job and ERP ID fast. All of it may not stay there
    so: where Spectrum can be read back it is looked up, also under other vendors and numbers, with no
    transaction open. Raises RightMissing,
    NotSaid without a reason, Conflict when somebody decided otherwise or the export goes on, TooEarly,
    DecisionError when Spectrum holds all of it.
    """
    require_may_decide(submission=submission, by=by)
    stands = ""
    # Of a part that is known the decision itself takes care.
    known = submission.jobs.current().exclude(status=JobStatus.FAILED).exists()
    if submission.connection.reads_back and not known:
        stands, is_whole = _what_stands(submission)
        if is_whole:
            raise DecisionError(
                f"{stands} Rejected, it would stay there and nobody would know: mark it as exported, or "
                "delete it in Spectrum first."
            )
    _reject(submission=submission, by=by, reason=reason, stands=stands)


def _what_stands(submission: Submission) -> tuple[str, bool]:
    """What Spectrum holds of it, in a sentence, and whether that is all of it."""
    standing = existing_record.find(submission)
    if isinstance(standing, StandingRecord) and standing.is_ours:
        return standing.sentence, standing.is_whole
    found = () if isinstance(standing, CannotTell) else existing_record.find_elsewhere(submission)
    if isinstance(found, CannotTell) or not found:
        return (standing.sentence if isinstance(standing, StandingRecord) else ""), False
    whole = [each for each in found if each.is_certain and each.matched == each.planned]
    there = "; or ".join(each.sentence for each in whole or found)
    return f"Spectrum {'already holds' if whole else 'may already hold'} it as {there}.", bool(whole)


@transaction.atomic
def _reject(*, submission: Submission, by: User, reason: str, stands: str) -> None:
    locked = lock_for_decision(submission, by)
    reason = require_words(reason, "Enter a reason: it is mailed to the person who created the commitment.")
    left: list[str] = []
    if locked.status == SubmissionStatus.ACCEPTED:
        job = lock_job(locked)
        if job.status not in (JobStatus.FAILED, JobStatus.INCOMPLETE):
            raise Conflict(who_decided(locked))
        require_quiet(job)
        left = [call.title for call in job.current_calls().filter(state=CallState.WRITTEN)]
        if left:
            leftovers.watch(job)
        job.move_to(JobStatus.CANCELLED)
        job.save()
    elif locked.status != SubmissionStatus.AWAITING:
        raise Conflict(who_decided(locked))
    else:
        # Nobody can have read it. After an export, rejecting is the only way out.
        document_of(locked)
    locked.reject(by=by, at=timezone.now(), reason=reason)
    locked.save()
    leftovers.release_erp_id(locked.commitment)
    commitments.mark(locked.commitment, badge=Badge.REJECTED, lock=Lock.NONE, erp_id="")
    detail: dict[str, object] = {"reason": locked.reason, "left_in_spectrum": left}
    record("submission.rejected", locked, by, detail | ({"stands_in_spectrum": stands} if stands else {}))
    announcements.rejected(locked)
