"""What a delivery's outcome changes: the job, its calls, the ledger, the project's badge.

Each function is one transaction in the lock order Commitment, Submission, Connection,
ExportJob, and refuses a worker whose lease is lost (docs/architecture.md, sections 4.2 and 6.2).
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from commitments import services as commitments
from commitments.models import Badge, Commitment, Lock
from directory import history
from directory.models import User
from erp_integrations.adapters.base import (
    Accepted,
    NotSent,
    Outcome,
    Refused,
    SessionOver,
    Unauthorised,
    Unknown,
    Unusable,
)
from erp_integrations.attention import alarms
from erp_integrations.connections import faults
from erp_integrations.delivery import ledger
from erp_integrations.findings import remains
from erp_integrations.models import (
    CallState,
    Connection,
    ExportCall,
    ExportJob,
    GuidPolicy,
    JobStatus,
    Submission,
    Verification,
    WireAttempt,
)

LOST_RIGHT = "the approver lost the right"


class LeaseLost(Exception):
    """This worker was too slow: the row is not its own any more. It may change nothing."""


@transaction.atomic
def settle(job: ExportJob, call: ExportCall, entry: WireAttempt, outcome: Outcome) -> None:
    """Write what became of one call, and what follows for the job. Raises LeaseLost."""
    held = _lock_mine(job)
    if isinstance(outcome, Unauthorised) and outcome.errors and ledger.others_are_let_in(call):
        outcome = Refused(outcome.errors, outcome.reply)
    entry.finished_at = Now()
    entry.outcome = type(outcome).__name__.lower()
    entry.reason = _reason(outcome)
    entry.reply = "" if isinstance(outcome, NotSent | Unusable) else outcome.reply
    entry.status = outcome.status or None if isinstance(outcome, Unknown) else None
    entry.save(update_fields=["finished_at", "outcome", "reason", "reply", "status"])
    match outcome:
        case Accepted():
            call.state = CallState.WRITTEN
        case Refused():
            call.state = CallState.REFUSED
        case Unknown():
            call.state = CallState.UNKNOWN
        case Unauthorised() | Unusable() | NotSent():
            call.state = call.unsent_state
    call.save(update_fields=["state"])
    if isinstance(outcome, Accepted):
        faults.recover(held.connection)
    else:
        _stop(held, f"{call.title}: {_reason(outcome)}", outcome, call)


@transaction.atomic
def put_off(job: ExportJob, outcome: NotSent | Unusable) -> None:
    """Stop before any call was tried: Spectrum can't be reached, or not be used. Raises LeaseLost."""
    _stop(_lock_mine(job), _reason(outcome), outcome)


@transaction.atomic
def rest(job: ExportJob, fault: str) -> None:
    """Stop before any call was tried, because the connection lacks something. Raises LeaseLost."""
    held = _lock_mine(job)
    held.tries -= 1
    _wait(held, fault, delay=faults.rest(held.connection, fault))


@transaction.atomic
def could_not_begin(job: ExportJob, call: ExportCall, entry: WireAttempt, fault: str) -> None:
    """The intent of a call was stored, and it provably did not leave: the connection lacks something.

    Raises LeaseLost."""
    held = _lock_mine(job)
    entry.finished_at, entry.outcome, entry.reason = Now(), "notsent", fault
    entry.save(update_fields=["finished_at", "outcome", "reason"])
    call.state = call.unsent_state
    call.save(update_fields=["state"])
    held.tries -= 1
    _wait(held, fault, delay=faults.rest(held.connection, fault))


@transaction.atomic
def fail(job: ExportJob, problem: str) -> None:
    """End a delivery that must not go on, because of what we found ourselves. Raises LeaseLost."""
    _stop(_lock_mine(job), problem, NotSent(problem, passing=False))


@transaction.atomic
def hand_back(job: ExportJob) -> None:
    """Stop between two calls because the worker was told to: another goes on at once, and no
    try is used up. Raises LeaseLost."""
    held = _lock_mine(job)
    held.tries -= 1
    _wait(held, "The worker was stopped between two calls.", delay=timedelta(0))


@transaction.atomic
def finish(job: ExportJob) -> None:
    """Every call is written: synced, and to be read back where that is possible. Raises LeaseLost."""
    held = _lock_mine(job)
    if held.connection.reads_back:
        held.verification = Verification.PENDING
        held.verify_after = Now() + timedelta(seconds=settings.READ_BACK_LAG_SECONDS)
    elif held.verification != Verification.ATTESTED:
        held.verification = Verification.NOT_CONFIGURED
    held.synced_at = Now()
    end(held, JobStatus.SYNCED, "", event="export.synced")


@transaction.atomic
def take_up_abandoned(job_id: int) -> None:
    """A worker died or froze in the middle: say what is known, and no more.

    A call that was being sent is unknown, and then nothing goes on by itself. Otherwise
    what is left of the calls provably never left us, so it is taken up again at once.
    """
    held = lock(job_id)
    if not ExportJob.objects.abandoned().filter(pk=job_id).exists():
        return
    if not _interrupted(held, "the worker stopped while it was being sent."):
        _wait(held, "The worker stopped between two calls.", delay=timedelta(0))


@transaction.atomic
def break_down(job: ExportJob) -> None:
    """A mistake of ours ended a delivery in the middle; as for a dead worker, but with a pause
    and a limit. Raises LeaseLost."""
    held = _lock_mine(job)
    if not _interrupted(held, "Ledgergate stopped with an error while it was being sent."):
        problem = "Ledgergate stopped with an error; its log says more."
        _stop(held, problem, NotSent(problem, ours=True))


@transaction.atomic
def return_to_awaiting(job_id: int, why: str = LOST_RIGHT) -> None:
    """Take an acceptance back that does not count any more, or never did; nothing was written of it."""
    held = lock(job_id)
    if held.status == JobStatus.QUEUED and not _wrote_something(held):
        accepted_by = held.submission.decided_by_id
        take_back(held)
        record(held, "submission.returned", {"accepted_by": accepted_by, "why": why})


def take_back(held: ExportJob) -> None:
    """Cancel a queued job of which nothing was written: its submission awaits a decision again.

    The caller holds the locks and writes the history.
    """
    held.move_to(JobStatus.CANCELLED)
    held.save()
    held.submission.return_to_awaiting()
    held.submission.save()
    remains.release_erp_id(held.submission.commitment)
    commitments.mark(held.submission.commitment, badge=Badge.AWAITING)


def record(job: ExportJob, event: str, detail: dict[str, object], *, by: User | None = None) -> None:
    """History of a delivery, kept with the submission; the system itself did it, or a person."""
    history.record(
        event=event,
        subject=job.submission,
        by=by,
        company=job.submission.company,
        detail={"job": job.pk, "attempt": job.attempt, **detail},
    )


def is_mine(held: ExportJob, job: ExportJob) -> bool:
    """Whether the row still has the attempt number that ``job`` was claimed with."""
    return held.status == JobStatus.EXPORTING and held.attempt == job.attempt


def lock(job_id: int) -> ExportJob:
    """The job under lock, after everything that comes before it in the lock order."""
    ids = ExportJob.objects.values("submission_id", "submission__commitment_id", "connection_id").get(
        pk=job_id
    )
    commitment = Commitment.objects.select_for_update().get(pk=ids["submission__commitment_id"])
    submission = (
        Submission.objects.select_for_update(of=("self",))
        .select_related("company")
        .get(pk=ids["submission_id"])
    )
    connection = Connection.objects.select_for_update().get(pk=ids["connection_id"])
    held = ExportJob.objects.select_for_update().get(pk=job_id)
    submission.commitment = commitment
    held.submission, held.connection = submission, connection
    return held


def _lock_mine(job: ExportJob) -> ExportJob:
    held = lock(job.pk)
    if not is_mine(held, job):
        raise LeaseLost
    return held


def _wrote_something(job: ExportJob) -> bool:
    return job.calls.filter(state=CallState.WRITTEN).exists()


def _interrupted(job: ExportJob, what: str) -> bool:
    """Whether a call was being sent; then nobody knows what became of it, and the job is unknown."""
    call = job.current_calls().filter(state=CallState.SENDING).first()
    if call is None:
        return False
    call.state = CallState.UNKNOWN
    call.save(update_fields=["state"])
    end(job, JobStatus.UNKNOWN, f"{call.title}: {what}", event="export.unknown")
    return True


def _stop(
    job: ExportJob,
    problem: str,
    outcome: Refused | Unauthorised | Unusable | NotSent | Unknown,
    call: ExportCall | None = None,
) -> None:
    """Where the job stands after a call that did not succeed."""
    match outcome:
        case Unknown():
            # A site that changed answers so to everything: it is looked at again before the next call.
            Connection.objects.filter(pk=job.connection_id).update(descriptions_checked_at=None)
            end(job, JobStatus.UNKNOWN, problem, event="export.unknown")
        case SessionOver() if job.connection.guid_policy == GuidPolicy.NEW and not _was_over(job, call):
            # The next claim, which follows at once, makes a new one.
            job.tries -= 1
            job.guid = None
            _wait(job, problem, delay=timedelta(0))
        # The connection's fault, not the document's: everything on it waits, and no try is used up.
        case Unauthorised():
            job.tries -= 1
            if isinstance(outcome, SessionOver):
                job.guid = None
            _wait(job, problem, delay=faults.rest(job.connection, _reason(outcome)))
        case Unusable(adoptable=adoptable):
            job.tries -= 1
            faults.stop(job.connection, _reason(outcome), adoptable=adoptable)
            _wait(job, problem, delay=faults.LONGEST_BACKOFF)
        case NotSent(passing=True, ours=False):
            job.tries -= 1
            _wait(job, problem, delay=faults.stop(job.connection, _reason(outcome)))
        case NotSent(passing=True) | Refused(passing=True) if job.tries < settings.EXPORT_MAX_TRIES:
            _wait(job, problem, delay=faults.backoff(job.tries))
        case NotSent() | Refused():
            # What Spectrum says no to, the project must mend.
            refused = isinstance(outcome, Refused) and not outcome.passing
            if _wrote_something(job):
                end(job, JobStatus.INCOMPLETE, problem, event="export.incomplete", tells_sender=refused)
            else:
                end(job, JobStatus.FAILED, problem, event="export.failed", tells_sender=refused)


def _was_over(job: ExportJob, call: ExportCall | None) -> bool:
    """Whether the session of the attempt before this one was over too: a new one does not help."""
    before = WireAttempt.objects.filter(call=call, attempt=job.attempt - 1)
    return before.filter(outcome=SessionOver.__name__.lower()).exists()


def _wait(job: ExportJob, problem: str, *, delay: timedelta) -> None:
    """To be taken up again by itself: queued, or incomplete when something is written."""
    status = JobStatus.INCOMPLETE if _wrote_something(job) else JobStatus.QUEUED
    job.not_before = Now() + delay
    end(job, status, problem, event="export.put_off")


def end(
    job: ExportJob,
    status: JobStatus,
    problem: str,
    *,
    event: str,
    by: User | None = None,
    detail: dict[str, object] | None = None,
    tells_sender: bool = False,
) -> None:
    """Leave ``exporting`` or ``unknown``: the lease ends, the badge follows, the history says why.

    Where it waits for a person from now on, an alarm is raised.
    """
    job.move_to(status)
    job.lease_until = None
    job.problem = problem
    if status == JobStatus.UNKNOWN:
        # Looked at again when the quiet period is over; by a person where nothing can be read back.
        job.unknown_since = Now()
        job.quiet_until = job.not_before = Now() + timedelta(seconds=settings.QUIET_PERIOD_SECONDS)
    job.save()
    submission = job.submission
    if status == JobStatus.SYNCED:
        commitments.mark(submission.commitment, badge=Badge.SYNCED, lock=Lock.EXPORTED, erp_id=job.erp_id)
    else:
        commitments.mark(submission.commitment, badge=BADGES[status])
    waits_for_a_person = status == JobStatus.FAILED or (
        status == JobStatus.INCOMPLETE and job.not_before is None
    )
    if waits_for_a_person or job.asks_a_person:
        alarms.raise_for(job, problem, tells_sender=tells_sender)
    told: dict[str, object] = {"status": status.value, "problem": problem, **(detail or {})}
    if status == JobStatus.FAILED:
        told["wrote"] = not ledger.nothing_was_ever_written(job)
    record(job, event, told, by=by)


VERIFIED_BADGES: dict[str, Badge] = {
    Verification.DIFFERS: Badge.SYNCED_WITH_DIFFERENCES,
    Verification.ABSENT: Badge.NEEDS_ATTENTION,
    Verification.ELSEWHERE: Badge.NEEDS_ATTENTION,
}
"""Of what is synced; all others stay plainly so."""
BADGES: dict[str, Badge] = {
    JobStatus.QUEUED: Badge.EXPORTING,
    JobStatus.INCOMPLETE: Badge.NEEDS_ATTENTION,
    JobStatus.FAILED: Badge.FAILED,
    JobStatus.UNKNOWN: Badge.NEEDS_ATTENTION,
}


def _reason(outcome: Outcome) -> str:
    """What the ERP, or the wire, said; for people."""
    match outcome:
        case Accepted():
            return ""
        case Refused(errors=errors):
            return "; ".join(f"{error.column or error.code}: {error.text or 'no words'}" for error in errors)
        case Unauthorised(reason=reason) | Unusable(reason=reason):
            return reason
        case NotSent(reason=reason) | Unknown(reason=reason):
            return reason
