"""What a person can do with a commitment on its way to the ERP: one function for each.

Every one is a single transaction: it locks in the order Commitment, Submission, Connection,
ExportJob, checks the right, changes, writes the history, and stores the mail; only then is
somebody woken. Domain errors carry the sentence that the person reads.
"""

from collections.abc import Sequence
from dataclasses import asdict

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format

from commitments import services as commitments
from commitments.models import Badge, Commitment, Lock
from directory import history
from directory.models import User
from directory.permissions import RightMissing, require_push_to_accounting, require_send_commitments
from erp_integrations import announcements, preflight, tasks
from erp_integrations.adapters.base import Call, Finding, Key
from erp_integrations.documents import text_hash, to_json
from erp_integrations.models import (
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
)
from erp_integrations.models.submissions import OPEN_STATUSES


class DecisionError(Exception):
    """Something can't be done as things stand; the text is for the person who asked."""


class NotReady(DecisionError):
    """Findings block. They are all in ``findings``."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(" ".join(finding.sentence for finding in findings))
        self.findings = list(findings)


class Conflict(DecisionError):
    """Somebody else was first, or what the person saw has changed since (409)."""


@transaction.atomic
def send_to_erp(*, commitment: Commitment, by: User) -> Submission:
    """Send, or re-send, a commitment to accounting: it locks whole, and a snapshot is kept.

    Raises RightMissing without Admin on the Commitments tool, NotReady when something
    blocks, Conflict when it is with accounting already.
    """
    locked = _lock_commitment(commitment.pk)
    require_send_commitments(by, locked.project)
    open_one = locked.submissions.filter(status__in=OPEN_STATUSES).first()
    if open_one:
        raise Conflict(
            f"This commitment is with accounting already ({locked.get_badge_display()}). "
            "Reload the page to see where it stands."
        )
    document = preflight.document_of(locked)
    basis = preflight.basis_of(document)
    found = preflight.findings(basis, moment=preflight.Moment.SEND, erp_id=preflight.proposed_erp_id(basis))
    if preflight.blocking(found) or basis.connection is None:
        raise NotReady(preflight.blocking(found))
    snapshot = to_json(document)
    submission = Submission.objects.create(
        company=locked.project.company,
        project=locked.project,
        commitment=locked,
        connection=basis.connection,
        snapshot=snapshot,
        snapshot_hash=text_hash(snapshot),
        schema_version=document.schema_version,
        kind=document.kind,
        number=document.number,
        title=document.title,
        contract_company_name=document.contract_company_name,
        total=document.total,
        sent_by=by,
        created_by=locked.created_by,
    )
    commitments.mark(locked, badge=Badge.AWAITING, lock=Lock.WHOLE)
    _record("submission.sent", submission, by, {"snapshot_hash": submission.snapshot_hash})
    return submission


@transaction.atomic
def retrieve_from_erp(*, commitment: Commitment, by: User) -> Submission:
    """Take a commitment back while nobody has decided; it is editable again.

    Raises RightMissing without Admin on the Commitments tool, Conflict when it was decided.
    """
    locked = _lock_commitment(commitment.pk)
    require_send_commitments(by, locked.project)
    submission = locked.submissions.select_for_update().filter(status__in=OPEN_STATUSES).first()
    if submission is None:
        raise Conflict("Accounting doesn't have this commitment, so there is nothing to retrieve.")
    if submission.status != SubmissionStatus.AWAITING:
        raise Conflict(f"It can't be retrieved any more: {_who_decided(submission)}")
    submission.retrieve(by=by, at=timezone.now())
    submission.save()
    commitments.mark(locked, badge=Badge.RETRIEVED, lock=Lock.NONE)
    _record("submission.retrieved", submission, by)
    return submission


@transaction.atomic
def accept(*, submission: Submission, by: User, seen_hash: str, erp_id: str, note: str = "") -> ExportJob:
    """Decide for export: the calls are stored exactly as they were shown, and a worker is woken.

    ``seen_hash`` is the basis hash of what the person saw, ``erp_id`` what they want the
    record to be called. Raises RightMissing without the privilege or on one's own
    commitment, Conflict when it was decided or changed, NotReady when something blocks.
    """
    locked = _lock_for_decision(submission, by)
    if locked.status != SubmissionStatus.AWAITING:
        raise Conflict(_who_decided(locked))
    basis = _basis_as_seen(locked, seen_hash)
    locked.accept(by=by, at=timezone.now(), note=note.strip())
    locked.save()
    key = _hold_erp_id(locked, basis, erp_id)
    assert basis.connection is not None  # else a finding blocked
    job = ExportJob.objects.create(
        submission=locked,
        connection=basis.connection,
        vendor_code=key.vendor_code,
        erp_id=key.erp_id,
        basis_hash=basis.hash,
    )
    calls = _store_calls(job, preflight.plan(basis, erp_id=key.erp_id))
    commitments.mark(locked.commitment, badge=Badge.EXPORTING)
    _record(
        "submission.accepted",
        locked,
        by,
        {"job": job.pk, "basis_hash": basis.hash, "erp_id": key.erp_id, "calls": calls, "note": locked.note},
    )
    tasks.wake(job.connection_id)
    return job


@transaction.atomic
def reject(*, submission: Submission, by: User, reason: str) -> None:
    """Send a commitment back to its project with a reason; its creator is mailed.

    Also after an export that failed with nothing written. Raises RightMissing, DecisionError
    without a reason, Conflict when somebody decided otherwise or the export has begun.
    """
    locked = _lock_for_decision(submission, by)
    if not any(character.isalnum() for character in reason):  # nor is an invisible character a reason
        raise DecisionError("Enter a reason: it is mailed to the person who created the commitment.")
    if locked.status == SubmissionStatus.ACCEPTED:
        job = _lock_job(locked)
        if job.status != JobStatus.FAILED:
            raise Conflict(_who_decided(locked))
        job.move_to(JobStatus.CANCELLED)
        job.save()
    elif locked.status != SubmissionStatus.AWAITING:
        raise Conflict(_who_decided(locked))
    locked.reject(by=by, at=timezone.now(), reason=reason.strip())
    locked.save()
    ErpIdHold.objects.filter(commitment=locked.commitment).delete()
    commitments.mark(locked.commitment, badge=Badge.REJECTED, lock=Lock.NONE, erp_id="")
    _record("submission.rejected", locked, by, {"reason": locked.reason})
    announcements.rejected(locked)


@transaction.atomic
def retry(*, submission: Submission, by: User, seen_hash: str, erp_id: str, note: str = "") -> ExportJob:
    """Accept a failed export again, with what the box shows now. Nothing of it was written.

    From here on it is this person's decision: the worker asks for their right, and nobody
    else's. Raises as ``accept`` does.
    """
    locked = _lock_for_decision(submission, by)
    job = _lock_job(locked) if locked.status == SubmissionStatus.ACCEPTED else None
    if job is None or job.status != JobStatus.FAILED:
        raise Conflict(_who_decided(locked))
    basis = _basis_as_seen(locked, seen_hash)
    if basis.connection != job.connection:
        raise Conflict("The project goes to another Spectrum company now. Reject the commitment instead.")
    key = _hold_erp_id(locked, basis, erp_id)
    job.move_to(JobStatus.QUEUED)
    job.plan_round += 1
    job.tries = 0
    job.not_before = timezone.now()
    job.problem = ""
    job.vendor_code, job.erp_id, job.basis_hash = key.vendor_code, key.erp_id, basis.hash
    job.save()
    calls = _store_calls(job, preflight.plan(basis, erp_id=key.erp_id))
    locked.accept_again(by=by, at=timezone.now(), note=note.strip())
    locked.save()
    commitments.mark(locked.commitment, badge=Badge.EXPORTING)
    _record(
        "export.retried",
        locked,
        by,
        {"job": job.pk, "basis_hash": basis.hash, "erp_id": key.erp_id, "calls": calls, "note": note.strip()},
    )
    tasks.wake(job.connection_id)
    return job


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


def _lock_commitment(pk: int) -> Commitment:
    """The row as it is once the lock is held.

    No join to what an edit may change: a statement that waited for the lock sees the new row
    beside the old contract company, and finds nothing.
    """
    return Commitment.objects.select_for_update(of=("self",)).select_related("project__company").get(pk=pk)


def _lock_for_decision(submission: Submission, by: User) -> Submission:
    """The submission under lock, after its commitment, for a person who may decide on it."""
    commitment = _lock_commitment(submission.commitment_id)
    locked = (
        Submission.objects.select_for_update(of=("self",))
        .select_related("company", "connection", "decided_by", "ended_by")
        .get(pk=submission.pk)
    )
    locked.commitment = commitment
    require_may_decide(submission=locked, by=by)
    return locked


def _lock_job(submission: Submission) -> ExportJob:
    return submission.jobs.select_for_update().current().get()


def _basis_as_seen(submission: Submission, seen_hash: str) -> preflight.Basis:
    basis = preflight.basis_of(submission.document)
    if basis.hash != seen_hash:
        raise Conflict(
            "The vendor link, the job link or the connection changed while you were looking. "
            "Below is what would be exported now: check it and decide again."
        )
    return basis


def _hold_erp_id(submission: Submission, basis: preflight.Basis, erp_id: str) -> Key:
    """Check everything, and reserve the record's name for this commitment alone."""
    blocking = preflight.blocking(preflight.findings(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id))
    if blocking:
        raise NotReady(blocking)
    key = preflight.key_of(basis, erp_id)
    assert basis.connection is not None
    try:
        with transaction.atomic():
            ErpIdHold.objects.update_or_create(
                commitment=submission.commitment,
                defaults={
                    "connection": basis.connection,
                    "vendor_code": key.vendor_code,
                    "erp_id": key.erp_id,
                },
            )
    except IntegrityError as error:
        raise Conflict(
            f"A moment ago another commitment with this vendor took the ERP ID {key.erp_id}. "
            "Choose another one."
        ) from error
    return key


def _store_calls(job: ExportJob, plan: Sequence[Call]) -> list[str]:
    ExportCall.objects.bulk_create(
        ExportCall(
            job=job,
            plan_round=job.plan_round,
            position=position,
            method=call.method,
            title=call.title,
            elements=[asdict(element) for element in call.elements],
            payload_hash=call.hash,
        )
        for position, call in enumerate(plan, start=1)
    )
    return [call.hash for call in plan]


def _who_decided(submission: Submission) -> str:
    """One sentence for the person who came second."""
    person, at = submission.decided_by or submission.ended_by, submission.decided_at or submission.ended_at
    when = f" on {date_format(timezone.localtime(at), 'j M Y, H:i')}" if at else ""
    status = submission.get_status_display().lower()
    return f"{person or 'Somebody'} {_verb(status)} this commitment{when}, so nothing was changed."


def _verb(status: str) -> str:
    return "has not yet decided on" if status == "awaiting accounting" else status


def _record(event: str, submission: Submission, by: User, detail: dict[str, object] | None = None) -> None:
    history.record(event=event, subject=submission, by=by, company=submission.company, detail=detail)
