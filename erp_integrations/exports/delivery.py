"""Send a claimed job's calls one by one, and record what became of each.

No transaction is open while the wire is used. Before each call its intent is stored and both leases are
renewed. What to do after a fault stands in ``outcomes.py``.
"""

import logging
import time
from collections.abc import Iterator
from itertools import zip_longest

from django.conf import settings
from django.db import Error, transaction
from django.db.models import QuerySet

from directory.db.database_errors import is_transient_error
from directory.db.leases import LeaseEnd, LeaseLost, get_lease_duration, stopping
from directory.db.prepared import Parameter, PreparedQuery, PreparedSteps, PreparedUpdate, store_row
from erp_integrations.adapters.base import Accepted, NotSent, Outcome, Unusable
from erp_integrations.adapters.registry import build_sending_adapter, get_longest_send, to_call
from erp_integrations.connections import watermark
from erp_integrations.exports import before_sending, ledger, outcomes, unknown
from erp_integrations.models import CallState, ConnectionState, ExportCall, ExportJob, JobStatus, WireAttempt
from erp_integrations.models.connection_state import ConnectionStateQuerySet

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 1.0  # seconds between two attempts to write down an answer


def send_calls(job: ExportJob, fencing_token: int) -> Outcome | None:
    """Send the calls that are not written yet, in order, until one does not succeed; its outcome, or None."""
    if job.tries > settings.EXPORT_MAX_TRIES:
        outcomes.fail(job, f"Given up after {settings.EXPORT_MAX_TRIES} tries. The last one: {job.problem}")
        return None
    # Those that are looked at are sent, whatever the database says a moment later.
    calls = list_calls(job=job.pk, plan_round=job.plan_round)
    problem = before_sending.find_change_since_accept(job) or ledger.find_altered_call(job, calls)
    if problem := problem or ledger.find_repeated_reply(job):
        outcomes.fail(job, problem)
        return None
    adapter = build_sending_adapter(job)
    if isinstance(adapter, NotSent | Unusable):
        outcomes.requeue(job, adapter)
        return None
    if problem := before_sending.find_closed_references(job, adapter):
        outcomes.fail(job, problem)
        return None
    found = before_sending.read_back_before_sending(job, adapter)
    if found is None:
        return None
    planned = {call.pk: to_call(call) for call in calls}
    entries = [
        WireAttempt(
            call=call,
            attempt=job.attempt,
            payload_hash=call.payload_hash,
            was_absent=unknown.is_absent(adapter, planned[call.pk], found),
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
        outcome = adapter.send_call(planned[entry.call_id], until=until)
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
    follow, the outcome stands alone: nothing takes it with it. It waits for nobody: a row that somebody else
    has under lock is as a lease that is lost.
    """
    if isinstance(outcome, Accepted) and not (following and stopping.is_set()):
        try:
            if following is None:
                outcomes.record_synced(job, answered=(entry, outcome))
                return True
            intent = list_values_of_intent(job, following, fencing_token)
            answer = {"entry": entry.pk, **outcomes.build_answer(outcome)}
            written = {"call": entry.call_id, "state": CallState.WRITTEN}
            if not job.connection.state.fault and write_answer_and_intent(
                following, *intent, answer, written
            ):
                return True
        except Exception as error:
            logger.warning("Export job %s: what follows an answer was not recorded: %r", job.pk, error)
    record_outcome_with_retry(job, entry, outcome)
    if following:  # a cut may hide that it was stored
        own = {"call": following.call_id, "attempt": job.attempt, "payload_hash": following.payload_hash}
        following.pk = WireAttempt.objects.filter(**own).values_list("pk", flat=True).first()
    return False


def list_values_of_intent(
    job: ExportJob, entry: WireAttempt, fencing_token: int
) -> Iterator[dict[str, object]]:
    """In the order of ``INTENT``, for the row that is stored."""
    lease = {"attempt": job.attempt, "duration": get_lease_duration(), "fencing_token": fencing_token}
    yield {"call": entry.call_id, **lease}
    yield {"connection": job.connection_id, **lease}
    yield {"job": job.pk, **lease}
    yield {"call": entry.call_id, "state": CallState.SENDING}


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


def start_call(job: ExportJob, entry: WireAttempt, fencing_token: int) -> None:
    """Renew both leases and write the ledger. Raises LeaseLost.

    One statement does, but where a row is not free: that is waited for. Where a cut hid that this was
    committed, it writes the same once more: the call has not left.
    """
    if not entry.pk and write_intent(entry, *list_values_of_intent(job, entry, fencing_token)):
        return
    with transaction.atomic():
        lease = {"fencing_token": fencing_token, "duration": get_lease_duration()}
        if not update_connection_lease(connection=job.connection_id, **lease):
            raise LeaseLost
        outcomes.start_lease_anew(job)
        outcomes.set_call_state(call=entry.call_id, state=CallState.SENDING)
        if entry.pk:
            entry.save()
        else:
            store_row(entry)


@PreparedQuery
def list_calls(job: Parameter, plan_round: Parameter) -> QuerySet[ExportCall]:
    return ExportCall.objects.filter(job=job, plan_round=plan_round).order_by("position")


@PreparedQuery
def list_unlocked_calls(
    call: Parameter, attempt: Parameter, fencing_token: Parameter
) -> QuerySet[ExportCall]:
    leased = {"job__attempt": attempt, "job__status": JobStatus.EXPORTING}
    calls = ExportCall.objects.filter(
        pk=call, job__connection__state__lease_attempt=fencing_token, **leased
    ).select_related("job__connection__state")
    calls = calls.only("job__connection__state__connection")
    return calls.select_for_update(of=("job__connection__state", "job", "self"), skip_locked=True)


@PreparedUpdate
def update_connection_lease(
    connection: Parameter, fencing_token: Parameter, duration: Parameter
) -> tuple[ConnectionStateQuerySet, dict[str, object]]:
    claimed = ConnectionState.objects.filter(pk=connection, lease_attempt=fencing_token)
    return claimed, {"lease_until": LeaseEnd(duration)}


INTENT = (list_unlocked_calls, update_connection_lease, outcomes.update_lease, outcomes.set_call_state)
write_intent, write_answer_and_intent = (
    PreparedSteps(*steps, model=WireAttempt, names=("call_id", "attempt", "payload_hash", "was_absent"))
    for steps in (INTENT, (*INTENT, outcomes.save_answer, outcomes.set_call_state))
)
