"""Unlink: the record is gone from Spectrum, so the commitment is the project's own again."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from commitments import services as commitments
from commitments.models import Badge, Lock
from directory.models import User
from directory.permissions import require_send_commitments
from erp_integrations.adapters.base import CannotTell, MovedRecord, StoredRecord
from erp_integrations.connections.adapting import adapter_for, as_planned
from erp_integrations.decisions.accepting import ticked_off
from erp_integrations.decisions.attesting import attest
from erp_integrations.decisions.locking import (
    lock_for_decision,
    lock_job_of,
    moment_of,
    record,
    require_may_decide,
    require_quiet,
    require_words,
    who_decided,
)
from erp_integrations.decisions.refusals import (
    Conflict,
    DecisionError,
    MayStandElsewhere,
    StandsElsewhere,
    TooEarly,
)
from erp_integrations.delivery import ledger, recovery
from erp_integrations.findings import elsewhere, preflight, remains
from erp_integrations.models import ExportJob, JobBilling, JobStatus, Submission, SubmissionStatus


def unlink(
    *,
    submission: Submission,
    by: User,
    seen_attempt: int,
    statement: str = "",
    others: Collection[str] = (),
) -> Submission:
    """Cut the link to a record that was deleted in Spectrum: unlocked whole, its ERP ID free.

    Where Spectrum can be read back it is looked up, with no transaction open; else the person's
    words are the proof, and kept. ``others`` are the fingerprints of records that may be it under other
    keys, and the person says in words are not. Raises RightMissing without the privilege or without Admin on
    Commitments, Conflict, TooEarly, NotSaid, StandsElsewhere, MayStandElsewhere, DecisionError when the
    record is there or nobody can tell.
    """
    require_may_unlink(submission=submission, by=by)
    job = (
        submission.jobs.current().select_related("connection__settings").filter(attempt=seen_attempt).first()
    )
    if submission.status != SubmissionStatus.ACCEPTED or job is None:
        raise Conflict(who_decided(submission))
    ticked = others if preflight.is_written(statement) else ()
    proof, possible = _proof_of_absence(job, ticked)
    others_told = ticked_off(possible, statement).get("other_records", [])
    return _unlink(
        submission=submission, by=by, job=job, proof=proof, statement=statement, others=others_told
    )


def require_may_unlink(*, submission: Submission, by: User) -> None:
    """Raise RightMissing for who is not both an accounting approver and Admin on Commitments."""
    require_may_decide(submission=submission, by=by)
    require_send_commitments(by, submission.project)


def _proof_of_absence(job: ExportJob, others: Collection[str]) -> tuple[str, list[MovedRecord]]:
    """ "read back", or nothing where nothing can be read back; and what was ticked off as another record.

    Raises where the record is there, or may be and was not ticked off.
    """
    require_quiet(job)
    if not job.connection.reads_back:
        return "", []
    if ledger.may_not_show_yet(job):
        raise TooEarly("It was written a moment ago, and Spectrum may be late to show it. Try again soon.")
    found = recovery.seen_anywhere(job)
    if isinstance(found, StoredRecord):
        calls = tuple(as_planned(call) for call in job.current_calls())
        seen = adapter_for(job.connection).billing(calls, found)
        _require_nothing_billed(
            JobBilling(job=job, billed=seen.billed, paid=seen.paid, read_at=timezone.now())
        )
        raise DecisionError(
            f"Spectrum still shows vendor {job.vendor_code}, subcontract {job.erp_id}. "
            "Delete it there first; then unlink."
        )
    if isinstance(found, CannotTell):
        raise DecisionError(f"{found.reason} Nothing was changed: try again in a moment.")
    left = [each for each in found if each.is_certain or each.fingerprint not in others]
    if left:
        held_by = elsewhere.another_job(job, recovery.seen_now(job))
        key = f"vendor {job.vendor_code}, subcontract {job.erp_id}"
        instead = f"Under {key} stands another contract now, of job {held_by}. " if held_by else ""
        if certain := [each for each in left if each.is_certain]:
            raise StandsElsewhere(certain, instead)
        raise MayStandElsewhere(left, instead)
    return "read back", list(found)


def _require_nothing_billed(billing: JobBilling | None) -> None:
    """Spectrum keeps what is invoiced or paid: where that is absent, it stands under another key."""
    if billing is not None and billing.has_something:
        raise DecisionError(
            f"When Spectrum was read ({moment_of(billing.read_at)}), {billing.billed or 0:,.2f} of it was "
            f"billed and {billing.paid or 0:,.2f} paid. It can't be unlinked: what is billed stays there."
        )


@transaction.atomic
def _unlink(
    *,
    submission: Submission,
    by: User,
    job: ExportJob,
    proof: str,
    statement: str,
    others: object,
) -> Submission:
    locked = lock_for_decision(submission, by)
    require_may_unlink(submission=locked, by=by)
    if locked.status != SubmissionStatus.ACCEPTED:
        raise Conflict(who_decided(locked))
    held = lock_job_of(locked, seen_attempt=job.attempt)
    if held.plan_round != job.plan_round:
        raise Conflict("Its record was followed to another key meanwhile. See how it stands now.")
    if held.pk != job.pk or held.status not in (JobStatus.SYNCED, JobStatus.INCOMPLETE):
        raise Conflict("Only what is in Spectrum, whole or in part, can be unlinked. See how it stands now.")
    if not proof:
        statement = require_words(
            statement, "Say how you know that it is gone from Spectrum: your words are kept in the history."
        )
    _require_nothing_billed(JobBilling.objects.filter(job=held).first())
    held.move_to(JobStatus.CANCELLED)
    held.save()
    locked.unlink(by=by, at=timezone.now())
    locked.save()
    calls = remains.possibly_written(locked.commitment)
    attest(calls, is_there=False, read_back=bool(proof), statement=statement, by=by)
    remains.forget(locked.commitment)
    commitments.mark(locked.commitment, badge=Badge.UNLINKED, lock=Lock.NONE, erp_id="")
    record(
        "submission.unlinked",
        locked,
        by,
        {
            "job": held.pk,
            "erp_id": held.erp_id,
            "proof": proof or "attested",
            "statement": statement.strip(),
            **({"other_records": others} if others else {}),
        },
    )
    return locked
