"""The worker's half: claim a job, send its calls one by one, record what became of each.

The database is the truth and its clock decides about leases. No transaction is open while
the wire is used. Before each call its intent is stored and both leases are renewed; a
result is written only by the worker whose attempt number the row still has. What to do
after a fault stands in ``outcomes.py``.
"""

import logging
import socket
import time
import uuid
from collections.abc import Sequence
from itertools import zip_longest

from django.conf import settings
from django.db import Error, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from directory.db.database_errors import is_database_unreachable, is_transient_error
from directory.db.leases import LeaseEnd, LeaseLost, get_lease_duration, get_lease_end, stopping
from directory.db.prepared import Parameter, PreparedQuery, PreparedUpdate
from directory.rights import approvers
from directory.rights.permissions import find_company_membership
from erp_integrations import signing
from erp_integrations.adapters.base import (
    Accepted,
    Adapter,
    MovedRecord,
    NotFound,
    NotSent,
    Outcome,
    SessionOver,
    StoredRecord,
    Unavailable,
    Unusable,
)
from erp_integrations.adapters.registry import build_sending_adapter, get_job_key, get_longest_send, to_call
from erp_integrations.checks import moved_records, preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.confirmations import controlled_settings
from erp_integrations.connections import watermark
from erp_integrations.events import ErpEvent
from erp_integrations.exports import (
    existing_record,
    ledger,
    outcomes,
    unknown,
    verification,
)
from erp_integrations.models import (
    CallState,
    Connection,
    ConnectionState,
    ExportCall,
    ExportJob,
    Heartbeat,
    JobStatus,
    SnapshotUnreadable,
    WireAttempt,
)
from erp_integrations.models.connection_state import ConnectionStateQuerySet

logger = logging.getLogger(__name__)

SWEEP = "sweep"
# After so many jobs, or seconds, the worker lets another connection have its turn.
JOBS_PER_TURN = 20
TURN_SECONDS = 30.0
LONGEST_PAUSE = 1.0  # seconds between two attempts to write down an answer


def export_due_jobs(connection_id: int) -> bool:
    """Export what is due on a connection, as its only writer; whether more is due now.

    False also when another worker holds the connection: that one, or the next poll, sees to it.
    """
    if watermark.pause_if_outdated():
        return False
    fencing_token = claim_connection(connection_id)
    if fencing_token is None:
        return False
    end = time.monotonic() + TURN_SECONDS
    try:
        for _ in range(JOBS_PER_TURN):
            if (
                stopping.is_set()
                or time.monotonic() > end
                or not export_next_job(connection_id, fencing_token)
            ):
                break
    except LeaseLost:
        logger.warning("Connection %s was taken over by another worker", connection_id)
    finally:
        # Also when something of ours broke: the lease must not outlive the turn.
        release_connection(connection_id, fencing_token)
    return list_due_connections().filter(pk=connection_id).exists()


def run_sweep() -> list[int]:
    """Take up what dead workers left and what nobody may export; which connections have something due.

    One job that breaks it down does not keep it from the others.
    """
    for job_ids, release in (
        (ExportJob.objects.stalled(), outcomes.release_stalled),
        (ExportJob.objects.lacking_approval_right(), outcomes.revoke_acceptance),
    ):
        for job_id in job_ids.values_list("pk", flat=True):
            try:
                release(job_id)
            except Exception as error:
                if is_database_unreachable(error):
                    raise
                logger.exception("The sweep could not take up export job %s", job_id)
    record_heartbeat(SWEEP)
    return list(list_due_connections().values_list("pk", flat=True))


def record_heartbeat(name: str) -> None:
    """A sign of life, for the health checks."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )


def list_due_connections() -> ConnectionStateQuerySet:
    """Those that a worker may take now, the longest waiting first."""
    oldest = ExportJob.objects.due().filter(connection=OuterRef("pk")).order_by("not_before")
    waiting = Subquery(oldest.values("not_before")[:1])
    connections = ConnectionState.objects.unleased().available().annotate(waiting_since=waiting)
    return connections.exclude(waiting_since=None).order_by("waiting_since")


def claim_connection(connection_id: int) -> int | None:
    """The token of a new lease, or None when the connection is leased, resting, or has nothing due."""
    holder = f"{socket.gethostname()[:30]}/{uuid.uuid4().hex[:12]}"
    claimed = list_due_connections().filter(pk=connection_id).claim(lease_holder=holder)
    return claimed.lease_attempt if claimed else None


def release_connection(connection_id: int, fencing_token: int) -> None:
    ConnectionState.objects.filter(pk=connection_id, lease_attempt=fencing_token).update(
        lease_holder="", lease_until=None
    )


def export_next_job(connection_id: int, fencing_token: int) -> bool:
    """Deliver one due job of the connection; False when there is none."""
    due = list_due_jobs(connection=connection_id)
    while due and (job := claim_job(due[0], connection_id, fencing_token)):
        try:
            # One whose session was over goes on at once, under a new one.
            if not isinstance(send_calls(job, fencing_token), SessionOver):
                break
        except LeaseLost:
            raise
        except Exception as error:
            if is_database_unreachable(error):
                raise  # the lease runs out, and the sweep says what is known
            # A mistake of ours must not stop the others behind it, nor be tried for ever.
            logger.exception("Export job %s broke down", job.pk)
            outcomes.fail_unexpectedly(job)
            break
    return bool(due)


@PreparedQuery
def list_due_jobs(connection: Parameter) -> QuerySet[ExportJob, int]:
    available = ConnectionState.objects.available()
    due = ExportJob.objects.due().filter(connection=connection, connection__state__in=available)
    return due.order_by("not_before", "pk").values_list("pk", flat=True)[:1]


def find_acceptance_problem(job: ExportJob) -> str:
    """Why an acceptance does not count, as words after "because"; blank if it does.

    Started exports finish; those of which nothing was written need the right to this day.
    """
    if job.calls.filter(state=CallState.WRITTEN).exists():
        return ""
    decisions = signing.read_decisions(job)
    why = signing.describe_missing_signature(job, decisions)
    if why in (signing.ACCEPTED_BEFORE_SIGNING, signing.NOT_SIGNED):
        return why
    if not why and signing.find_signed_decider(job, decisions) != job.submission.decided_by_id:
        return signing.NOT_SIGNED
    submission = job.submission
    membership = find_company_membership(submission.decided_by_id, submission.company_id)
    if membership is None or not membership.can_decide:
        return outcomes.LOST_RIGHT
    return "" if approvers.is_grant_signed(membership) else signing.NOT_GRANTED


def claim_job(job_id: int, connection_id: int, fencing_token: int) -> ExportJob | None:
    """The job as this worker's own; None if it is not to be exported now.

    A pause may have come since it was looked at. An acceptance that does not count is taken back.
    """
    with transaction.atomic():
        connection = Connection.objects.lock(connection_id)
        if connection.state.lease_attempt != fencing_token:
            raise LeaseLost
        found = list_claimable(job=job_id)
        if not found:
            return None
        (job,) = found
        if not (problem := find_acceptance_problem(job)):
            job.set_status(JobStatus.EXPORTING)
            job.attempt += 1
            job.tries += 1
            job.not_before = None
            job.guid = job.guid or uuid.uuid4()
            job.lease_until = get_lease_end()
            job.save()
            outcomes.record_export_event(job, ErpEvent.EXPORT_STARTED, {})
            return job
    outcomes.revoke_acceptance(job_id, problem)
    return None


@PreparedQuery
def list_claimable(job: Parameter) -> QuerySet[ExportJob]:
    return (
        ExportJob.objects.due()
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("connection__settings", "connection__credentials", "connection__state")
        .select_related("submission__company", "submission__commitment")
        .filter(pk=job, connection__state__in=ConnectionState.objects.available())
    )


def send_calls(job: ExportJob, fencing_token: int) -> Outcome | None:
    """Send the calls that are not written yet, in order, until one does not succeed; its outcome, or None."""
    if job.tries > settings.EXPORT_MAX_TRIES:
        outcomes.fail(job, f"Given up after {settings.EXPORT_MAX_TRIES} tries. The last one: {job.problem}")
        return None
    # Those that are looked at are sent, whatever the database says a moment later.
    calls = list(job.list_current_calls())
    problem = find_change_since_accept(job) or ledger.find_altered_call(job, calls)
    if problem := problem or ledger.find_repeated_reply(job):
        outcomes.fail(job, problem)
        return None
    adapter = build_sending_adapter(job)
    if isinstance(adapter, NotSent | Unusable):
        outcomes.requeue(job, adapter)
        return None
    if problem := find_closed_references(job, adapter):
        outcomes.fail(job, problem)
        return None
    found = read_back_before_sending(job, adapter)
    if found is None:
        return None
    entries = [
        WireAttempt(
            call=call,
            attempt=job.attempt,
            payload_hash=call.payload_hash,
            was_absent=unknown.is_absent(adapter, to_call(call), found),
        )
        for call in calls
        if call.state != CallState.WRITTEN
    ]
    longest_delay = settings.EXPORT_LEASE_SECONDS - get_longest_send(job.connection)
    has_followed = False
    for entry, following in zip_longest(entries, entries[1:]):
        if not has_followed:
            if stopping.is_set():
                outcomes.release(job)
                return None
            until = time.monotonic() + longest_delay
            start_call(job, entry, fencing_token)
        if entry is entries[0] and (problem := watermark.write_mark(entry)):
            outcomes.requeue_unsent(job, entry, problem)
            return None
        outcome = adapter.send_call(to_call(entry.call), until=until)
        until = time.monotonic() + longest_delay
        has_followed = record_outcome_and_follow(job, entry, outcome, following, fencing_token)
        if not isinstance(outcome, Accepted):
            return outcome
    if not has_followed:
        outcomes.record_synced(job)
    return None


def record_outcome_and_follow(
    job: ExportJob, entry: WireAttempt, outcome: Outcome, following: WireAttempt | None, fencing_token: int
) -> bool:
    """Write down what became of a call, and whether what follows stands in the same transaction.

    That is the intent of the next call, or after the last one that the job is synced. Where it may not
    follow, the outcome stands alone: nothing takes it with it.
    """
    if isinstance(outcome, Accepted) and not (following and stopping.is_set()):
        try:
            if following:
                start_call(job, following, fencing_token, answered=(entry, outcome))
            else:
                outcomes.record_synced(job, answered=(entry, outcome))
            return True
        except Exception as error:
            logger.warning("Export job %s: what follows an answer was not recorded: %r", job.pk, error)
    record_outcome_with_retry(job, entry, outcome)
    return False


def record_outcome_with_retry(job: ExportJob, entry: WireAttempt, outcome: Outcome) -> None:
    """Write down what became of a call, through a cut or a restart of the database.

    This process alone knows the answer, so it tries for as long as it holds the lease. A
    cut may hide that the first try was committed: the second then writes the same, or finds
    that the job is not its own any more and raises LeaseLost.
    """
    until = time.monotonic() + settings.EXPORT_LEASE_SECONDS
    pause = 0.0
    while True:
        try:
            outcomes.record_outcome(job, entry, outcome)
            return
        except Error as error:
            if not is_transient_error(error) or time.monotonic() + pause > until:
                raise
            logger.warning("Export job %s: the database can't take an answer of Spectrum's", job.pk)
            time.sleep(pause)
            pause = LONGEST_PAUSE


def start_call(
    job: ExportJob,
    entry: WireAttempt,
    fencing_token: int,
    *,
    answered: tuple[WireAttempt, Accepted] | None = None,
) -> None:
    """Renew both leases and write the ledger, after the answer to the call before. Raises LeaseLost.

    The answer waits for nobody: where somebody else has the connection's state or the call under lock,
    nothing is written, as without the lease. Where a cut hid that this was committed, it writes the same once
    more: the call has not left.
    """
    with transaction.atomic():
        if answered and not list_unlocked_calls(call=entry.call_id, fencing_token=fencing_token):
            raise LeaseLost
        lease = {"fencing_token": fencing_token, "duration": get_lease_duration()}
        if not update_connection_lease(connection=job.connection_id, **lease):
            raise LeaseLost
        if answered:
            outcomes.record_outcome(job, *answered)
        else:
            ExportJob.objects.renew(job)
        outcomes.set_call_state(call=entry.call_id, state=CallState.SENDING)
        entry.save()


@PreparedQuery
def list_unlocked_calls(call: Parameter, fencing_token: Parameter) -> QuerySet[ExportCall]:
    calls = ExportCall.objects.filter(pk=call, job__connection__state__lease_attempt=fencing_token)
    calls = calls.select_related("job__connection__state")
    return calls.select_for_update(of=("job__connection__state", "self"), skip_locked=True)


@PreparedUpdate
def update_connection_lease(
    connection: Parameter, fencing_token: Parameter, duration: Parameter
) -> tuple[ConnectionStateQuerySet, dict[str, object]]:
    claimed = ConnectionState.objects.filter(pk=connection, lease_attempt=fencing_token)
    return claimed, {"lease_until": LeaseEnd(duration)}


def find_change_since_accept(job: ExportJob) -> str:
    """A change of what the approver saw, as a sentence; blank if there is none.

    What has begun goes on whatever the links say by now, but nowhere else and in no other way.
    """
    if job.wire_hash not in ("", *controlled_settings.hash_wire_settings(job.connection, job)):
        return (
            "The connection's settings have changed since this was accepted. An approver has to "
            "check it again."
        )
    if job.calls.filter(state=CallState.WRITTEN).exists():
        return ""
    try:
        basis = build_basis(job.submission.document)
    except SnapshotUnreadable as error:
        return str(error)
    if basis.is_bound_by(job):
        return ""
    if basis.is_bound_by(job, except_bound=True):
        return (
            f"What would be written to Spectrum is no longer what was accepted: {', '.join(basis.bound)}. "
            "Check it again and retry if it is right."
        )
    return (
        "Changed since it was accepted: the vendor link, the job link, the connection, or "
        "Spectrum's master data for them."
    )


def find_closed_references(job: ExportJob, adapter: Adapter) -> str:
    """Spectrum's refusal by now of vendor, job and phases, before anything is written of the job.

    Blank where nobody can look: Spectrum itself has the last word.
    """
    if not adapter.has_read_back or ledger.has_possible_write_under_key(job):
        return ""
    basis = build_basis(job.submission.document)
    now = adapter.read_current_references(basis.references)
    if isinstance(now, Unavailable):
        return ""
    return " ".join(
        each.sentence for each in preflight.list_blocking(adapter.check_references(basis.document, now))
    )


def read_back_before_sending(
    job: ExportJob, adapter: Adapter
) -> StoredRecord | NotFound | Unavailable | None:
    """The record under our key before anything is written, where there is none or our own ledger has it.

    Spectrum would overwrite somebody else's record without a word. None, with the job ended or put off,
    where it may not go on.
    """
    found = adapter.find_record(get_job_key(job))
    if not adapter.has_read_back:
        return found
    other_job = moved_records.find_other_job(job, found)
    is_absent = isinstance(found, NotFound) or bool(other_job)
    moved: tuple[MovedRecord, ...] | Unavailable = moved_records.find_moved_records(job) if is_absent else ()
    match moved or found:
        case Unavailable(reason=reason):
            outcomes.requeue_with_back_off(
                job, f"Nothing was sent, because the ERP ID can't be checked: {reason}"
            )
            return None
        case StoredRecord() as record if problem := find_overwrite_problem(job, adapter, record):
            outcomes.fail(job, problem)
            return None
        case (MovedRecord(), *_) as records:
            # An incomplete one can be followed there; its page offers that.
            own_row = ExportJob.objects.filter(pk=job.pk, attempt=job.attempt)
            certain = [record for record in records if record.is_certain]
            own_row.update(differences=verification.to_differences_column(certain))
            outcomes.fail(job, describe_moved_records(job, certain or records, other_job))
            return None
        case NotFound() if is_written_part_gone(job, adapter):
            outcomes.fail(
                job,
                "What was written is not in Spectrum any more: there is no "
                f"{job.record_name}. {NOTHING_MORE_SENT}",
            )
            return None
    return found


NOTHING_MORE_SENT = (
    "Nothing more is sent. Find it in Spectrum and restore it there, or unlink it if it was deleted."
)


def is_written_part_gone(job: ExportJob, adapter: Adapter) -> bool:
    """An absence shows that what was written was taken away: lines would go to a key without header.

    What was answered within the lag of the read-back may not show yet.
    """
    written = (call for call, is_written in unknown.list_planned_calls(job) if is_written)
    return any(map(adapter.can_read_back, written)) and not ledger.is_within_read_back_lag(job)


def describe_moved_records(job: ExportJob, records: Sequence[MovedRecord], other_job: str) -> str:
    """Why nothing is written to a key where the record, or what may be it, stands under another."""
    there = "; or ".join(record.sentence for record in records)
    may = "" if records[0].is_certain else "may "
    instead = f"Another contract, of job {other_job}, is now under {job.record_name}. " if other_job else ""
    if not job.calls.filter(state=CallState.WRITTEN).exists():
        return (
            f"{instead}Spectrum {'may already have' if may else 'already has'} it as {there}; it would be "
            "there twice. If that is a different record, say so when you accept it again."
        )
    if may:
        return f"{instead}What was written is not there; it may now be {there}. {NOTHING_MORE_SENT}"
    return f"{instead}It was moved in Spectrum to {there}. Follow the move, then resume."


def find_overwrite_problem(job: ExportJob, adapter: Adapter, record: StoredRecord) -> str:
    """Why a record under our key must not be written to; empty when it is ours to go on with."""
    if (other_job := moved_records.find_other_job(job, record)) and ledger.has_possible_write_under_key(job):
        return (
            f"What was written is not there: {job.record_name} is now another contract, of job "
            f"{other_job}. {NOTHING_MORE_SENT}"
        )
    if not ledger.has_possible_write_under_key(job):
        calls = [call for call, _ in unknown.list_planned_calls(job)]
        existing = existing_record.compare_record(adapter, get_job_key(job), calls, record)
        return f"{existing.sentence} {existing.advice}"
    differences = unknown.find_overwrites(
        adapter, unknown.list_planned_calls(job), ledger.list_earlier_calls(job), record
    )
    if not differences:
        return ""
    return (
        f"Spectrum has something other than what was written from here, and it would be overwritten. "
        f"Differences: {existing_record.format_differences(differences)}. Correct it there, then resume."
    )
