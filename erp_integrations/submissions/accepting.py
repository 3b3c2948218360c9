"""Accept, and accept again after a failed export."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from commitments.models import Badge
from directory.db.prepared import store_row, store_rows, write_together
from directory.models import User
from erp_integrations import signing, wakeup
from erp_integrations.adapters.base import Call, Element, Key, MovedRecord
from erp_integrations.adapters.registry import get_reply_rule, to_rule_columns
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import ApprovalBasis, build_basis
from erp_integrations.confirmations import pending_changes
from erp_integrations.events import ErpEvent
from erp_integrations.exports import outcomes
from erp_integrations.models import (
    CallState,
    Connection,
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobStatus,
    QuestionState,
    Submission,
    SubmissionStatus,
)
from erp_integrations.submissions.asking import close_open_question
from erp_integrations.submissions.errors import Conflict, DecisionError, ExportBlocked, StatementMissing
from erp_integrations.submissions.four_eyes import require_ticked_changes
from erp_integrations.submissions.row_locks import (
    describe_conflict,
    get_last_restore,
    get_sent_document,
    lock_for_decision,
    lock_job,
    record_decision,
    require_quiet_period_over,
    require_status,
    require_text,
)

build_delay = cache(lambda seconds: Now() + timedelta(seconds=seconds))  # by it the kept INSERT is found


@transaction.atomic
def accept(
    *,
    submission: Submission,
    by: User,
    expected_hash: str,
    erp_id: str,
    note: str = "",
    statement: str = "",
    others: Sequence[MovedRecord] = (),
    others_reason: str = "",
    confirmed: Collection[str] = (),
    number_looked_up: bool = False,
) -> ExportJob:
    """Decide for export: the calls are stored exactly as they were shown, and a worker is woken.

    ``expected_hash`` is the basis hash of what the person saw, ``erp_id`` what they want the record to be
    called; ``others`` hold its job and lines, and are somebody else's by their words: the worker honours
    exactly those. ``confirmed`` are the stamps of changes by others that they find right,
    ``number_looked_up`` that they looked up themselves whether a number of their own is free. ``statement``
    is asked for where it came back with an older copy of the database and nobody can look. Raises
    RightMissing without the privilege, on one's own commitment, or where one's own change leads; Conflict
    when it was decided or changed, ExportBlocked when something blocks, StatementMissing where a tick or
    words lack.
    """
    submission = lock_for_decision(submission, by)
    require_status(submission, SubmissionStatus.AWAITING)
    basis = require_expected_basis(submission, expected_hash)
    waits = basis.has_unconfirmed_changes
    changes = require_ticked_changes(submission, basis.document, by, confirmed, waits=waits)
    detail = require_restore_statement(submission, statement)
    is_unchecked = basis.is_unchecked_erp_id(erp_id)
    key = claim_erp_id(submission, basis, erp_id, note)
    submission.accept(by=by, at=timezone.now(), note=note.strip(), erp_id=key.erp_id)
    detail |= require_number_lookup(key, basis, is_unchecked=is_unchecked and not number_looked_up)
    assert basis.connection is not None  # else a finding blocked
    job = ExportJob(submission=submission, connection=basis.connection)
    detail |= build_dismissal_detail(others, others_reason)
    detail |= close_open_question(submission, QuestionState.ACCEPTED, by)
    pending_changes.record_confirmation(changes, by=by, detail={"submission": submission.pk})
    store_accepted_job(job, basis, key, by=by, note=note, event=ErpEvent.SUBMISSION_ACCEPTED, detail=detail)
    return job


@transaction.atomic
def accept_again(
    *,
    submission: Submission,
    by: User,
    expected_hash: str,
    erp_id: str,
    note: str = "",
    statement: str = "",
    others: Sequence[MovedRecord] = (),
    others_reason: str = "",
    confirmed: Collection[str] = (),
    number_looked_up: bool = False,
) -> ExportJob:
    """Accept a failed export again, with what the box shows now. Nothing of it was written.

    From here on it is this person's decision: the worker asks for their right, and nobody
    else's. Raises as ``accept`` does.
    """
    submission = lock_for_decision(submission, by)
    job = lock_job(submission) if submission.status == SubmissionStatus.ACCEPTED else None
    if job is None or job.status != JobStatus.FAILED:
        raise Conflict(describe_conflict(submission))
    require_quiet_period_over(job)
    basis = require_expected_basis(submission, expected_hash)
    waits = basis.has_unconfirmed_changes
    changes = require_ticked_changes(submission, basis.document, by, confirmed, waits=waits)
    if basis.connection and basis.connection != job.connection:
        raise Conflict(
            "The project is now linked to another Spectrum company. Reject the commitment instead."
        )
    detail = require_restore_statement(submission, statement)
    is_unchecked = basis.is_unchecked_erp_id(erp_id)
    key = claim_erp_id(submission, basis, erp_id, note)
    detail |= require_number_lookup(key, basis, is_unchecked=is_unchecked and not number_looked_up)
    job.set_status(JobStatus.QUEUED)
    job.plan_round += 1
    job.tries = 0
    job.problem = ""
    job.submission = submission
    submission.accept_retry(by=by, at=timezone.now(), note=note.strip(), erp_id=key.erp_id)
    detail |= build_dismissal_detail(others, others_reason)
    pending_changes.record_confirmation(changes, by=by, detail={"submission": submission.pk})
    store_accepted_job(job, basis, key, by=by, note=note, event=ErpEvent.EXPORT_RETRIED, detail=detail)
    return job


def store_accepted_job(
    job: ExportJob,
    basis: ApprovalBasis,
    key: Key,
    *,
    by: User,
    note: str,
    event: ErpEvent,
    detail: dict[str, object],
) -> None:
    """Store decision, job and calls; for a while a slip of the hand is undone with nothing to mend."""
    set_approved_basis(job, basis, key)
    job.not_before = build_delay(settings.UNDO_SECONDS)
    with write_together():
        job.submission.save_decision()
        outcomes.set_badge(job.submission, Badge.EXPORTING)
        store_row(job) if job._state.adding else job.save()
        # What is stored goes by the database's clock; this is for the screen.
        job.not_before = timezone.now() + timedelta(seconds=settings.UNDO_SECONDS)
        calls = store_calls(job, basis.build_calls(erp_id=key.erp_id, note=note))
        entry: dict[str, object] = {"job": job.pk, "basis_hash": job.basis_hash, "erp_id": job.erp_id}
        entry |= signing.sign_decision(job, event=event, by=by, calls=calls)
        record_decision(event, job.submission, by, {**entry, "calls": calls, "note": note.strip(), **detail})
    if not settings.UNDO_SECONDS:  # else nothing is due yet, and a poll finds it when it is
        wakeup.wake_exports(job.connection_id)


def set_approved_basis(job: ExportJob, basis: ApprovalBasis, key: Key) -> None:
    """The job goes by what was decided on, and by what its connection says now. Not saved."""
    job.vendor_code, job.erp_id = key.vendor_code, key.erp_id
    job.basis_hash, job.wire_hash = basis.hash, basis.wire_hash
    for name, value in to_rule_columns(get_reply_rule(job.connection.settings)).items():
        setattr(job, name, value)


def is_statement_required(submission: Submission) -> bool:
    """A person alone can say that an older copy's commitment is not in Spectrum already.

    That is so until somebody has once decided for export since the last restore, whenever it was sent.
    """
    if submission.connection.has_read_back:
        return False
    if submission.restored_at:
        return True
    restored_at = get_last_restore(submission)
    if restored_at is None or submission.commitment.created_at > restored_at:
        return False
    decided = Q(decided_at__gt=restored_at, status__in=[SubmissionStatus.ACCEPTED, SubmissionStatus.UNLINKED])
    decided_since = submission.commitment.submissions.filter(decided | Q(jobs__created_at__gt=restored_at))
    return not decided_since.exists()


def require_restore_statement(submission: Submission, statement: str) -> dict[str, object]:
    """A person's statement on Spectrum, who alone can look after a restore. Raises StatementMissing."""
    if not is_statement_required(submission):
        return {}
    message = (
        "It was restored from an older copy of the database and may be in Spectrum already. Check there and "
        "say what you found."
    )
    return {"statement": require_text(statement, message)}


def require_number_lookup(key: Key, basis: ApprovalBasis, *, is_unchecked: bool) -> dict[str, object]:
    """That nobody but a person could look whether a number is free. Raises StatementMissing for a typed one
    unsaid.
    """
    if is_unchecked:
        raise StatementMissing(
            f"This connection has no read-back, so nobody has checked whether {key.erp_id} is free in "
            "Spectrum. Check there, then tick the box."
        )
    return {} if basis.connection and basis.connection.has_read_back else {"number_checked": False}


def build_dismissal_detail(dismissed: Sequence[MovedRecord], reason: str) -> dict[str, object]:
    """Which records the history keeps as others; raises StatementMissing without words."""
    if not dismissed:
        return {}
    statement = require_text(reason, "Say how you know the record in Spectrum is a different one.")
    records = [
        {"vendor_code": each.key.vendor_code, "erp_id": each.key.erp_id, "fingerprint": each.fingerprint}
        for each in dismissed
    ]
    return {"other_records": records, "others_reason": statement}


def require_expected_basis(submission: Submission, expected_hash: str) -> ApprovalBasis:
    """The plan's basis, if it still is what the person saw. Raises Conflict."""
    basis = build_basis(get_sent_document(submission))
    if basis.hash != expected_hash:
        raise Conflict(
            "The vendor link, the job link, the connection or Spectrum's master data have changed "
            "since you opened this page. Below is what would be exported now. Check it and decide again."
        )
    return basis


def claim_erp_id(submission: Submission, basis: ApprovalBasis, erp_id: str, note: str) -> Key:
    """Check everything, and reserve the record's name for this commitment alone."""
    moment = preflight.Moment.EXPORT
    issues = preflight.check_export(basis, moment=moment, erp_id=erp_id, note=note, claims=True)
    blocking = preflight.list_blocking(issues)
    if blocking:
        raise ExportBlocked(blocking)
    key = basis.get_key(erp_id)
    assert basis.connection is not None
    claim_key(submission, basis.connection, key, ExportBlocked([preflight.build_taken_issue(key)]))
    return key


def claim_key(submission: Submission, connection: Connection, key: Key, refusal: DecisionError) -> None:
    """Reserve a record's name for the commitment; raises the refusal where another has it."""
    hold = ErpIdHold(
        commitment=submission.commitment,
        connection=connection,
        vendor_code=key.vendor_code,
        erp_id=key.erp_id,
    )
    try:
        store_row(hold, key="commitment")
    except IntegrityError as error:  # the decision's transaction ends with it
        raise refusal from error


def store_calls(job: ExportJob, plan: Sequence[Call]) -> list[str]:
    """Keep the calls of a plan; their hashes."""
    stored = [*build_stored_calls(job, plan)]
    store_rows(stored)
    return [each.payload_hash for each in stored]


def build_stored_calls(
    job: ExportJob, plan: Sequence[Call], state: CallState = CallState.PLANNED
) -> Iterator[ExportCall]:
    for position, call in enumerate(plan, start=1):
        yield ExportCall(
            job=job,
            plan_round=job.plan_round,
            position=position,
            method=call.method,
            title=call.title,
            elements=[{name: getattr(each, name) for name in Element.__slots__} for each in call.elements],
            payload_hash=call.hash,
            state=state,
        )
