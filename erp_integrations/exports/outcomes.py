"""A delivery's outcome changes the job, its calls, the ledger, and the project's badge.

Each function is one transaction in the lock order Commitment, Submission, Connection,
ExportJob, and refuses a worker whose lease is lost (docs/architecture.md, sections 4.2 and 6.2).
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from commitments.locks import set_accounting_status
from commitments.models import Badge, Commitment, Lock
from commitments.services import set_exported_status
from directory import history
from directory.db.leases import LeaseEnd, LeaseLost, get_lease_duration
from directory.db.prepared import Parameter, PreparedQuery, PreparedUpdate
from directory.models import User
from erp_integrations import alarms
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
from erp_integrations.checks import leftovers
from erp_integrations.connections import circuit_breaker
from erp_integrations.events import ErpEvent
from erp_integrations.exports import ledger
from erp_integrations.models import (
    CallState,
    Connection,
    ConnectionState,
    ExportCall,
    ExportJob,
    GuidPolicy,
    JobStatus,
    Submission,
    Verification,
    WireAttempt,
)
from erp_integrations.snapshots import Purpose

LOST_RIGHT = "the approver lost the right"


@transaction.atomic(savepoint=False)
def record_outcome(job: ExportJob, entry: WireAttempt, outcome: Outcome) -> None:
    """Write what became of one call, and what follows for the job. Raises LeaseLost.

    Of an answer that changes nothing else, only the job is locked, by beginning its lease anew.
    """
    call = entry.call
    if isinstance(outcome, Accepted):
        circuit_breaker.close_circuit(job.connection)
        start_lease_anew(job)
    else:
        job = lock_leased_job(job)
    if isinstance(outcome, Unauthorised) and outcome.errors and ledger.has_later_accepted_call(call):
        outcome = Refused(outcome.errors, outcome.reply)
    save_answer(entry=entry.pk, **build_answer(outcome))
    match outcome:
        case Accepted():
            call.state = CallState.WRITTEN
        case Refused():
            call.state = CallState.REFUSED
        case Unknown():
            call.state = CallState.UNKNOWN
        case Unauthorised() | Unusable() | NotSent():
            call.state = call.unsent_state
    set_call_state(call=call.pk, state=call.state)
    if not isinstance(outcome, Accepted):
        handle_failure(job, f"{call.title}: {describe_outcome(outcome)}", outcome, call)


def build_answer(outcome: Outcome) -> dict[str, object]:
    return {
        "outcome": type(outcome).__name__.lower(),
        "reason": describe_outcome(outcome),
        "reply": "" if isinstance(outcome, NotSent | Unusable) else outcome.reply,
        "status": outcome.status or None if isinstance(outcome, Unknown) else None,
    }


def start_lease_anew(job: ExportJob) -> None:
    """Begin the job's lease anew, and lock it until the transaction ends. Raises LeaseLost."""
    if not update_lease(job=job.pk, attempt=job.attempt, duration=get_lease_duration()):
        raise LeaseLost


@PreparedUpdate
def update_lease(
    job: Parameter, attempt: Parameter, duration: Parameter
) -> tuple[QuerySet[ExportJob], dict[str, object]]:
    exporting = ExportJob.objects.filter(pk=job, attempt=attempt, status=JobStatus.EXPORTING)
    return exporting, {"lease_until": LeaseEnd(duration)}


@PreparedUpdate
def save_answer(
    entry: Parameter, outcome: Parameter, reason: Parameter, reply: Parameter, status: Parameter
) -> tuple[QuerySet[WireAttempt], dict[str, object]]:
    result = {"outcome": outcome, "reason": reason, "reply": reply, "status": status}
    return WireAttempt.objects.filter(pk=entry), {"finished_at": Now(), **result}


@PreparedUpdate
def set_call_state(call: Parameter, state: Parameter) -> tuple[QuerySet[ExportCall], dict[str, object]]:
    return ExportCall.objects.filter(pk=call), {"state": state}


@transaction.atomic
def requeue(job: ExportJob, outcome: NotSent | Unusable) -> None:
    """Stop before any call was tried: Spectrum can't be reached, or not be used. Raises LeaseLost."""
    handle_failure(lock_leased_job(job), describe_outcome(outcome), outcome)


@transaction.atomic
def requeue_with_back_off(job: ExportJob, fault: str) -> None:
    """Stop before any call was tried, because the connection lacks something. Raises LeaseLost."""
    job = lock_leased_job(job)
    job.tries -= 1
    requeue_after(job, fault, delay=circuit_breaker.start_back_off(job.connection, fault))


@transaction.atomic
def requeue_unsent(job: ExportJob, entry: WireAttempt, fault: str) -> None:
    """The intent of a call was stored, and it provably did not leave: the connection lacks something.

    Raises LeaseLost."""
    job = lock_leased_job(job)
    entry.finished_at, entry.outcome, entry.reason = Now(), "notsent", fault
    entry.save(update_fields=["finished_at", "outcome", "reason"])
    entry.call.state = entry.call.unsent_state
    entry.call.save(update_fields=["state"])
    job.tries -= 1
    requeue_after(job, fault, delay=circuit_breaker.start_back_off(job.connection, fault))


@transaction.atomic
def fail(job: ExportJob, problem: str) -> None:
    """End a delivery that must not go on, because of what we found ourselves. Raises LeaseLost."""
    handle_failure(lock_leased_job(job), problem, NotSent(problem, transient=False))


@transaction.atomic
def release(job: ExportJob) -> None:
    """Stop between two calls because the worker was told to: another goes on at once, and no
    try is used up. Raises LeaseLost."""
    job = lock_leased_job(job)
    job.tries -= 1
    requeue_after(job, "The worker was stopped between two calls.", delay=timedelta(0))


@transaction.atomic
def record_synced(job: ExportJob, *, answered: tuple[WireAttempt, Accepted] | None = None) -> None:
    """Every call is written, of which this is the last one's answer: synced, and to be read back where that
    is possible. Raises LeaseLost, with the answer also where somebody else has the commitment under lock."""
    commitment = job.submission.commitment
    if answered and not list_unlocked_commitments(commitment=commitment.pk):
        raise LeaseLost
    verification: str = Verification.NOT_CONFIGURED
    if job.connection.has_read_back:
        verification = Verification.PENDING
    elif job.verification == Verification.ATTESTED:
        verification = job.verification
    lag = timedelta(seconds=settings.READ_BACK_LAG_SECONDS)
    record_in_project(job)
    if answered:
        record_outcome(job, *answered)
    if not save_synced(job=job.pk, attempt=job.attempt, verification=verification, lag=lag):
        raise LeaseLost
    record_export_event(job, ErpEvent.EXPORT_SYNCED, {"status": JobStatus.SYNCED.value, "problem": ""})


@PreparedQuery
def list_unlocked_commitments(commitment: Parameter) -> QuerySet[Commitment, int]:
    commitments = Commitment.objects.select_for_update(skip_locked=True).filter(pk=commitment)
    return commitments.values_list("pk", flat=True)


@PreparedUpdate
def save_synced(
    job: Parameter, attempt: Parameter, verification: Parameter, lag: Parameter
) -> tuple[QuerySet[ExportJob], dict[str, object]]:
    seen = {"verification": verification, "verify_after": LeaseEnd(lag)}
    ended = {"status": JobStatus.SYNCED, "synced_at": Now(), "lease_until": None, "problem": ""}
    return ExportJob.objects.filter(pk=job, attempt=attempt, status=JobStatus.EXPORTING), {**ended, **seen}


@transaction.atomic
def release_stalled(job_id: int) -> None:
    """A worker died or froze in the middle: say what is known, and no more.

    A call that was being sent is unknown, and then nothing goes on by itself. Otherwise
    what is left of the calls provably never left us, so it is taken up again at once.
    """
    job = lock_job_and_parents(job_id)
    if not ExportJob.objects.stalled().filter(pk=job_id).exists():
        return
    if not end_interrupted_call(job, "the worker stopped while it was being sent."):
        requeue_after(job, "The worker stopped between two calls.", delay=timedelta(0))


@transaction.atomic
def fail_unexpectedly(job: ExportJob) -> None:
    """A mistake of ours ended a delivery in the middle; as for a dead worker, but with a pause
    and a limit. Raises LeaseLost."""
    job = lock_leased_job(job)
    if not end_interrupted_call(job, "Ledgergate stopped with an error while it was being sent."):
        problem = "Ledgergate stopped with an error. See its log."
        handle_failure(job, problem, NotSent(problem, internal_error=True))


@transaction.atomic
def revoke_acceptance(job_id: int, problem: str = LOST_RIGHT) -> None:
    """Take an acceptance back that does not count any more, or never did; nothing was written of it."""
    job = lock_job_and_parents(job_id)
    if job.status == JobStatus.QUEUED and not ledger.has_written_call(job):
        accepted_by = job.submission.decided_by_id
        undo_acceptance(job)
        record_export_event(job, ErpEvent.SUBMISSION_RETURNED, {"accepted_by": accepted_by, "why": problem})


def undo_acceptance(job: ExportJob) -> None:
    """Cancel a queued job of which nothing was written: its submission awaits a decision again.

    The caller holds the locks and writes the history.
    """
    job.set_status(JobStatus.CANCELLED)
    job.save()
    job.submission.undo_acceptance()
    job.submission.save_decision()
    leftovers.release_erp_id(job.submission.commitment)
    set_badge(job.submission, Badge.AWAITING)


def record_export_event(
    job: ExportJob, event: ErpEvent, detail: dict[str, object], *, by: User | None = None
) -> None:
    """History of a delivery, kept with the submission; the system itself did it, or a person."""
    detail = {"job": job.pk, "attempt": job.attempt, **detail}
    history.record(event=event, subject=job.submission, by=by, company=job.submission.company, detail=detail)


def lock_job_and_parents(job_id: int) -> ExportJob:
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
    connection = Connection.objects.lock(ids["connection_id"])
    job = ExportJob.objects.select_for_update().get(pk=job_id)
    submission.commitment = commitment
    job.submission, job.connection = submission, connection
    return job


def lock_leased_job(job: ExportJob) -> ExportJob:
    row = lock_job_and_parents(job.pk)
    if (row.status, row.attempt) != (JobStatus.EXPORTING, job.attempt):
        raise LeaseLost
    return row


def end_interrupted_call(job: ExportJob, message: str) -> bool:
    """A call was being sent; then nobody knows what became of it, and the job is unknown."""
    call = job.list_current_calls().filter(state=CallState.SENDING).first()
    if call is None:
        return False
    call.state = CallState.UNKNOWN
    call.save(update_fields=["state"])
    set_job_status(job, JobStatus.UNKNOWN, f"{call.title}: {message}", event=ErpEvent.EXPORT_UNKNOWN)
    return True


def handle_failure(
    job: ExportJob,
    problem: str,
    outcome: Refused | Unauthorised | Unusable | NotSent | Unknown,
    call: ExportCall | None = None,
) -> None:
    """Where the job stands after a call that did not succeed."""
    match outcome:
        case Unknown():
            # A site that changed answers so to everything: it is looked at again before the next call.
            ConnectionState.objects.filter(pk=job.connection_id).update(descriptions_checked_at=None)
            set_job_status(job, JobStatus.UNKNOWN, problem, event=ErpEvent.EXPORT_UNKNOWN)
        case SessionOver() if job.connection.guid_policy == GuidPolicy.NEW and not has_expired_session_before(
            job, call
        ):
            # The next claim, which follows at once, makes a new one.
            job.tries -= 1
            job.guid = None
            requeue_after(job, problem, delay=timedelta(0))
        # The connection's fault, not the document's: everything on it waits, and no try is used up.
        case Unauthorised():
            job.tries -= 1
            if isinstance(outcome, SessionOver):
                job.guid = None
            requeue_after(
                job, problem, delay=circuit_breaker.start_back_off(job.connection, describe_outcome(outcome))
            )
        case Unusable(can_accept_wsdl=adoptable):
            job.tries -= 1
            circuit_breaker.open_circuit(job.connection, describe_outcome(outcome), adoptable=adoptable)
            requeue_after(job, problem, delay=circuit_breaker.LONGEST_BACK_OFF)
        case NotSent(transient=True, internal_error=False):
            job.tries -= 1
            requeue_after(
                job, problem, delay=circuit_breaker.open_circuit(job.connection, describe_outcome(outcome))
            )
        case NotSent(transient=True) | Refused(transient=True) if job.tries < settings.EXPORT_MAX_TRIES:
            requeue_after(job, problem, delay=circuit_breaker.get_back_off(job.tries))
        case NotSent() | Refused():
            # What Spectrum says no to, the project must mend.
            refused = isinstance(outcome, Refused) and not outcome.transient
            status, event = JobStatus.FAILED, ErpEvent.EXPORT_FAILED
            if ledger.has_written_call(job):
                status, event = JobStatus.INCOMPLETE, ErpEvent.EXPORT_INCOMPLETE
            set_job_status(job, status, problem, event=event, notify_sender=refused)


def has_expired_session_before(job: ExportJob, call: ExportCall | None) -> bool:
    """The session of the attempt before this one was over too: a new one does not help."""
    before = WireAttempt.objects.filter(call=call, attempt=job.attempt - 1)
    return before.filter(outcome=SessionOver.__name__.lower()).exists()


def requeue_after(job: ExportJob, problem: str, *, delay: timedelta) -> None:
    """To be taken up again by itself: queued, or incomplete when something is written."""
    status = JobStatus.INCOMPLETE if ledger.has_written_call(job) else JobStatus.QUEUED
    job.not_before = Now() + delay
    set_job_status(job, status, problem, event=ErpEvent.EXPORT_PUT_OFF)


def set_job_status(
    job: ExportJob,
    status: JobStatus,
    problem: str,
    *,
    event: ErpEvent,
    by: User | None = None,
    detail: dict[str, object] | None = None,
    notify_sender: bool = False,
) -> None:
    """Leave ``exporting`` or ``unknown``: the lease ends, the badge follows, the history says why.

    Where it waits for a person from now on, an alarm is raised.
    """
    job.set_status(status)
    job.lease_until = None
    job.problem = problem
    if status == JobStatus.UNKNOWN:
        # Looked at again when the quiet period is over; by a person where nothing can be read back.
        job.unknown_since = Now()
        job.quiet_until = job.not_before = Now() + timedelta(seconds=settings.QUIET_PERIOD_SECONDS)
    job.save()
    submission = job.submission
    if status == JobStatus.SYNCED:
        record_in_project(job)
    else:
        set_badge(submission, BADGES[status])
    needs_person = status == JobStatus.FAILED or (status == JobStatus.INCOMPLETE and job.not_before is None)
    if needs_person or job.needs_manual_resolution:
        alarms.create_alarm(job, problem, tells_sender=notify_sender)
    entry: dict[str, object] = {"status": status.value, "problem": problem, **(detail or {})}
    if status == JobStatus.FAILED:
        entry["wrote"] = not ledger.is_unwritten(job)
    record_export_event(job, event, entry, by=by)


def set_badge(
    submission: Submission, badge: Badge, *, lock: Lock | None = None, erp_id: str | None = None
) -> None:
    """Badge, lock and ERP ID are the record's: a status that waits, fails or is written changes none."""
    if submission.purpose == Purpose.WHOLE:
        set_accounting_status(submission.commitment, badge=badge, lock=lock, erp_id=erp_id)


def record_in_project(job: ExportJob) -> None:
    """All of it is written: the record is Spectrum's, or its status has moved."""
    submission = job.submission
    set_badge(submission, Badge.SYNCED, lock=Lock.EXPORTED, erp_id=job.erp_id)
    if submission.new_status:
        commitment = Commitment.objects.select_for_update(of=("self",)).get(pk=submission.commitment_id)
        set_exported_status(commitment, submission.new_status)


VERIFIED_BADGES: dict[str, Badge] = {
    Verification.DIFFERS: Badge.SYNCED_WITH_DIFFERENCES,
    Verification.ABSENT: Badge.NEEDS_ATTENTION,
    Verification.ELSEWHERE: Badge.NEEDS_ATTENTION,
}
"""Of what is synced, until somebody has seen it; all others stay plainly so."""


def get_synced_badge(job: ExportJob) -> Badge:
    if job.deviates and job.seen_at:
        return Badge.SYNCED_WITH_DIFFERENCES
    return VERIFIED_BADGES.get(job.verification, Badge.SYNCED)


BADGES: dict[str, Badge] = {
    JobStatus.QUEUED: Badge.EXPORTING,
    JobStatus.INCOMPLETE: Badge.NEEDS_ATTENTION,
    JobStatus.FAILED: Badge.FAILED,
    JobStatus.UNKNOWN: Badge.NEEDS_ATTENTION,
}


def describe_outcome(outcome: Outcome) -> str:
    """The ERP's words, or the wire's; for people."""
    match outcome:
        case Accepted():
            return ""
        case Refused(errors=errors):
            return "; ".join(f"{error.column or error.code}: {error.text or 'no text'}" for error in errors)
        case Unauthorised() | Unusable() | NotSent() | Unknown():
            return outcome.reason
