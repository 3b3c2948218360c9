"""Resolve an unknown delivery, and resume an incomplete one."""

from collections.abc import Collection
from enum import StrEnum

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from directory.models import User
from erp_integrations import signing, tasks
from erp_integrations.connections import steering
from erp_integrations.decisions.attesting import attest
from erp_integrations.decisions.four_eyes import require_may_steer
from erp_integrations.decisions.locking import (
    lock_for_decision,
    lock_job_of,
    lock_submission,
    moment_of,
    record,
    require_quiet,
    require_words,
    who_decided,
)
from erp_integrations.decisions.refusals import Conflict, NotSaid, TooEarly
from erp_integrations.delivery import recovery
from erp_integrations.models import ExportJob, JobStatus, Submission, SubmissionStatus, Verification


class Attested(StrEnum):
    """How much of it a person found in Spectrum."""

    ALL = "all"
    NONE = "none"
    PART = "part"


@transaction.atomic
def resolve(
    *,
    submission: Submission,
    by: User,
    seen_attempt: int,
    attested: Attested,
    statement: str,
    positions: Collection[int] = (),
) -> ExportJob:
    """Say what Spectrum holds of a delivery of which nobody knows, in words that are kept.

    ``positions`` are the calls that are there, where it is a part. Then it is synced, sent again,
    or goes on with the others. Raises RightMissing, Conflict when it is
    another delivery by now or the ERP is asked instead, TooEarly, NotSaid.
    """
    locked = lock_for_decision(submission, by)
    if locked.status != SubmissionStatus.ACCEPTED:
        raise Conflict(who_decided(locked))
    held = lock_job_of(locked, seen_attempt=seen_attempt)
    if held.status != JobStatus.UNKNOWN:
        raise Conflict("What became of this export is known by now. See how it stands.")
    require_quiet(held)
    if not held.asks_a_person:
        by_hand = f", from {moment_of(held.by_hand_from)} on" if held.by_hand_from else ""
        raise TooEarly(
            f"Spectrum itself is asked what it holds, next at {moment_of(held.not_before)}. Only if it "
            f"can't tell, a person decides{by_hand}."
        )
    statement = require_words(statement, "Say what you saw in Spectrum: your words are kept in the history.")
    calls = list(held.current_calls())
    there = {call.position for call in calls} if attested is Attested.ALL else set(positions)
    written = [attested is not Attested.NONE and call.position in there for call in calls]
    if attested is Attested.PART and (not written[0] or all(written)):
        raise NotSaid(
            f"Choose which calls are in Spectrum: {calls[0].title} must be among them, and not all of them."
        )
    if attested is Attested.NONE:
        # It is sent again, and on whose decision, the worker asks.
        held.submission.accept_again(by=by, at=timezone.now(), note=held.submission.note)
        held.submission.save()
    else:
        held.verification = Verification.ATTESTED
    for is_there in (True, False):
        said = [call for call, found in zip(calls, written, strict=True) if found is is_there]
        attest(said, is_there=is_there, read_back=False, statement=statement, by=by)
    held.tries = 0
    event = f"export.attested_{attested}"
    recovery.leave_unknown(
        held,
        written,
        event=event,
        by=by,
        verification=Verification.ATTESTED,
        detail={
            "statement": statement,
            "seen": held.differences,
            **signing.signed(held, event=event, by=by, calls=signing.accepted_calls(held)),
        },
    )
    tasks.wake(held.connection_id)
    return held


@transaction.atomic
def resume(*, submission: Submission, by: User | None, seen_attempt: int) -> ExportJob:
    """Go on with the calls that are not written; the worker looks first what stands there.

    ``by`` is None for an operator at the command line: on whose decision it goes on, stays as it was.
    Raises RightMissing, Conflict when it is another delivery by now or goes on already, TooEarly.
    """
    locked = lock_for_decision(submission, by) if by else lock_submission(submission)
    if locked.status != SubmissionStatus.ACCEPTED:
        raise Conflict(who_decided(locked))
    if by:
        require_may_steer(locked, by, begun=True)
    held = lock_job_of(locked, seen_attempt=seen_attempt)
    if held.status != JobStatus.INCOMPLETE or ExportJob.objects.due().filter(pk=held.pk).exists():
        raise Conflict("It goes on already. See how it stands now.")
    require_quiet(held)
    held.not_before = Now()
    held.tries = 0
    detail: dict[str, object] = {"job": held.pk, "attempt": held.attempt}
    if by:
        if held.wire_hash:
            held.wire_hash = next(steering.wire_hashes(held.connection, held))
        calls = signing.accepted_calls(held)
        detail |= signing.signed(held, event="export.resumed", by=by, calls=calls)
    held.save(update_fields=["not_before", "tries", "wire_hash"])
    record("export.resumed", locked, by, detail)
    tasks.wake(held.connection_id)
    return held
