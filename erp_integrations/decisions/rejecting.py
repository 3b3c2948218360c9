"""Reject: back to the project, with a reason."""

from django.db import transaction
from django.utils import timezone

from commitments import services as commitments
from commitments.models import Badge, Lock
from directory.models import User
from erp_integrations import announcements
from erp_integrations.decisions.locking import lock_for_decision, lock_job, record, who_decided
from erp_integrations.decisions.refusals import Conflict, DecisionError
from erp_integrations.models import ErpIdHold, JobStatus, Submission, SubmissionStatus


@transaction.atomic
def reject(*, submission: Submission, by: User, reason: str) -> None:
    """Send a commitment back to its project with a reason; its creator is mailed.

    Also after an export that failed with nothing written. Raises RightMissing, DecisionError
    without a reason, Conflict when somebody decided otherwise or the export has begun.
    """
    locked = lock_for_decision(submission, by)
    if not any(character.isalnum() for character in reason):  # nor is an invisible character a reason
        raise DecisionError("Enter a reason: it is mailed to the person who created the commitment.")
    if locked.status == SubmissionStatus.ACCEPTED:
        job = lock_job(locked)
        if job.status != JobStatus.FAILED:
            raise Conflict(who_decided(locked))
        job.move_to(JobStatus.CANCELLED)
        job.save()
    elif locked.status != SubmissionStatus.AWAITING:
        raise Conflict(who_decided(locked))
    locked.reject(by=by, at=timezone.now(), reason=reason.strip())
    locked.save()
    ErpIdHold.objects.filter(commitment=locked.commitment).delete()
    commitments.mark(locked.commitment, badge=Badge.REJECTED, lock=Lock.NONE, erp_id="")
    record("submission.rejected", locked, by, {"reason": locked.reason})
    announcements.rejected(locked)
