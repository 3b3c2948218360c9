"""The worker's half: claim a job, send its calls one by one, record what became of each.

The database is the truth and its clock decides about leases. No transaction is open while
the wire is used. Before each call its intent is stored and both leases are renewed; a
result is written only by the worker whose attempt number the row still has. What to do
after a fault stands in ``outcomes.py``.
"""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import Error, models, transaction
from django.db.models import OuterRef, Subquery
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from directory.db.availability import is_away, is_transient
from directory.models import CompanyMembership
from directory.rights import approvers
from erp_integrations import signing
from erp_integrations.adapters.base import (
    Absent,
    Accepted,
    Adapter,
    CannotTell,
    Masters,
    MovedRecord,
    NotSent,
    Outcome,
    StoredRecord,
    Unusable,
)
from erp_integrations.adapters.registry import as_planned, longest_send, ready_adapter
from erp_integrations.checks import other_records, preflight
from erp_integrations.confirmations import steering
from erp_integrations.connections import watermark
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
    ExportCall,
    ExportJob,
    Heartbeat,
    JobStatus,
    SnapshotUnreadable,
    WireAttempt,
)

logger = logging.getLogger(__name__)

SWEEP = "sweep"
# After so many jobs, or seconds, the worker lets another connection have its turn.
JOBS_PER_TURN = 20
TURN_SECONDS = 30.0
LONGEST_PAUSE = 1.0  # seconds between two attempts to write down an answer

stopping = threading.Event()
"""Set when this process was told to stop: the call on the wire ends, and the rest is handed back."""


def drain(connection_id: int) -> bool:
    """Export what is due on a connection, as its only writer; whether more is due now.

    False also when another worker holds the connection: that one, or the next poll, sees to it.
    """
    if watermark.stops_everything():
        return False
    lease = _take_connection(connection_id)
    if lease is None:
        return False
    end = time.monotonic() + TURN_SECONDS
    try:
        for _ in range(JOBS_PER_TURN):
            if stopping.is_set() or time.monotonic() > end or not _export_next(connection_id, lease):
                break
    except outcomes.LeaseLost:
        logger.warning("Connection %s was taken over by another worker", connection_id)
    finally:
        # Also when something of ours broke: the lease must not outlive the turn.
        _release_connection(connection_id, lease)
    return _due_connections().filter(pk=connection_id).exists()


def sweep() -> list[int]:
    """Take up what dead workers left and what nobody may export; which connections have something due.

    One job that breaks it down does not keep it from the others.
    """
    for job_ids, take_up in (
        (ExportJob.objects.abandoned(), outcomes.take_up_abandoned),
        (ExportJob.objects.without_the_right(), outcomes.return_to_awaiting),
    ):
        for job_id in job_ids.values_list("pk", flat=True):
            try:
                take_up(job_id)
            except Exception as error:
                if is_away(error):
                    raise
                logger.exception("The sweep could not take up export job %s", job_id)
    beat(SWEEP)
    return list(_due_connections().values_list("pk", flat=True))


def beat(name: str) -> None:
    """A sign of life, for the health checks."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )


def _due_connections() -> models.QuerySet[Connection]:
    """Those that a worker may take now, the longest waiting first."""
    oldest = ExportJob.objects.due().filter(connection=OuterRef("pk")).order_by("not_before")
    waiting = Subquery(oldest.values("not_before")[:1])
    connections = Connection.objects.free().awake().annotate(waiting_since=waiting)
    return connections.exclude(waiting_since=None).order_by("waiting_since")


def _lease_end() -> CombinedExpression:
    return Now() + timedelta(seconds=settings.EXPORT_LEASE_SECONDS)


def _take_connection(connection_id: int) -> int | None:
    """The attempt number of a new lease, or None when the connection is held, resting, or has nothing due."""
    with transaction.atomic():
        due = _due_connections().filter(pk=connection_id)
        connection = due.select_for_update(skip_locked=True).first()
        if connection is None:
            return None
        holder = f"{socket.gethostname()[:30]}/{uuid.uuid4().hex[:12]}"
        attempt = connection.lease_attempt + 1
        Connection.objects.filter(pk=connection_id).update(
            lease_holder=holder, lease_until=_lease_end(), lease_attempt=attempt
        )
        return attempt


def _release_connection(connection_id: int, lease: int) -> None:
    Connection.objects.filter(pk=connection_id, lease_attempt=lease).update(lease_holder="", lease_until=None)


def _export_next(connection_id: int, lease: int) -> bool:
    """Deliver one due job of the connection; False when there is none."""
    candidate = (
        ExportJob.objects.due()
        .filter(connection=connection_id, connection__in=Connection.objects.awake())
        .select_related("submission")
        .order_by("not_before", "pk")
        .first()
    )
    if candidate is None:
        return False
    if why := _why_not_accepted(candidate):
        outcomes.return_to_awaiting(candidate.pk, why)
        return True
    job = _claim(candidate.pk, connection_id, lease)
    while job is not None:
        try:
            _deliver(job, lease)
        except outcomes.LeaseLost:
            raise
        except Exception as error:
            if is_away(error):
                raise  # the lease runs out, and the sweep says what is known
            # A mistake of ours must not stop the others behind it, nor be tried for ever.
            logger.exception("Export job %s broke down", job.pk)
            outcomes.break_down(job)
        # One whose session was over goes on at once, under a new one.
        goes_on = ExportJob.objects.filter(pk=job.pk, guid=None).exists()
        job = _claim(job.pk, connection_id, lease) if goes_on else None
    return True


def _why_not_accepted(job: ExportJob) -> str:
    """Why an acceptance does not count, as words after "because"; blank if it does.

    Started exports finish; those of which nothing was written need the right to this day.
    """
    if job.calls.filter(state=CallState.WRITTEN).exists():
        return ""
    if (why := signing.why_unsigned(job)) in (signing.BEFORE, signing.NOBODY):
        return why
    if not why and signing.decided_by(job) != job.submission.decided_by_id:
        return signing.NOBODY
    membership = (
        CompanyMembership.objects.select_related("user", "company")
        .filter(user=job.submission.decided_by_id, company=job.submission.company_id)
        .first()
    )
    if membership is None or not membership.may_decide:
        return outcomes.LOST_RIGHT
    return "" if approvers.is_signed(membership) else signing.NOT_GRANTED


def _claim(job_id: int, connection_id: int, lease: int) -> ExportJob | None:
    """The job as this worker's own; None if it is not to be exported now.

    A pause, or the end of the approver's right, may have come since it was looked at.
    """
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get(pk=connection_id)
        if connection.lease_attempt != lease:
            raise outcomes.LeaseLost
        job = (
            ExportJob.objects.due()
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("connection__settings", "submission__company")
            .filter(pk=job_id, connection__in=Connection.objects.awake())
            .first()
        )
        if job is None or _why_not_accepted(job):
            return None
        job.move_to(JobStatus.EXPORTING)
        job.attempt += 1
        job.tries += 1
        job.not_before = None
        job.guid = job.guid or uuid.uuid4()
        job.lease_until = _lease_end()
        job.save()
        outcomes.record(job, "export.started", {})
    return job


def _deliver(job: ExportJob, lease: int) -> None:
    """Send the calls that are not written yet, in order, until one does not succeed."""
    if job.tries > settings.EXPORT_MAX_TRIES:
        outcomes.fail(job, f"Given up after {settings.EXPORT_MAX_TRIES} tries. The last one: {job.problem}")
        return
    if problem := _changed_since_accepted(job):
        outcomes.fail(job, problem)
        return
    # Those that were looked at are sent, whatever the database says a moment later.
    calls = list(job.current_calls())
    if problem := ledger.what_was_altered(job, calls) or ledger.answered_alike(job):
        outcomes.fail(job, problem)
        return
    adapter = ready_adapter(job)
    if isinstance(adapter, NotSent | Unusable):
        outcomes.put_off(job, adapter)
        return
    if problem := _closed_since(job, adapter):
        outcomes.fail(job, problem)
        return
    found = _found_before_writing(job, adapter)
    if found is None:
        return
    is_named = False
    for stored in calls:
        if stored.state == CallState.WRITTEN:
            continue
        call = as_planned(stored)
        if stopping.is_set():
            outcomes.hand_back(job)
            return
        until = time.monotonic() + settings.EXPORT_LEASE_SECONDS - longest_send(job.connection)
        entry = _store_intent(job, stored, lease, was_absent=unknown.is_absent(adapter, call, found))
        if not is_named and (problem := watermark.keep(entry)):
            outcomes.could_not_begin(job, stored, entry, problem)
            return
        is_named = True
        outcome = adapter.send(call, until=until)
        _settle(job, stored, entry, outcome)
        if not isinstance(outcome, Accepted):
            return
    outcomes.finish(job)


def _settle(job: ExportJob, call: ExportCall, entry: WireAttempt, outcome: Outcome) -> None:
    """Write down what became of a call, through a cut or a restart of the database.

    This process alone knows the answer, so it tries for as long as it holds the lease. A
    cut may hide that the first try was committed: the second then writes the same, or finds
    that the job is not its own any more and raises LeaseLost.
    """
    until = time.monotonic() + settings.EXPORT_LEASE_SECONDS
    pause = 0.0
    while True:
        try:
            outcomes.settle(job, call, entry, outcome)
            return
        except Error as error:
            if not is_transient(error) or time.monotonic() + pause > until:
                raise
            logger.warning("Export job %s: the database can't take an answer of Spectrum's", job.pk)
            time.sleep(pause)
            pause = LONGEST_PAUSE


def _store_intent(job: ExportJob, call: ExportCall, lease: int, *, was_absent: bool = False) -> WireAttempt:
    """Renew both leases and write the ledger, or raise LeaseLost."""
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get(pk=job.connection_id)
        held = ExportJob.objects.select_for_update().get(pk=job.pk)
        if connection.lease_attempt != lease or not outcomes.is_mine(held, job):
            raise outcomes.LeaseLost
        Connection.objects.filter(pk=connection.pk).update(lease_until=_lease_end())
        ExportJob.objects.filter(pk=job.pk).update(lease_until=_lease_end())
        ExportCall.objects.filter(pk=call.pk).update(state=CallState.SENDING)
        return WireAttempt.objects.create(
            call=call, attempt=job.attempt, payload_hash=call.payload_hash, was_absent=was_absent
        )


def _changed_since_accepted(job: ExportJob) -> str:
    """What is not as the approver saw it, as a sentence; blank if nothing is.

    What has begun goes on whatever the links say by now, but nowhere else and in no other way.
    """
    if job.wire_hash not in ("", *steering.wire_hashes(job.connection, job)):
        return "The connection's settings changed since this was decided on: an approver looks at it again."
    if job.calls.filter(state=CallState.WRITTEN).exists():
        return ""
    try:
        basis = preflight.basis_of(job.submission.document)
    except SnapshotUnreadable as error:
        return str(error)
    if basis.is_what_was_accepted(job):
        return ""
    if basis.is_what_was_accepted(job, but_bound=True):
        return (
            f"What is written to Spectrum is not what was accepted any more: {', '.join(basis.bound)}. "
            "Look at it again, and try again if it is right."
        )
    return (
        "Changed since it was accepted: the vendor link, the job link, the connection, or what "
        "Spectrum's lists say of them."
    )


def _closed_since(job: ExportJob, adapter: Adapter) -> str:
    """What Spectrum would refuse by now of vendor, job and phases, before anything is written of the job.

    Blank where nobody can look: Spectrum itself has the last word.
    """
    if not adapter.reads_back or ledger.may_have_written(job):
        return ""
    basis = preflight.basis_of(job.submission.document)
    now = adapter.as_of_now(basis.masters)
    if isinstance(now, CannotTell):
        return ""
    return " ".join(each.sentence for each in preflight.blocking(adapter.check_masters(basis.document, now)))


def _found_before_writing(job: ExportJob, adapter: Adapter) -> StoredRecord | Absent | CannotTell | None:
    """What stands under our key before anything is written, where it is nothing or ours by our own ledger.

    Spectrum would overwrite somebody else's record without a word. None, with the job ended or put off,
    where it may not go on.
    """
    found = adapter.find(adapter.key(Masters(vendor_code=job.vendor_code), job.erp_id))
    if not adapter.reads_back:
        return found
    held_by = other_records.another_job(job, found)
    is_away = isinstance(found, Absent) or bool(held_by)
    moved: tuple[MovedRecord, ...] | CannotTell = other_records.find(job) if is_away else ()
    match moved or found:
        case CannotTell(reason=reason):
            outcomes.rest(job, f"Nothing was sent, because the ERP ID can't be checked: {reason}")
            return None
        case StoredRecord() as record if problem := _what_stands_there(job, adapter, record):
            outcomes.fail(job, problem)
            return None
        case (MovedRecord(), *_) as records:
            # An incomplete one can be followed there; its page offers that.
            mine = ExportJob.objects.filter(pk=job.pk, attempt=job.attempt)
            certain = [record for record in records if record.is_certain]
            mine.update(differences=verification.differences_of(certain))
            outcomes.fail(job, _what_stands_elsewhere(job, certain or records, held_by))
            return None
        case Absent() if _written_is_gone(job, adapter):
            outcomes.fail(
                job, f"What was written is not there: Spectrum shows nothing under {_name(job)}. {_GONE}"
            )
            return None
    return found


_GONE = (
    "Nothing more is sent. Look in Spectrum where it is: put it back there, or unlink it if it was deleted."
)


def _name(job: ExportJob) -> str:
    return f"vendor {job.vendor_code}, subcontract {job.erp_id}"


def _written_is_gone(job: ExportJob, adapter: Adapter) -> bool:
    """Whether an absence shows that what was written was taken away: lines would go to a key without header.

    What was answered within the lag of the read-back may not show yet.
    """
    written = (call for call, is_written in unknown.calls_of(job) if is_written)
    return any(map(adapter.shows, written)) and not ledger.may_not_show_yet(job)


def _what_stands_elsewhere(job: ExportJob, records: Sequence[MovedRecord], held_by: str) -> str:
    """Why nothing is written to a key where the record, or what may be it, stands under another."""
    there = "; or ".join(record.sentence for record in records)
    may = "" if records[0].is_certain else "may "
    instead = f"Under {_name(job)} stands another contract, of job {held_by}. " if held_by else ""
    if not job.calls.filter(state=CallState.WRITTEN).exists():
        return (
            f"{instead}Spectrum {'may already hold' if may else 'already holds'} it as {there}; it would be "
            "there twice. If that is another one, say so when you accept it again."
        )
    if may:
        return f"{instead}What was written is not there; it may be {there}. {_GONE}"
    return f"{instead}It was moved in Spectrum, where it is {there} now. Follow the move, then go on."


def _what_stands_there(job: ExportJob, adapter: Adapter, record: StoredRecord) -> str:
    """Why a record under our key must not be written to; empty when it is ours to go on with."""
    if (held_by := other_records.another_job(job, record)) and ledger.may_have_written(job):
        return (
            f"What was written is not there: under {_name(job)} stands another contract, of job {held_by}. "
            f"{_GONE}"
        )
    if not ledger.may_have_written(job):
        calls = [call for call, _ in unknown.calls_of(job)]
        key = adapter.key(Masters(vendor_code=job.vendor_code), job.erp_id)
        found = existing_record.compare(adapter, key, calls, record)
        return f"{found.sentence} {found.advice}"
    strange = unknown.in_the_way(adapter, unknown.calls_of(job), ledger.earlier_calls(job), record)
    if not strange:
        return ""
    return (
        f"Spectrum holds something else than was written from here, and it would be overwritten. "
        f"In Spectrum: {existing_record.in_words(strange)}. Put it right there, then go on."
    )
