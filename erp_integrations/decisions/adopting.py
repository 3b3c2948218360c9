"""Adopt: Accept without writing, for a record that stands in Spectrum as it would be written."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from directory.models import User
from erp_integrations import signing, tasks
from erp_integrations.adapters.base import Absent, Call, CannotTell, Key
from erp_integrations.confirmations import waiting
from erp_integrations.connections.adapting import adapter_for
from erp_integrations.decisions.accepting import (
    basis_as_seen,
    bind,
    hold_erp_id,
    needs_words_of_spectrum,
    store_calls,
)
from erp_integrations.decisions.attesting import attest
from erp_integrations.decisions.four_eyes import require_may_steer, require_ticked
from erp_integrations.decisions.locking import (
    lock_for_decision,
    require_may_decide,
    require_quiet,
    require_words,
    who_decided,
)
from erp_integrations.decisions.refusals import Conflict, DecisionError, NotReady
from erp_integrations.delivery import ledger, outcomes, standing_record
from erp_integrations.findings import elsewhere, preflight
from erp_integrations.models import (
    CallState,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
)

LOOK = "Below is how it stands now: check it and decide again."


def adopt(
    *,
    submission: Submission,
    by: User,
    seen_hash: str,
    seen_record: str,
    seen_round: int,
    erp_id: str,
    note: str = "",
    statement: str = "",
    confirmed: Collection[str] = (),
) -> ExportJob:
    """Decide that what stands in Spectrum is this commitment: nothing of it is written again.

    ``seen_hash`` binds the plan, ``seen_round`` how often it was planned (0 while it awaits), and
    ``seen_record`` what the person was shown of Spectrum, which is looked at again with no transaction
    open. All of it becomes synced; of a part the rest is sent. Where nothing can be read back, and it came
    out of an older copy of the database, the person's words stand for all of it. It may await, have failed,
    or be queued with nothing tried.
    Raises as ``accept`` does, and NotSaid or DecisionError.
    """
    require_may_decide(submission=submission, by=by)
    require_may_steer(submission, by)
    basis = basis_as_seen(submission, seen_hash)
    adapter = adapter_for(basis.connection)
    found = preflight.findings(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id, note=note)
    if blocking := preflight.blocking(found):
        raise NotReady(blocking)
    key = preflight.key_of(basis, erp_id)
    written = list(preflight.plan(basis, erp_id=key.erp_id, note=note))
    if adapter.reads_back:
        written = _standing(submission, key, written, basis, seen_record)
        proof = {"proof": "read back", "record": seen_record, "statement": statement.strip()}
    elif not needs_words_of_spectrum(submission):
        now = Submission.objects.get(pk=submission.pk)
        if now.status != submission.status:
            raise Conflict(who_decided(now))
        raise Conflict(
            "This connection can't be read back, and no older copy of the database is known from which it "
            f"came: it can't be marked as exported. {LOOK}"
        )
    else:
        words = require_words(statement, "Say what you saw in Spectrum: your words are kept in the history.")
        proof = {"proof": "attested", "statement": words}
    return _adopt(
        submission=submission,
        by=by,
        seen_hash=seen_hash,
        seen_round=seen_round,
        key=key,
        note=note,
        written=written,
        proof=proof,
        confirmed=confirmed,
    )


def _standing(
    submission: Submission, key: Key, plan: Sequence[Call], basis: preflight.Basis, seen_record: str
) -> list[Call]:
    """The calls of a plan that stand in Spectrum, if it still is what the person saw.

    Of a part the rest is sent: so nothing of it may stand under another key.
    """
    adapter = adapter_for(basis.connection)
    match adapter.find(key):
        case Absent():
            raise Conflict(f"Spectrum holds nothing under {key.erp_id} of this vendor any more. {LOOK}")
        case CannotTell(reason=reason):
            raise DecisionError(f"{reason} Nothing was changed: try again in a moment.")
        case record:
            standing = standing_record.compare(adapter, key, plan, record)
    if record.hash != seen_record:
        raise Conflict(f"The record was changed in Spectrum while you were looking. {LOOK}")
    if standing.compared is None or not standing.can_be_adopted:
        raise Conflict(f"{standing.sentence} {standing.advice}")
    if not standing.is_whole:
        assert basis.connection is not None  # else a finding blocked
        names = {"vendor_code": key.vendor_code, "erp_id": key.erp_id}
        job = ExportJob(submission=submission, connection=basis.connection, **names)
        moved = elsewhere.find_many(basis.connection, [(job, tuple(plan))])
        if isinstance(moved, CannotTell):
            raise DecisionError(f"{moved.reason} Nothing was changed: try again in a moment.")
        if certain := [each.sentence for each in moved[0] if each.is_certain]:
            there = "; or ".join(certain)
            raise Conflict(
                f"Only a part stands under {key.erp_id}, and Spectrum also holds it as {there}. "
                "With the rest it would be there twice. Delete one of them in Spectrum first."
            )
    return [call for call, there in zip(plan, standing.compared.written, strict=True) if there]


@transaction.atomic
def _adopt(
    *,
    submission: Submission,
    by: User,
    seen_hash: str,
    seen_round: int,
    key: Key,
    note: str,
    written: Sequence[Call],
    proof: dict[str, str],
    confirmed: Collection[str],
) -> ExportJob:
    locked = lock_for_decision(submission, by)
    job = _open_job(locked, seen_round)
    basis = basis_as_seen(locked, seen_hash)
    changes = require_ticked(locked, basis.document, by, confirmed)
    if hold_erp_id(locked, basis, key.erp_id, note) != key:
        raise Conflict(f"It goes to another record now. {LOOK}")
    assert basis.connection is not None  # else a finding blocked
    if job is None:
        locked.accept(by=by, at=timezone.now(), note=note.strip())
        job = ExportJob(submission=locked, connection=basis.connection)
    else:
        if basis.connection != job.connection:
            raise Conflict("The project goes to another Spectrum company now. Reject the commitment instead.")
        locked.accept_again(by=by, at=timezone.now(), note=note.strip())
        job.plan_round += 1
    locked.save()
    waiting.end(changes, by=by, detail={"submission": locked.pk})
    bind(job, basis, key)
    job.adopted = True
    job.save()
    plan = preflight.plan(basis, erp_id=key.erp_id, note=note)
    calls = store_calls(job, plan)
    found = job.current_calls().filter(payload_hash__in=[call.hash for call in written])
    read_back = proof["proof"] == "read back"
    attest(found, is_there=True, read_back=read_back, statement=proof["statement"], by=by)
    found.update(state=CallState.WRITTEN)
    job.tries, job.not_before, job.verify_after = 0, Now(), None
    status = JobStatus.INCOMPLETE
    if len(written) == len(plan):
        status, job.not_before = JobStatus.SYNCED, None
        job.synced_at = job.verified_at = Now()
        job.verification = Verification.MATCH if read_back else Verification.ATTESTED
    outcomes.end(
        job,
        status,
        "",
        event="submission.adopted",
        by=by,
        detail={
            "basis_hash": basis.hash,
            "erp_id": key.erp_id,
            "calls": calls,
            "written": [call.title for call in written],
            "note": locked.note,
            **proof,
            **signing.signed(job, event="submission.adopted", by=by, calls=calls),
        },
    )
    tasks.wake(job.connection_id)
    return job


def _open_job(locked: Submission, seen_round: int) -> ExportJob | None:
    """The job that may be adopted, under lock; None where nobody has accepted it yet. Raises Conflict."""
    if locked.status == SubmissionStatus.AWAITING and not seen_round:
        return None
    current = locked.jobs.current().values_list("pk", flat=True).first()
    if locked.status != SubmissionStatus.ACCEPTED or current is None:
        raise Conflict(who_decided(locked))
    job = outcomes.lock(current)
    untouched = job.status == JobStatus.QUEUED and ledger.nothing_was_ever_written(job)
    if job.plan_round != seen_round or (job.status != JobStatus.FAILED and not untouched):
        raise Conflict(who_decided(locked))
    require_quiet(job)
    job.submission = locked
    return job
