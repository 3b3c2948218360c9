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
from erp_integrations.adapters.base import (
    Absent,
    Adapter,
    Call,
    CannotTell,
    Difference,
    Masters,
    MovedRecord,
    StoredRecord,
)
from erp_integrations.attention import alarms
from erp_integrations.connections import faults
from erp_integrations.connections.adapting import adapter_for, as_planned
from erp_integrations.delivery import ledger, outcomes
from erp_integrations.findings import elsewhere
from erp_integrations.models import Alarm, CallState, ExportJob, JobStatus, Verification

AT_ONCE = 50
LOOK_AGAIN = timedelta(minutes=1)
NOBODY_CAN_LOOK = (
    "Nobody knows whether Spectrum has it, and its read-only database has not answered for so long that you "
    "can say in words what Spectrum holds."
)


class Shown(StrEnum):
    """How much of a plan the ERP holds."""

    ALL = "all"
    NONE = "none"
    PART = "part"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a read-back shows of a plan: which calls are written, or what is there that is not ours.

    ``is_the_plans``: the job is the plan's, and so is one line at least, by its key; whatever else
    differs or was added, under another number it would be there twice.
    """

    shown: Shown
    written: tuple[bool, ...] = ()
    differences: tuple[Difference, ...] = ()
    is_the_plans: bool = False


def conclude(
    adapter: Adapter,
    calls: Sequence[tuple[Call, bool]],
    earlier: Iterable[Call],
    found: StoredRecord | Absent,
) -> Conclusion:
    """Hold a plan against what is stored.

    Each call comes with whether the ERP has affirmed it; ``earlier`` is what former exports of
    the commitment wrote into the same record. Of a call that is not affirmed, nothing may be
    there, or it, or an earlier version of it. Whatever else is there, a person must judge.
    """
    planned = tuple(call for call, _ in calls)
    if isinstance(found, Absent):
        missing = tuple(Difference(call.title, "", "written", "nothing") for call, sure in calls if sure)
        return Conclusion(Shown.OTHER, differences=missing) if missing else Conclusion(Shown.NONE)
    seen = adapter.inspect(planned, found)
    strange = list(seen.others)
    written: list[bool] = []
    for (call, affirmed), differences in zip(calls, seen.calls, strict=True):
        if not adapter.shows(call):
            written.append(affirmed)
        elif differences is None:
            if affirmed:
                strange.append(Difference(call.title, "", "written", "nothing"))
            written.append(False)
        elif differences and not affirmed and _is_earlier_version(adapter, call, earlier, found):
            written.append(False)
        else:
            strange += differences
            written.append(True)
    if strange:
        rest = zip(planned[1:], seen.calls[1:], strict=True)
        of_lines = [differences for call, differences in rest if adapter.shows(call)]
        is_the_plans = any(each is not None for each in of_lines) and all(
            each.name != "Job_Number" for each in seen.calls[0] or ()
        )
        return Conclusion(Shown.OTHER, differences=tuple(strange), is_the_plans=is_the_plans)
    shown = Shown.ALL if all(written) else Shown.PART if any(written) else Shown.NONE
    return Conclusion(shown, written=tuple(written), is_the_plans=True)


def in_the_way(
    adapter: Adapter, calls: Sequence[tuple[Call, bool]], earlier: Sequence[Call], record: StoredRecord
) -> list[Difference]:
    """What is stored in our record and would be overwritten, or isn't ours; empty: go on.

    Calls that are written are not sent again, so of them only the header counts, by its job.
    """
    seen = adapter.inspect(tuple(call for call, _ in calls), record)
    ours = {adapter.part_of(call) for call in earlier}
    strange = list(seen.others)
    header = calls[0][0]
    for (call, written), differences in zip(calls, seen.calls, strict=True):
        if call is header:
            # Where Spectrum filled in values of its own, the header is still the one that we wrote.
            known = written or adapter.part_of(call) in ours
            strange += [each for each in differences or () if not known or each.name == "Job_Number"]
        elif not written and differences and not _is_earlier_version(adapter, call, earlier, record):
            strange += differences
    return strange


def _is_earlier_version(adapter: Adapter, call: Call, earlier: Iterable[Call], record: StoredRecord) -> bool:
    part = adapter.part_of(call)
    return any(
        adapter.part_of(each) == part and adapter.inspect((each,), record).calls == ((),) for each in earlier
    )


def is_absent(adapter: Adapter, call: Call, found: StoredRecord | Absent | CannotTell) -> bool:
    """Whether a look has shown that nothing is there of a call, so that what is there later came after it."""
    match found:
        case StoredRecord():
            return adapter.shows(call) and adapter.inspect((call,), found).calls == (None,)
        case CannotTell():
            return False
    return adapter.shows(call)


def to_look_at() -> list[int]:
    """The connections with an Unknown whose quiet period is over, and that can be read back."""
    due = ExportJob.objects.unknown_and_quiet().filter(connection__server__in=settings.INFO_LINKS)
    return list(due.order_by().values_list("connection", flat=True).distinct())


def look(connection_id: int) -> int:
    """Read back every Unknown of a connection that is due; of how many something is known now."""
    due = (
        ExportJob.objects.unknown_and_quiet()
        .filter(connection=connection_id)
        .select_related("connection__settings", "submission__commitment")
        .order_by("not_before", "pk")
    )
    known = 0
    silent = False
    for job in due[:AT_ONCE]:
        seen = None if silent else _look_at(job)
        if seen is None:
            # The others behind it would fare no better.
            silent = True
            _look_again(job)
        else:
            known += _write_down(job, seen)
    return known


def calls_of(job: ExportJob) -> list[tuple[Call, bool]]:
    """The plan that counts, each call with whether it is known to be written."""
    return [(as_planned(call), call.state == CallState.WRITTEN) for call in job.current_calls()]


def leave_unknown(
    held: ExportJob,
    written: Sequence[bool],
    *,
    event: str,
    by: User | None = None,
    verification: Verification,
    detail: dict[str, object] | None = None,
) -> None:
    """Go on with what is known of each call now: synced, incomplete, or queued again.

    The caller holds the locks. What is not written is due at once.
    """
    calls, adapter = list(held.current_calls()), adapter_for(held.connection)
    if any(now and call.state != CallState.WRITTEN for call, now in zip(calls, written, strict=True)):
        # It comes on: where no reply means written, each call of a long one ends so once.
        held.tries = 0
    for call, is_written in zip(calls, written, strict=True):
        # Of a note nothing is shown, so that no look has missed it.
        looked = by is not None or adapter.shows(as_planned(call))
        if not is_written and call.state == CallState.UNKNOWN and looked:
            call.not_found_at = Now()
        call.state = CallState.WRITTEN if is_written else call.unsent_state
        call.save(update_fields=["state", "not_found_at"])
    held.differences = []
    held.unreadable_since = None
    held.not_before = Now()
    if all(written):
        status = JobStatus.SYNCED
        held.not_before = None
        held.synced_at = held.verified_at = Now()
        held.verification = verification
        if verification == Verification.MATCH and adapter.caution([as_planned(call) for call in calls]):
            # Each call is there; whether what it left blank was filled as meant, is still to be read.
            held.verification, held.verified_at, held.verify_after = Verification.PENDING, None, Now()
    else:
        status = JobStatus.INCOMPLETE if any(written) else JobStatus.QUEUED
    titles = [call.title for call, is_written in zip(calls, written, strict=True) if is_written]
    outcomes.end(held, status, "", event=event, by=by, detail={"written": titles, **(detail or {})})


def seen_now(job: ExportJob) -> StoredRecord | Absent | CannotTell:
    """What stands under the job's key at this moment."""
    adapter = adapter_for(job.connection)
    return adapter.find(adapter.key(Masters(vendor_code=job.vendor_code), job.erp_id))


def seen_anywhere(job: ExportJob) -> StoredRecord | tuple[MovedRecord, ...] | CannotTell:
    """The same, and where nothing or another job's is under the key, what may be its record under others."""
    found = seen_now(job)
    if isinstance(found, Absent) or elsewhere.another_job(job, found):
        return elsewhere.find(job)
    return found


def _look_at(job: ExportJob) -> Conclusion | None:
    """What is there, or None when nobody can tell."""
    found = seen_anywhere(job)
    if isinstance(found, CannotTell):
        return None
    if isinstance(found, tuple) and (certain := [each for each in found if each.is_certain]):
        return Conclusion(Shown.OTHER, differences=tuple(each.difference for each in certain))
    there = found if isinstance(found, StoredRecord) else Absent()
    return conclude(adapter_for(job.connection), calls_of(job), ledger.earlier_calls(job), there)


@transaction.atomic
def _look_again(job: ExportJob) -> None:
    """Nobody could look. Where that lasts for as long as the connection says, a person may decide."""
    held = outcomes.lock(job.pk)
    if (held.status, held.attempt) != (JobStatus.UNKNOWN, job.attempt) or held.not_before is None:
        return
    told = Alarm.objects.filter(submission=held.submission, sentence=NOBODY_CAN_LOOK)
    if held.may_be_resolved_by_hand and not told.filter(raised_at__gt=held.unknown_since).exists():
        alarms.raise_for(held, NOBODY_CAN_LOOK)
    held.unreadable_since = held.unreadable_since or Now()
    held.not_before = Now() + LOOK_AGAIN
    held.save(update_fields=["unreadable_since", "not_before"])


@transaction.atomic
def _write_down(job: ExportJob, seen: Conclusion) -> bool:
    """Record what was seen; False if the job is another one by now."""
    held = outcomes.lock(job.pk)
    if held.plan_round != job.plan_round:
        return False  # it was followed to another key meanwhile
    if (held.status, held.attempt) != (JobStatus.UNKNOWN, job.attempt) or held.not_before is None:
        return False
    if seen.shown is Shown.OTHER:
        held.not_before = held.unreadable_since = None
        held.differences = [asdict(each) for each in seen.differences]
        held.save(update_fields=["not_before", "unreadable_since", "differences"])
        outcomes.record(held, "export.found_other", {"differences": held.differences})
        alarms.raise_for(held, "Read back, Spectrum holds something else than was sent.")
        return True
    written = seen.written or [False] * held.current_calls().count()
    adapter = adapter_for(held.connection)
    for call, is_written in zip(held.current_calls(), written, strict=True):
        if is_written and call.state == CallState.UNKNOWN and adapter.shows(as_planned(call)):
            call.wire_attempts.filter(attempt=held.attempt).update(shown_at=Now())
    if any(written):
        faults.recover(held.connection)
    leave_unknown(held, written, event=f"export.found_{seen.shown}", verification=Verification.MATCH)
    return True
