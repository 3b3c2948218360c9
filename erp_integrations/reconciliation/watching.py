"""Records that nobody's current export stands for, and that may still be written, or have been.

A call that got no answer can be written long after a look has not found it (how late, no published
page says). So every key with a wire attempt whose outcome is no provable no is looked for daily,
whatever became of its job: it failed, was rejected, went on under another ERP ID, or was unlinked.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields import DateTimeField
from django.db.models.functions import Now

from erp_integrations import alarms
from erp_integrations.adapters.base import MOST_AT_ONCE, Adapter, CannotTell, Key, StoredRecord
from erp_integrations.adapters.registry import adapter_for, as_planned
from erp_integrations.exports import outcomes
from erp_integrations.models import (
    MAYBE_WRITTEN,
    CallState,
    Connection,
    Drift,
    DriftKind,
    ExportCall,
    ExportJob,
    JobStatus,
    WireAttempt,
)
from erp_integrations.reconciliation import drift

ENDED = (JobStatus.FAILED, JobStatus.CANCELLED)
"""Every other job looks at its own record, before it writes or after."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What may have been written under one key, and the newest job that tried it."""

    key: Key
    job: ExportJob
    stored: tuple[ExportCall, ...]

    @property
    def name(self) -> str:
        return f"vendor {self.key.vendor_code}, subcontract {self.key.erp_id}"

    @property
    def until(self) -> datetime:
        """When nobody looks any more, unless it has turned up before."""
        days = timedelta(days=self.job.connection.settings.watch_days)
        return max(cast(datetime, vars(call)["sent_at"]) for call in self.stored) + days


def compare(connection: Connection, adapter: Adapter, run_is_mine: Callable[[], None]) -> int | CannotTell:
    """Look for what is watched, and write down what turned up, and what is gone again; how much that is."""
    calls = watched_calls().filter(job__connection=connection)
    watched, turned_up = list(_watched(calls, connection, adapter)), set()
    for start in range(0, len(watched), MOST_AT_ONCE):
        batch = watched[start : start + MOST_AT_ONCE]
        found = adapter.find_many([each.key for each in batch])
        if isinstance(found, CannotTell):
            return found
        for each in batch:
            there = _turned_up(adapter, each, found.get(each.key))
            if there:
                turned_up.add((each.job.pk, each.name))
                _record(each, there, run_is_mine)
    for known in Drift.objects.late().filter(job__connection=connection).order_by("pk"):
        if (known.job_id, known.record_name) not in turned_up:
            with transaction.atomic():
                held = outcomes.lock(known.job_id)
                run_is_mine()
                drift.end(known, held)
    return len(watched)


def watched_calls() -> QuerySet[ExportCall]:
    """Those that may be written, or have been, and of which no current plan is; by the newest job first."""
    days = ExpressionWrapper(
        Now() - F("call__job__connection__settings__watch_days") * timedelta(days=1),
        output_field=DateTimeField(),
    )
    tried = WireAttempt.objects.filter(outcome__in=MAYBE_WRITTEN, call=OuterRef("pk"))
    known = Drift.objects.late().filter(job=OuterRef("job"))
    left = Q(job__status__in=ENDED) | Q(plan_round__lt=F("job__plan_round"))
    calls = ExportCall.objects.filter(left).filter(
        Exists(tried.filter(started_at__gt=days)) | (Exists(tried) & Exists(known))
    )
    return calls.order_by("-job", "-plan_round", "position")


def of_commitment(commitment_id: int, connection: Connection) -> list[Watched]:
    """What of one commitment is watched, for its page. Two queries, and one in nearly every case."""
    calls = watched_calls().filter(job__submission__commitment=commitment_id, job__connection=connection)
    return list(_watched(calls, connection, adapter_for(connection)))


def _watched(calls: QuerySet[ExportCall], connection: Connection, adapter: Adapter) -> Iterator[Watched]:
    by_key: defaultdict[Key, dict[tuple[str, ...], ExportCall]] = defaultdict(dict)
    last = WireAttempt.objects.filter(outcome__in=MAYBE_WRITTEN, call=OuterRef("pk")).order_by("-started_at")
    sent = calls.annotate(sent_at=Subquery(last.values("started_at")[:1]))
    for call in sent.select_related("job__submission"):
        planned = as_planned(call)
        if adapter.shows(planned):
            # The newest version of each part of the record.
            by_key[adapter.key_of(planned)].setdefault(adapter.part_of(planned), call)
    for key in _looked_after(connection, list(by_key)):
        del by_key[key]
    for key, parts in by_key.items():
        stored = list(parts.values())
        # What is known to stand there is no news; what was proven gone would be.
        if any(call.state != CallState.WRITTEN for call in stored):
            yield Watched(key, stored[0].job, tuple(stored))


def _looked_after(connection: Connection, keys: Sequence[Key]) -> set[Key]:
    """The keys that belong to a job which looks at its own record, of this commitment or another."""
    wanted = {(key.vendor_code, key.erp_id): key for key in keys}
    jobs = ExportJob.objects.filter(connection=connection).exclude(status__in=ENDED)
    named = jobs.filter(erp_id__in={key.erp_id for key in keys}).values_list("vendor_code", "erp_id")
    return {wanted[name] for name in named if name in wanted}


def _turned_up(adapter: Adapter, watched: Watched, record: StoredRecord | None) -> list[ExportCall]:
    """The calls that are there and were not known to be; none where the number is another contract's."""
    if record is None:
        return []
    seen = adapter.inspect(tuple(as_planned(call) for call in watched.stored), record)
    if any(each.name == "Job_Number" for of_call in seen.calls for each in of_call or ()):
        return []
    rows = zip(watched.stored, seen.calls, strict=True)
    return [call for call, there in rows if there is not None and call.state != CallState.WRITTEN]


@transaction.atomic
def _record(watched: Watched, there: Collection[ExportCall], run_is_mine: Callable[[], None]) -> None:
    """Write it down, with one alarm, unless an export under that key has begun meanwhile."""
    held = outcomes.lock(watched.job.pk)
    run_is_mine()
    if _looked_after(held.connection, [watched.key]):
        return
    found = [drift.finding(DriftKind.LATE, call.title, "", "nothing", watched.name) for call in there]
    known = Drift.objects.late().select_for_update().filter(job=held, record_name=watched.name).first()
    if known is not None:
        drift.go_on(known, held, found)
        return
    drift.begin(held, found, record_name=watched.name)
    alarms.raise_for(
        held,
        f"It turned up in Spectrum: {watched.name}, which nobody expected there any more. "
        "Open it to see what to do.",
    )
