"""After a call of which nobody knows whether it was written: look, and only then go on.

An absence counts once the quiet period is over: a read-back without it was measured to double
late commits (docs/product.md, section 7.2). The look has no transaction open; what it showed is written
under lock, and only if the job is still the same Unknown that was looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from directory.models import User
from erp_integrations import alarms
from erp_integrations.adapters.base import (
    Adapter,
    Call,
    Difference,
    MovedRecord,
    NotFound,
    OtherJob,
    StoredRecord,
    Unavailable,
)
from erp_integrations.adapters.registry import get_adapter, get_job_key, to_call
from erp_integrations.checks import moved_records
from erp_integrations.connections import circuit_breaker
from erp_integrations.events import ErpEvent
from erp_integrations.exports import ledger, outcomes
from erp_integrations.models import Alarm, CallState, ExportJob, JobStatus, Verification

BATCH_SIZE = 50
READ_BACK_INTERVAL = timedelta(minutes=1)
READ_BACK_UNAVAILABLE = (
    "Unknown whether Spectrum has it, and its read-only database has not answered for so long that you "
    "can resolve it by hand."
)


class ShownPart(StrEnum):
    """How much of a plan the ERP holds."""

    ALL = "all"
    NONE = "none"
    PART = "part"
    OTHER = "other"


FOUND_EVENTS = {
    ShownPart.ALL: ErpEvent.EXPORT_FOUND_ALL,
    ShownPart.NONE: ErpEvent.EXPORT_FOUND_NONE,
    ShownPart.PART: ErpEvent.EXPORT_FOUND_PART,
}


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """A plan as a read-back shows it: which calls are written, or what is there that is not ours.

    ``is_same_contract``: the job is the plan's, and so is one line at least, by its key; whatever else
    differs or was added, under another number it would be there twice.
    """

    shown: ShownPart
    written: tuple[bool, ...] = ()
    differences: tuple[Difference, ...] = ()
    is_same_contract: bool = False


def compare_plan(
    adapter: Adapter,
    calls: Sequence[tuple[Call, bool]],
    earlier: Iterable[Call],
    found: StoredRecord | NotFound,
) -> PlanComparison:
    """Hold a plan against what is stored.

    Each call comes with whether the ERP has affirmed it; ``earlier`` is what former exports of
    the commitment wrote into the same record. Of a call that is not affirmed, nothing may be
    there, or it, or an earlier version of it. Whatever else is there, a person must judge.
    """
    planned = tuple(call for call, _ in calls)
    if isinstance(found, NotFound):
        missing = tuple(
            Difference(call.title, "", "written", "nothing") for call, affirmed in calls if affirmed
        )
        return PlanComparison(ShownPart.OTHER if missing else ShownPart.NONE, differences=missing)
    inspection = adapter.compare_calls(planned, found)
    foreign = list(inspection.others)
    written: list[bool] = []
    for (call, affirmed), differences in zip(calls, inspection.calls, strict=True):
        if not adapter.can_read_back(call):
            written.append(affirmed)
        elif differences is None:
            if affirmed:
                foreign.append(Difference(call.title, "", "written", "nothing"))
            written.append(False)
        elif (
            differences
            and not affirmed
            and (adapter.is_status(call) or is_earlier_version(adapter, call, earlier, found))
        ):
            written.append(False)  # of a status, another one is there
        else:
            foreign += differences
            written.append(True)
    if foreign:
        line_calls = zip(planned[1:], inspection.calls[1:], strict=True)
        line_differences = [differences for call, differences in line_calls if adapter.can_read_back(call)]
        is_the_plans = any(each is not None for each in line_differences) and all(
            not isinstance(each, OtherJob) for each in inspection.calls[0] or ()
        )
        return PlanComparison(ShownPart.OTHER, differences=tuple(foreign), is_same_contract=is_the_plans)
    shown = ShownPart.ALL if all(written) else ShownPart.PART if any(written) else ShownPart.NONE
    return PlanComparison(shown, written=tuple(written), is_same_contract=True)


def find_overwrites(
    adapter: Adapter, calls: Sequence[tuple[Call, bool]], earlier: Sequence[Call], record: StoredRecord
) -> list[Difference]:
    """Values in our record that would be overwritten, or aren't ours; empty: go on.

    Calls that are written are not sent again, so of them only the header counts, by its job.
    """
    inspection = adapter.compare_calls(tuple(call for call, _ in calls), record)
    earlier_parts = {adapter.get_record_part(call) for call in earlier}
    foreign = list(inspection.others)
    header = calls[0][0]
    for (call, written), differences in zip(calls, inspection.calls, strict=True):
        if call is header:
            # Where Spectrum filled in values of its own, the header is still the one that we wrote.
            known = written or adapter.get_record_part(call) in earlier_parts
            foreign += [each for each in differences or () if not known or isinstance(each, OtherJob)]
        elif not written and differences and not is_earlier_version(adapter, call, earlier, record):
            foreign += differences
    return foreign


def is_earlier_version(adapter: Adapter, call: Call, earlier: Iterable[Call], record: StoredRecord) -> bool:
    part = adapter.get_record_part(call)
    return any(
        adapter.get_record_part(each) == part and adapter.compare_calls((each,), record).calls == ((),)
        for each in earlier
    )


def is_absent(adapter: Adapter, call: Call, found: StoredRecord | NotFound | Unavailable) -> bool:
    """A look has shown that nothing is there of a call, so that what is there later came after it."""
    match found:
        case StoredRecord():
            return adapter.can_read_back(call) and adapter.compare_calls((call,), found).calls == (None,)
        case Unavailable():
            return False
    return adapter.can_read_back(call)


def list_due_for_read_back() -> list[int]:
    """The connections with an Unknown whose quiet period is over, and that can be read back."""
    due = ExportJob.objects.due_for_read_back().filter(connection__server__in=settings.INFO_LINKS)
    return list(due.order_by().values_list("connection", flat=True).distinct())


def read_back_due(connection_id: int) -> int:
    """Read back every Unknown of a connection that is due; of how many something is known now."""
    due = ExportJob.objects.due_for_read_back().filter(connection=connection_id).order_by("not_before", "pk")
    due = due.select_related("connection__settings", "submission__commitment")
    resolved = 0
    silent = False
    for job in due[:BATCH_SIZE]:
        result = None if silent else compare_read_back(job)
        if result is None:
            # The others behind it would fare no better.
            silent = True
            record_unreadable(job)
        else:
            resolved += record_result(job, result)
    return resolved


def list_planned_calls(job: ExportJob) -> list[tuple[Call, bool]]:
    """The plan that counts, each call with whether it is known to be written."""
    return [(to_call(call), call.state == CallState.WRITTEN) for call in job.list_current_calls()]


def resolve_unknown(
    job: ExportJob,
    written: Sequence[bool],
    *,
    event: ErpEvent,
    by: User | None = None,
    verification: Verification,
    detail: dict[str, object] | None = None,
) -> None:
    """Go on with what is known of each call now: synced, incomplete, or queued again.

    The caller holds the locks. What is not written is due at once.
    """
    calls, adapter = list(job.list_current_calls()), get_adapter(job.connection)
    if any(now and call.state != CallState.WRITTEN for call, now in zip(calls, written, strict=True)):
        # It comes on: where no reply means written, each call of a long one ends so once.
        job.tries = 0
    for call, is_written in zip(calls, written, strict=True):
        # Of a note nothing is shown, so that no look has missed it.
        is_proven_absent = by is not None or adapter.can_read_back(to_call(call))
        if not is_written and call.state == CallState.UNKNOWN and is_proven_absent:
            call.not_found_at = Now()
        call.state = CallState.WRITTEN if is_written else call.unsent_state
        call.save(update_fields=["state", "not_found_at"])
    job.differences = []
    job.unreadable_since = None
    job.not_before = Now()
    if all(written):
        status = JobStatus.SYNCED
        job.not_before = None
        job.synced_at = job.verified_at = Now()
        job.verification = verification
        if verification == Verification.MATCH and adapter.describe_caution([to_call(call) for call in calls]):
            # Each call is there; whether what it left blank was filled as meant, is still to be read.
            job.verification, job.verified_at, job.verify_after = Verification.PENDING, None, Now()
    else:
        status = JobStatus.INCOMPLETE if any(written) else JobStatus.QUEUED
    titles = [call.title for call, is_written in zip(calls, written, strict=True) if is_written]
    outcomes.set_job_status(job, status, "", event=event, by=by, detail={"written": titles, **(detail or {})})


def read_back(job: ExportJob) -> StoredRecord | NotFound | Unavailable:
    """The record under the job's key at this moment."""
    return get_adapter(job.connection).find_record(get_job_key(job))


def read_back_anywhere(job: ExportJob) -> StoredRecord | tuple[MovedRecord, ...] | Unavailable:
    """The same, and where nothing or another job's is under the key, what may be its record under others."""
    found = read_back(job)
    if isinstance(found, NotFound) or moved_records.find_other_job(job, found):
        return moved_records.find_moved_records(job)
    return found


def compare_read_back(job: ExportJob) -> PlanComparison | None:
    """None when nobody can tell."""
    found = read_back_anywhere(job)
    if isinstance(found, Unavailable):
        return None
    if isinstance(found, tuple) and (certain := [each for each in found if each.is_certain]):
        return PlanComparison(ShownPart.OTHER, differences=tuple(each.difference for each in certain))
    there = found if isinstance(found, StoredRecord) else NotFound()
    return compare_plan(
        get_adapter(job.connection), list_planned_calls(job), ledger.list_earlier_calls(job), there
    )


@transaction.atomic
def record_unreadable(job: ExportJob) -> None:
    """Nobody could look. Where that lasts for as long as the connection says, a person may decide."""
    row = outcomes.lock_job_and_parents(job.pk)
    if (row.status, row.attempt) != (JobStatus.UNKNOWN, job.attempt) or row.not_before is None:
        return
    raised = Alarm.objects.filter(submission=row.submission, sentence=READ_BACK_UNAVAILABLE)
    if row.can_be_resolved_manually and not raised.filter(raised_at__gt=row.unknown_since).exists():
        alarms.create_alarm(row, READ_BACK_UNAVAILABLE)
    row.unreadable_since = row.unreadable_since or Now()
    row.not_before = Now() + READ_BACK_INTERVAL
    row.save(update_fields=["unreadable_since", "not_before"])


@transaction.atomic
def record_result(job: ExportJob, result: PlanComparison) -> bool:
    """Record what was seen; False if the job is another one by now."""
    row = outcomes.lock_job_and_parents(job.pk)
    if row.plan_round != job.plan_round:
        return False  # it was followed to another key meanwhile
    if (row.status, row.attempt) != (JobStatus.UNKNOWN, job.attempt) or row.not_before is None:
        return False
    if result.shown is ShownPart.OTHER:
        row.not_before = row.unreadable_since = None
        row.differences = [asdict(each) for each in result.differences]
        row.save(update_fields=["not_before", "unreadable_since", "differences"])
        outcomes.record_export_event(row, ErpEvent.EXPORT_FOUND_OTHER, {"differences": row.differences})
        alarms.create_alarm(row, "When read back, Spectrum has something other than what was sent.")
        return True
    written = result.written or [False] * row.list_current_calls().count()
    adapter = get_adapter(row.connection)
    for call, is_written in zip(row.list_current_calls(), written, strict=True):
        if is_written and call.state == CallState.UNKNOWN and adapter.can_read_back(to_call(call)):
            call.wire_attempts.filter(attempt=row.attempt).update(shown_at=Now())
    if any(written):
        circuit_breaker.close_circuit(row.connection)
    resolve_unknown(row, written, event=FOUND_EVENTS[result.shown], verification=Verification.MATCH)
    return True
