"""Accept, and accept again after a failed export."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from commitments import services as commitments
from commitments.models import Badge
from directory.models import User
from erp_integrations import signing, tasks
from erp_integrations.adapters.base import Call, Key, MovedRecord
from erp_integrations.confirmations import waiting
from erp_integrations.connections.adapting import as_columns, reply_rule
from erp_integrations.decisions.four_eyes import require_ticked
from erp_integrations.decisions.locking import (
    document_of,
    lock_for_decision,
    lock_job,
    record,
    require_quiet,
    require_words,
    who_decided,
)
from erp_integrations.decisions.refusals import Conflict, NotReady, NotSaid
from erp_integrations.findings import preflight
from erp_integrations.models import (
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobStatus,
    Restore,
    Submission,
    SubmissionStatus,
)


@transaction.atomic
def accept(
    *,
    submission: Submission,
    by: User,
    seen_hash: str,
    erp_id: str,
    note: str = "",
    statement: str = "",
    others: Sequence[MovedRecord] = (),
    others_reason: str = "",
    confirmed: Collection[str] = (),
    number_looked_up: bool = False,
) -> ExportJob:
    """Decide for export: the calls are stored exactly as they were shown, and a worker is woken.

    ``seen_hash`` is the basis hash of what the person saw, ``erp_id`` what they want the
    record to be called; ``others`` hold its job and lines, and are somebody else's by their words: the
    worker honours exactly those. ``confirmed`` are the stamps of changes by others that they find right,
    ``number_looked_up`` that they looked up themselves whether a number of their own is free. ``statement``
    is asked for where it came back with an older copy of the database and nobody can look. Raises
    RightMissing without the privilege, on one's own commitment, or where one's own change leads; Conflict
    when it was decided or changed, NotReady when something blocks, NotSaid where a tick or words lack.
    """
    locked = lock_for_decision(submission, by)
    if locked.status != SubmissionStatus.AWAITING:
        raise Conflict(who_decided(locked))
    basis = basis_as_seen(locked, seen_hash)
    changes = require_ticked(locked, basis.document, by, confirmed)
    told = _told_of_spectrum(locked, statement)
    locked.accept(by=by, at=timezone.now(), note=note.strip())
    locked.save()
    is_typed = preflight.is_typed_unseen(basis, erp_id)
    key = hold_erp_id(locked, basis, erp_id, note)
    told |= _told_of_number(key, basis, is_unseen=is_typed and not number_looked_up)
    assert basis.connection is not None  # else a finding blocked
    job = ExportJob(submission=locked, connection=basis.connection)
    told |= ticked_off(others, others_reason)
    waiting.end(changes, by=by, detail={"submission": locked.pk})
    _queue(job, basis, key, by=by, note=note, event="submission.accepted", told=told)
    return job


@transaction.atomic
def retry(
    *,
    submission: Submission,
    by: User,
    seen_hash: str,
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
    locked = lock_for_decision(submission, by)
    job = lock_job(locked) if locked.status == SubmissionStatus.ACCEPTED else None
    if job is None or job.status != JobStatus.FAILED:
        raise Conflict(who_decided(locked))
    require_quiet(job)
    basis = basis_as_seen(locked, seen_hash)
    changes = require_ticked(locked, basis.document, by, confirmed)
    if basis.connection and basis.connection != job.connection:
        raise Conflict("The project goes to another Spectrum company now. Reject the commitment instead.")
    told = _told_of_spectrum(locked, statement)
    is_typed = preflight.is_typed_unseen(basis, erp_id)
    key = hold_erp_id(locked, basis, erp_id, note)
    told |= _told_of_number(key, basis, is_unseen=is_typed and not number_looked_up)
    job.move_to(JobStatus.QUEUED)
    job.plan_round += 1
    job.tries = 0
    job.problem = ""
    job.submission = locked
    locked.accept_again(by=by, at=timezone.now(), note=note.strip())
    locked.save()
    told |= ticked_off(others, others_reason)
    waiting.end(changes, by=by, detail={"submission": locked.pk})
    _queue(job, basis, key, by=by, note=note, event="export.retried", told=told)
    return job


def _queue(
    job: ExportJob,
    basis: preflight.Basis,
    key: Key,
    *,
    by: User,
    note: str,
    event: str,
    told: dict[str, object],
) -> None:
    """Store the job and its calls; for a while a slip of the hand is undone with nothing to mend."""
    bind(job, basis, key)
    job.not_before = Now() + timedelta(seconds=settings.UNDO_SECONDS)
    job.save()
    calls = store_calls(job, preflight.plan(basis, erp_id=key.erp_id, note=note))
    commitments.mark(job.submission.commitment, badge=Badge.EXPORTING)
    detail: dict[str, object] = {"job": job.pk, "basis_hash": job.basis_hash, "erp_id": job.erp_id}
    detail |= signing.signed(job, event=event, by=by, calls=calls)
    record(event, job.submission, by, {**detail, "calls": calls, "note": note.strip(), **told})
    tasks.wake(job.connection_id)


def bind(job: ExportJob, basis: preflight.Basis, key: Key) -> None:
    """What the job goes by is what was decided on, and what its connection says now. Not saved."""
    job.vendor_code, job.erp_id = key.vendor_code, key.erp_id
    job.basis_hash, job.wire_hash = basis.hash, basis.wire_hash
    for name, value in as_columns(reply_rule(job.connection.settings)).items():
        setattr(job, name, value)


def needs_words_of_spectrum(submission: Submission) -> bool:
    """Whether a person alone can say that an older copy's commitment is not in Spectrum already.

    That is so until somebody has once decided for export since the last restore, whenever it was sent.
    """
    if submission.connection.reads_back:
        return False
    if submission.restored_at:
        return True
    restore = Restore.objects.order_by("-epoch").first()
    if restore is None or submission.commitment.created_at > restore.at:
        return False
    decided = Q(decided_at__gt=restore.at, status__in=[SubmissionStatus.ACCEPTED, SubmissionStatus.UNLINKED])
    said = submission.commitment.submissions.filter(decided | Q(jobs__created_at__gt=restore.at))
    return not said.exists()


def _told_of_spectrum(submission: Submission, statement: str) -> dict[str, object]:
    """What a person said of Spectrum, who alone can look after a restore. Raises NotSaid."""
    if not needs_words_of_spectrum(submission):
        return {}
    sentence = (
        "It came back with an older copy of the database, and may be in Spectrum already. Look there, and "
        "say what you saw."
    )
    return {"statement": require_words(statement, sentence)}


def _told_of_number(key: Key, basis: preflight.Basis, *, is_unseen: bool) -> dict[str, object]:
    """That nobody but a person could look whether a number is free. Raises NotSaid for a typed one unsaid."""
    if is_unseen:
        raise NotSaid(
            f"This connection can't be read back, so nobody has looked whether {key.erp_id} is free in "
            "Spectrum. Look there, and tick that it is."
        )
    return {} if basis.connection and basis.connection.reads_back else {"number_checked": False}


def ticked_off(others: Sequence[MovedRecord], reason: str) -> dict[str, object]:
    """Which records the history keeps as others; raises NotSaid without words."""
    if not others:
        return {}
    words = require_words(reason, "Say how you know that the record in Spectrum is another one.")
    named = [
        {"vendor_code": each.key.vendor_code, "erp_id": each.key.erp_id, "fingerprint": each.fingerprint}
        for each in others
    ]
    return {"other_records": named, "others_reason": words}


def basis_as_seen(submission: Submission, seen_hash: str) -> preflight.Basis:
    """What a plan is made from, if it still is what the person saw. Raises Conflict."""
    basis = preflight.basis_of(document_of(submission))
    if basis.hash != seen_hash:
        raise Conflict(
            "The vendor link, the job link, the connection or Spectrum's lists changed while you were "
            "looking. Below is what would be exported now: check it and decide again."
        )
    return basis


def hold_erp_id(submission: Submission, basis: preflight.Basis, erp_id: str, note: str) -> Key:
    """Check everything, and reserve the record's name for this commitment alone."""
    found = preflight.findings(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id, note=note)
    blocking = preflight.blocking(found)
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


def store_calls(job: ExportJob, plan: Sequence[Call]) -> list[str]:
    """Keep the calls of a plan; their hashes."""
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
