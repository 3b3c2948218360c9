"""Every decision begins with the rows under lock, and the person's right."""

from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from commitments.models import Commitment
from directory import history
from directory.db.prepared import Parameter, PreparedQuery
from directory.db.time_zones import format_time
from directory.models import CompanyMembership, HistoryEntry, User
from directory.rights.permissions import (
    RightMissing,
    find_company_membership,
    require_push_to_accounting,
)
from erp_integrations.checks import preflight
from erp_integrations.events import ErpEvent
from erp_integrations.exports import outcomes
from erp_integrations.models import ExportJob, Restore, SnapshotUnreadable, Submission, SubmissionStatus
from erp_integrations.snapshots import Document
from erp_integrations.submissions.errors import Conflict, StatementMissing, TooEarly
from erp_integrations.submissions.four_eyes import describe_own_decision


def require_may_decide(
    *, submission: Submission, by: User, membership: CompanyMembership | None = None
) -> None:
    """Raise RightMissing without the privilege, or on what one had a hand in."""
    require_push_to_accounting(by, submission.company, membership)
    if sentence := describe_own_decision(submission, by, includes_changes=False):
        right = "decide on one's own commitment"
        raise RightMissing(by=by, company=submission.company, right=right, sentence=sentence)


def lock_commitment(pk: int) -> Commitment:
    """The row as it is once the lock is held.

    No join to what an edit may change: a statement that waited for the lock sees the new row
    beside the old contract company, and finds nothing.
    """
    return Commitment.objects.select_for_update(of=("self",)).select_related("project__company").get(pk=pk)


def lock_for_decision(submission: Submission, by: User) -> Submission:
    """The submission under lock, after its commitment, for a person who may decide on it."""
    submission = lock_submission(submission)
    if membership := find_company_membership(by, submission.company_id):
        submission.company = membership.company
    require_may_decide(submission=submission, by=by, membership=membership)
    return submission


def lock_submission(submission: Submission) -> Submission:
    """The same for an operator, who decides nothing. First the commitment is locked, as everywhere.

    No join to what may change: a statement that waited for a lock sees the new row beside the old other one.
    """
    (row,) = list_locked_submissions(submission=submission.pk)
    return row


@PreparedQuery
def list_locked_submissions(submission: Parameter) -> QuerySet[Submission]:
    rows = list_for_decision().select_related("commitment", "connection").filter(pk=submission)
    return rows.defer("search", "commitment__search").select_for_update(of=("commitment", "self"))


def list_for_decision() -> QuerySet[Submission]:
    """Submissions with what a decision asks of other tables: ``sent_hash``, which the history keeps of the
    snapshot, and ``last_restored_at``, when the database last came back as an older copy.
    """
    sent = HistoryEntry.objects.filter(
        subject_type=Submission._meta.label_lower, subject_id=OuterRef("pk"), event=ErpEvent.SUBMISSION_SENT
    )
    return Submission.objects.annotate(
        sent_hash=Subquery(sent.order_by("-pk").values("detail__snapshot_hash")[:1]),
        last_restored_at=Subquery(Restore.objects.order_by("-epoch").values("at")[:1]),
    )


def get_last_restore(submission: Submission) -> datetime | None:
    """When the database last came back as an older copy. One query where the submission is not under lock."""
    if not hasattr(submission, "last_restored_at"):
        submission = list_for_decision().get(pk=submission.pk)
    return submission.last_restored_at  # type: ignore[attr-defined, no-any-return]  # annotated


def lock_job(submission: Submission) -> ExportJob:
    """The job that counts, under lock, after its submission."""
    return submission.jobs.select_for_update().current().get()


def require_quiet_period_over(job: ExportJob) -> None:
    """Raise TooEarly while a call may still be written by an ERP that is late."""
    if ExportJob.objects.past_quiet_period().filter(pk=job.pk).exists():
        return
    raise TooEarly(
        "Spectrum may still write the last call, so a missing record proves nothing yet. "
        f"You can decide from {format_time(job.quiet_until)}."
    )


def require_text(text: str, message: str) -> str:
    """A person's words, trimmed. Raises StatementMissing where there is nothing to read."""
    if not preflight.has_text(text):
        raise StatementMissing(message)
    return text.strip()


def require_status(submission: Submission, status: SubmissionStatus) -> None:
    if submission.status != status:
        raise Conflict(describe_conflict(submission))


def find_expected_job(submission: Submission, expected_version: int) -> ExportJob | None:
    current = submission.jobs.current().select_related("connection__settings")
    return current.filter(attempt=expected_version).first()


def lock_expected_job(submission: Submission, *, expected_version: int) -> ExportJob:
    """The job that counts, with what comes before it in the lock order.

    Raises Conflict unless it is still the delivery that the person looked at.
    """
    current = submission.jobs.current().values_list("pk", flat=True).first()
    if current is None:
        raise Conflict(describe_conflict(submission))
    job = outcomes.lock_job_and_parents(current)
    if job.attempt != expected_version:
        raise Conflict(
            "The export has moved on since you opened it. Check its current status and decide again."
        )
    return job


def get_sent_document(submission: Submission) -> Document:
    """By the hash that the history kept. Raises Conflict when that is not what is stored.

    One query where the submission is not under lock.
    """
    if not hasattr(submission, "sent_hash"):
        submission = list_for_decision().get(pk=submission.pk)
    try:
        document = submission.document
        if submission.sent_hash != submission.snapshot_hash:  # type: ignore[attr-defined]  # annotated
            raise SnapshotUnreadable("This commitment was altered after it was sent.")
    except SnapshotUnreadable as error:
        raise Conflict(f"{error} It can't be accepted or rejected.") from error
    return document


def describe_conflict(submission: Submission) -> str:
    """One sentence for the person who came second."""
    person, at = submission.decided_by or submission.ended_by, submission.decided_at or submission.ended_at
    when = f" on {format_time(at)}" if at else ""
    status = submission.get_status_display().lower()
    verb = "has not yet decided on" if status == "awaiting accounting" else status
    return f"{person or 'Somebody'} {verb} this commitment{when}, so nothing was changed."


def record_decision(
    event: ErpEvent, submission: Submission, by: User | None, detail: dict[str, object] | None = None
) -> None:
    """History of a decision, kept with the submission."""
    history.record(event=event, subject=submission, by=by, company=submission.company, detail=detail)
