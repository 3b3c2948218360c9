"""Unlink: the record is gone from Spectrum, so the commitment is the project's own again."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from commitments.locks import set_accounting_status
from commitments.models import Badge, Lock
from directory.db.time_zones import format_time
from directory.models import User
from directory.rights.permissions import require_send_commitments
from erp_integrations.adapters.base import MovedRecord, StoredRecord, Unavailable
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.checks import leftovers, moved_records, preflight
from erp_integrations.events import ErpEvent
from erp_integrations.exports import ledger, unknown
from erp_integrations.models import (
    ExportJob,
    JobBilling,
    JobStatus,
    QuestionState,
    Submission,
    SubmissionStatus,
)
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import Purpose
from erp_integrations.submissions.accepting import build_dismissal_detail
from erp_integrations.submissions.asking import close_open_question
from erp_integrations.submissions.attesting import record_attestations
from erp_integrations.submissions.errors import (
    Conflict,
    DecisionError,
    RecordMayHaveMoved,
    RecordMoved,
    TooEarly,
)
from erp_integrations.submissions.row_locks import (
    describe_conflict,
    find_expected_job,
    lock_expected_job,
    lock_for_decision,
    lock_job,
    record_decision,
    require_may_decide,
    require_quiet_period_over,
    require_status,
    require_text,
)


def unlink(
    *,
    submission: Submission,
    by: User,
    expected_version: int,
    statement: str = "",
    dismissed: Collection[str] = (),
) -> Submission:
    """Cut the link to a record that was deleted in Spectrum: unlocked whole, its ERP ID free.

    Where Spectrum can be read back it is looked up, with no transaction open; else the person's
    words are the proof, and kept. ``dismissed`` are the fingerprints of records that may be it under other
    keys, and the person says in words are not. Raises RightMissing without the privilege or without Admin on
    Commitments, Conflict, TooEarly, StatementMissing, RecordMoved, RecordMayHaveMoved, DecisionError when the
    record is there or nobody can tell.
    """
    require_may_unlink(submission=submission, by=by)
    job = find_expected_job(submission, expected_version)
    if submission.status != SubmissionStatus.ACCEPTED or job is None or submission.new_status:
        raise Conflict(describe_conflict(submission))
    if job.taken_over:
        raise DecisionError(
            f"{job.record_name} was in Spectrum before it was here, and is never exported from here. If it "
            "is gone there, say that you have seen it: it then counts for nothing on its cost codes. What is "
            "to be written is a new commitment."
        )
    proof, possible = require_absence(job, dismissed if preflight.has_text(statement) else ())
    detail: dict[str, object] = {"proof": proof}
    if possible:
        detail["other_records"] = build_dismissal_detail(possible, statement)["other_records"]
    return _unlink(submission=submission, by=by, expected_job=job, statement=statement, detail=detail)


def require_may_unlink(*, submission: Submission, by: User) -> None:
    """Raise RightMissing for who is not both an accounting approver and Admin on Commitments."""
    require_may_decide(submission=submission, by=by)
    require_send_commitments(by, submission.project)


def require_absence(job: ExportJob, dismissed: Collection[str]) -> tuple[str, list[MovedRecord]]:
    """ "read back", or "attested" where nothing can be read back; and what was ticked off as another record.

    Raises where the record is there, or may be and was not ticked off.
    """
    require_quiet_period_over(job)
    if not job.connection.has_read_back:
        return "attested", []
    if ledger.is_within_read_back_lag(job):
        raise TooEarly("It was written a moment ago and may not be visible in Spectrum yet. Try again soon.")
    found = unknown.read_back_anywhere(job)
    if isinstance(found, StoredRecord):
        calls = tuple(to_call(call) for call in job.list_current_calls())
        billing = get_adapter(job.connection).get_billing(calls, found)
        require_nothing_billed(
            JobBilling(job=job, billed=billing.billed, paid=billing.paid, read_at=timezone.now())
        )
        raise DecisionError(f"Spectrum still has {job.record_name}. Delete it there first, then unlink.")
    if isinstance(found, Unavailable):
        raise DecisionError(f"{found.reason} Nothing was changed. Try again in a moment.")
    possible = [each for each in found if each.is_certain or each.fingerprint not in dismissed]
    if possible:
        other_job = moved_records.find_other_job(job, unknown.read_back(job))
        instead = (
            f"Another contract, of job {other_job}, is now under {job.record_name}. " if other_job else ""
        )
        if certain := [each for each in possible if each.is_certain]:
            raise RecordMoved(certain, instead)
        raise RecordMayHaveMoved(possible, instead)
    return "read back", list(found)


def require_nothing_billed(billing: JobBilling | None) -> None:
    """Spectrum keeps what is invoiced or paid: where that is absent, it stands under another key."""
    if billing is not None and billing.has_amounts:
        raise DecisionError(
            f"When Spectrum was read ({format_time(billing.read_at)}), {billing.billed or 0:,.2f} of it was "
            f"billed and {billing.paid or 0:,.2f} paid. It can't be unlinked, because what is "
            "billed stays in Spectrum."
        )


def end_status(submission: Submission, by: User) -> None:
    """It ends with the record that it is a status of. Raises Conflict while it is, or may be, on its way."""
    if submission.status == SubmissionStatus.AWAITING:
        submission.retrieve(by=by, at=timezone.now())
        event, detail = (
            ErpEvent.SUBMISSION_RETRIEVED,
            close_open_question(submission, QuestionState.RETRIEVED, by),
        )
    else:
        job = lock_job(submission)
        if job.status in (JobStatus.EXPORTING, JobStatus.UNKNOWN):
            raise Conflict(
                f"Its status {submission.new_status_label} is being exported, or it is unknown "
                "whether it was. Unlink it once that is settled."
            )
        job.set_status(JobStatus.CANCELLED)
        job.save()
        submission.unlink(by=by, at=timezone.now())
        event, detail = ErpEvent.SUBMISSION_UNLINKED, {"job": job.pk}
    submission.save_decision()
    record_decision(event, submission, by, detail)


@transaction.atomic
def _unlink(
    *, submission: Submission, by: User, expected_job: ExportJob, statement: str, detail: dict[str, object]
) -> Submission:
    submission = lock_for_decision(submission, by)
    require_may_unlink(submission=submission, by=by)
    require_status(submission, SubmissionStatus.ACCEPTED)
    statuses = submission.commitment.submissions.filter(purpose=Purpose.STATUS, status__in=OPEN_STATUSES)
    locked = list(statuses.select_for_update().order_by("pk"))
    job = lock_expected_job(submission, expected_version=expected_job.attempt)
    if job.plan_round != expected_job.plan_round:
        raise Conflict("Its record has been followed to another key. Check its current status.")
    if job.pk != expected_job.pk or job.status not in (JobStatus.SYNCED, JobStatus.INCOMPLETE):
        raise Conflict(
            "Only a commitment that is in Spectrum, fully or partly, can be unlinked. Check its "
            "current status."
        )
    is_read_back = detail["proof"] == "read back"
    if not is_read_back:
        statement = require_text(
            statement, "Say how you know it is gone from Spectrum. Your statement is kept in the history."
        )
    require_nothing_billed(JobBilling.objects.filter(job=job).first())
    for status in locked:
        end_status(status, by)
    job.set_status(JobStatus.CANCELLED)
    job.save()
    submission.unlink(by=by, at=timezone.now())
    submission.save_decision()
    calls = leftovers.list_possibly_written_calls(submission.commitment)
    record_attestations(calls, is_there=False, read_back=is_read_back, statement=statement, by=by)
    leftovers.record_leftovers_gone(submission.commitment)
    set_accounting_status(submission.commitment, badge=Badge.UNLINKED, lock=Lock.NONE, erp_id="")
    detail |= {"job": job.pk, "erp_id": job.erp_id, "statement": statement.strip()}
    record_decision(ErpEvent.SUBMISSION_UNLINKED, submission, by, detail)
    return submission
