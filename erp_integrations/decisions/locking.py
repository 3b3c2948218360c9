"""What every decision begins with: the rows under lock, and the person's right."""

from django.utils import timezone
from django.utils.formats import date_format

from commitments.models import Commitment
from directory import history
from directory.models import User
from directory.permissions import RightMissing, require_push_to_accounting
from erp_integrations.models import ExportJob, Submission


def require_may_decide(*, submission: Submission, by: User) -> None:
    """Raise RightMissing without the privilege, or on one's own commitment."""
    require_push_to_accounting(by, submission.company)
    if submission.is_barred_for(by):
        raise RightMissing(
            by=by,
            company=submission.company,
            right="decide on one's own commitment",
            sentence="You created or sent this commitment, so another accounting approver must decide on it.",
        )


def lock_commitment(pk: int) -> Commitment:
    """The row as it is once the lock is held.

    No join to what an edit may change: a statement that waited for the lock sees the new row
    beside the old contract company, and finds nothing.
    """
    return Commitment.objects.select_for_update(of=("self",)).select_related("project__company").get(pk=pk)


def lock_for_decision(submission: Submission, by: User) -> Submission:
    """The submission under lock, after its commitment, for a person who may decide on it."""
    commitment = lock_commitment(submission.commitment_id)
    locked = (
        Submission.objects.select_for_update(of=("self",))
        .select_related("company", "connection", "decided_by", "ended_by")
        .get(pk=submission.pk)
    )
    locked.commitment = commitment
    require_may_decide(submission=locked, by=by)
    return locked


def lock_job(submission: Submission) -> ExportJob:
    """The job that counts, under lock, after its submission."""
    return submission.jobs.select_for_update().current().get()


def who_decided(submission: Submission) -> str:
    """One sentence for the person who came second."""
    person, at = submission.decided_by or submission.ended_by, submission.decided_at or submission.ended_at
    when = f" on {date_format(timezone.localtime(at), 'j M Y, H:i')}" if at else ""
    status = submission.get_status_display().lower()
    return f"{person or 'Somebody'} {_verb(status)} this commitment{when}, so nothing was changed."


def _verb(status: str) -> str:
    return "has not yet decided on" if status == "awaiting accounting" else status


def record(event: str, submission: Submission, by: User, detail: dict[str, object] | None = None) -> None:
    """History of a decision, kept with the submission."""
    history.record(event=event, subject=submission, by=by, company=submission.company, detail=detail)
