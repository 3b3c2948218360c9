"""Adopt: Accept without writing, for a record that stands in Spectrum as it would be written."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from directory.models import User
from erp_integrations import signing, wakeup
from erp_integrations.adapters.base import Call, Key, NotFound, Unavailable
from erp_integrations.checks import moved_records, preflight
from erp_integrations.checks.approval_basis import ApprovalBasis
from erp_integrations.confirmations import pending_changes
from erp_integrations.events import ErpEvent
from erp_integrations.exports import existing_record, ledger, outcomes
from erp_integrations.models import (
    CallState,
    ExportJob,
    JobStatus,
    QuestionState,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.submissions.accepting import (
    claim_erp_id,
    is_statement_required,
    require_expected_basis,
    set_approved_basis,
    store_calls,
)
from erp_integrations.submissions.asking import close_open_question
from erp_integrations.submissions.attesting import record_attestations
from erp_integrations.submissions.errors import Conflict, DecisionError, ExportBlocked
from erp_integrations.submissions.four_eyes import require_own_changes_confirmed, require_ticked_changes
from erp_integrations.submissions.row_locks import (
    describe_conflict,
    lock_for_decision,
    require_may_decide,
    require_quiet_period_over,
    require_text,
)

CHECK_AND_DECIDE_AGAIN = "The current version is below. Check it and decide again."


def adopt(
    *,
    submission: Submission,
    by: User,
    expected_hash: str,
    expected_record: str,
    expected_version: int,
    erp_id: str,
    note: str = "",
    statement: str = "",
    confirmed: Collection[str] = (),
) -> ExportJob:
    """Decide that what stands in Spectrum is this commitment: nothing of it is written again.

    ``expected_hash`` binds the plan, ``expected_version`` how often it was planned (0 while it awaits), and
    ``expected_record`` what the person was shown of Spectrum, which is looked at again with no transaction
    open. All of it becomes synced; of a part the rest is sent. Where nothing can be read back, and it came
    out of an older copy of the database, the person's words stand for all of it. It may await, have failed,
    or be queued with nothing tried.
    Raises as ``accept`` does, and StatementMissing or DecisionError.
    """
    require_may_decide(submission=submission, by=by)
    require_own_changes_confirmed(submission, by)
    basis = require_expected_basis(submission, expected_hash)
    adapter = basis.adapter
    issues = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id, note=note)
    if blocking := preflight.list_blocking(issues):
        raise ExportBlocked(blocking)
    key = basis.get_key(erp_id)
    written = list(basis.build_calls(erp_id=key.erp_id, note=note))
    if adapter.has_read_back:
        written = list_written_calls(submission, key, written, basis, expected_record)
        proof = {"proof": "read back", "record": expected_record, "statement": statement.strip()}
    elif not is_statement_required(submission):
        current = Submission.objects.get(pk=submission.pk)
        if current.status != submission.status:
            raise Conflict(describe_conflict(current))
        raise Conflict(
            "This connection has no read-back, and the commitment was not restored from an older copy of the "
            f"database, so it can't be marked as exported. {CHECK_AND_DECIDE_AGAIN}"
        )
    else:
        attested = require_text(
            statement, "Say what you found in Spectrum. Your statement is kept in the history."
        )
        proof = {"proof": "attested", "statement": attested}
    with transaction.atomic():
        submission = lock_for_decision(submission, by)
        job = lock_adoptable_job(submission, expected_version)
        basis = require_expected_basis(submission, expected_hash)
        changes = require_ticked_changes(submission, basis.document, by, confirmed)
        if claim_erp_id(submission, basis, key.erp_id, note) != key:
            raise Conflict(f"It now goes to another record. {CHECK_AND_DECIDE_AGAIN}")
        assert basis.connection is not None  # else a finding blocked
        if job is None:
            submission.accept(by=by, at=timezone.now(), note=note.strip(), erp_id=key.erp_id)
            job = ExportJob(submission=submission, connection=basis.connection)
        else:
            if basis.connection != job.connection:
                raise Conflict(
                    "The project is now linked to another Spectrum company. Reject the commitment instead."
                )
            submission.accept_retry(by=by, at=timezone.now(), note=note.strip(), erp_id=key.erp_id)
            job.plan_round += 1
        submission.save_decision()
        pending_changes.record_confirmation(changes, by=by, detail={"submission": submission.pk})
        set_approved_basis(job, basis, key)
        store_adopted_job(job, basis.build_calls(erp_id=key.erp_id, note=note), written, proof, by)
    return job


def list_written_calls(
    submission: Submission,
    key: Key,
    plan: Sequence[Call],
    basis: ApprovalBasis,
    expected_record: str,
) -> list[Call]:
    """The calls of a plan that stand in Spectrum, if it still is what the person saw.

    Of a part the rest is sent: so nothing of it may stand under another key.
    """
    adapter = basis.adapter
    match adapter.find_record(key):
        case NotFound():
            raise Conflict(
                f"This vendor no longer has a subcontract {key.erp_id} in Spectrum. {CHECK_AND_DECIDE_AGAIN}"
            )
        case Unavailable(reason=reason):
            raise DecisionError(f"{reason} Nothing was changed. Try again in a moment.")
        case record:
            existing = existing_record.compare_record(adapter, key, plan, record)
    if record.hash != expected_record:
        raise Conflict(
            f"The record has been changed in Spectrum since you opened this page. {CHECK_AND_DECIDE_AGAIN}"
        )
    if existing.compared is None or not existing.can_be_adopted:
        raise Conflict(f"{existing.sentence} {existing.advice}")
    if not existing.is_whole:
        assert basis.connection is not None  # else a finding blocked
        names = {"vendor_code": key.vendor_code, "erp_id": key.erp_id}
        job = ExportJob(submission=submission, connection=basis.connection, **names)
        moved = moved_records.find_moved_records_of_jobs(basis.connection, [(job, tuple(plan))])
        if isinstance(moved, Unavailable):
            raise DecisionError(f"{moved.reason} Nothing was changed. Try again in a moment.")
        if certain := [each.sentence for each in moved[0] if each.is_certain]:
            there = "; or ".join(certain)
            raise Conflict(
                f"Only part of it is under {key.erp_id}, and Spectrum also has it as {there}. "
                "With the rest it would be there twice. Delete one of them in Spectrum first."
            )
    return [call for call, there in zip(plan, existing.compared.written, strict=True) if there]


def store_adopted_job(
    job: ExportJob, plan: Sequence[Call], written: Sequence[Call], proof: dict[str, str], by: User
) -> None:
    """All of it is synced; of a part the rest is to be sent."""
    job.adopted = True
    job.save()
    calls = store_calls(job, plan)
    found = job.list_current_calls().filter(payload_hash__in=[call.hash for call in written])
    has_read_back = proof["proof"] == "read back"
    record_attestations(found, is_there=True, read_back=has_read_back, statement=proof["statement"], by=by)
    found.update(state=CallState.WRITTEN)
    job.tries, job.not_before, job.verify_after = 0, Now(), None
    status = JobStatus.INCOMPLETE
    if len(written) == len(plan):
        status, job.not_before = JobStatus.SYNCED, None
        job.synced_at = job.verified_at = Now()
        job.verification = Verification.MATCH if has_read_back else Verification.ATTESTED
    detail = {
        "basis_hash": job.basis_hash,
        "erp_id": job.erp_id,
        "calls": calls,
        "written": [call.title for call in written],
        "note": job.submission.note,
        **proof,
        **close_open_question(job.submission, QuestionState.ACCEPTED, by),
        **signing.sign_decision(job, event=ErpEvent.SUBMISSION_ADOPTED, by=by, calls=calls),
    }
    outcomes.set_job_status(job, status, "", event=ErpEvent.SUBMISSION_ADOPTED, by=by, detail=detail)
    wakeup.wake_exports(job.connection_id)


def lock_adoptable_job(submission: Submission, expected_version: int) -> ExportJob | None:
    """The job that may be adopted, under lock; None where nobody has accepted it yet. Raises Conflict."""
    if submission.status == SubmissionStatus.AWAITING and not expected_version:
        return None
    current = submission.jobs.current().values_list("pk", flat=True).first()
    if submission.status != SubmissionStatus.ACCEPTED or current is None:
        raise Conflict(describe_conflict(submission))
    job = outcomes.lock_job_and_parents(current)
    untouched = job.status == JobStatus.QUEUED and ledger.is_unwritten(job)
    if job.plan_round != expected_version or (job.status != JobStatus.FAILED and not untouched):
        raise Conflict(describe_conflict(submission))
    require_quiet_period_over(job)
    job.submission = submission
    return job
