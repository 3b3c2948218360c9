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
from erp_integrations.adapters.base import (
    MAX_RECORDS_AT_ONCE,
    Adapter,
    Key,
    OtherJob,
    StoredRecord,
    Unavailable,
)
from erp_integrations.adapters.registry import get_adapter, to_call
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

ENDED_STATUSES = (JobStatus.FAILED, JobStatus.CANCELLED)
"""Every other job looks at its own record, before it writes or after."""


@dataclass(frozen=True, slots=True)
class WatchedRecord:
    """A record that may have been written under one key, and the newest job that tried it."""

    key: Key
    job: ExportJob
    calls: tuple[ExportCall, ...]

    @property
    def until(self) -> datetime:
        """When nobody looks any more, unless it has turned up before."""
        days = timedelta(days=self.job.connection.settings.watch_days)
        return max(cast(datetime, vars(call)["sent_at"]) for call in self.calls) + days


def compare_watched_records(
    connection: Connection, adapter: Adapter, lock_run: Callable[[], None]
) -> int | Unavailable:
    """Look for what is watched, and write down what turned up, and what is gone again; how much that is."""
    calls = list_watched_calls().filter(job__connection=connection)
    watched, turned_up = list(build_watched_records(calls, connection, adapter)), set()
    for start in range(0, len(watched), MAX_RECORDS_AT_ONCE):
        batch = watched[start : start + MAX_RECORDS_AT_ONCE]
        found = adapter.find_records([each.key for each in batch])
        if isinstance(found, Unavailable):
            return found
        for each in batch:
            late_calls = find_late_calls(adapter, each, found.get(each.key))
            if late_calls:
                turned_up.add((each.job.pk, str(each.key)))
                record_late_calls(each, late_calls, lock_run)
    for known in Drift.objects.late().filter(job__connection=connection).order_by("pk"):
        if (known.job_id, known.record_name) not in turned_up:
            with transaction.atomic():
                job = outcomes.lock_job_and_parents(known.job_id)
                lock_run()
                drift.end_drift(known, job)
    return len(watched)


def list_watched_calls() -> QuerySet[ExportCall]:
    """Those that may be written, or have been, and of which no current plan is; by the newest job first."""
    days = ExpressionWrapper(
        Now() - F("call__job__connection__settings__watch_days") * timedelta(days=1),
        output_field=DateTimeField(),
    )
    sent = WireAttempt.objects.filter(outcome__in=MAYBE_WRITTEN, call=OuterRef("pk"))
    known = Drift.objects.late().filter(job=OuterRef("job"))
    not_current = Q(job__status__in=ENDED_STATUSES) | Q(plan_round__lt=F("job__plan_round"))
    calls = ExportCall.objects.filter(not_current).filter(
        Exists(sent.filter(started_at__gt=days)) | (Exists(sent) & Exists(known))
    )
    return calls.order_by("-job", "-plan_round", "position")


def list_watched_records(commitment_id: int, connection: Connection) -> list[WatchedRecord]:
    """Those of one commitment, for its page. Two queries, and one in nearly every case."""
    calls = list_watched_calls().filter(job__submission__commitment=commitment_id, job__connection=connection)
    return list(build_watched_records(calls, connection, get_adapter(connection)))


def build_watched_records(
    calls: QuerySet[ExportCall], connection: Connection, adapter: Adapter
) -> Iterator[WatchedRecord]:
    by_key: defaultdict[Key, dict[tuple[str, ...], ExportCall]] = defaultdict(dict)
    last = WireAttempt.objects.filter(outcome__in=MAYBE_WRITTEN, call=OuterRef("pk")).order_by("-started_at")
    dated_calls = calls.annotate(sent_at=Subquery(last.values("started_at")[:1]))
    for call in dated_calls.select_related("job__submission"):
        planned = to_call(call)
        if adapter.can_read_back(planned):
            # The newest version of each part of the record.
            by_key[adapter.get_call_key(planned)].setdefault(adapter.get_record_part(planned), call)
    for key in find_keys_in_use(connection, list(by_key)):
        del by_key[key]
    for key, parts in by_key.items():
        stored = list(parts.values())
        # What is known to stand there is no news; what was proven gone would be.
        if any(call.state != CallState.WRITTEN for call in stored):
            yield WatchedRecord(key, stored[0].job, tuple(stored))


def find_keys_in_use(connection: Connection, keys: Sequence[Key]) -> set[Key]:
    """The keys that belong to a job which looks at its own record, of this commitment or another."""
    keys_by_name = {(key.vendor_code, key.erp_id): key for key in keys}
    jobs = ExportJob.objects.filter(connection=connection).exclude(status__in=ENDED_STATUSES)
    used_names = jobs.filter(erp_id__in={key.erp_id for key in keys}).values_list("vendor_code", "erp_id")
    return {keys_by_name[name] for name in used_names if name in keys_by_name}


def find_late_calls(
    adapter: Adapter, watched: WatchedRecord, record: StoredRecord | None
) -> list[ExportCall]:
    """The calls that are there and were not known to be; none where the number is another contract's."""
    if record is None:
        return []
    read_back = adapter.compare_calls(tuple(to_call(call) for call in watched.calls), record)
    if any(isinstance(each, OtherJob) for of_call in read_back.calls for each in of_call or ()):
        return []
    rows = zip(watched.calls, read_back.calls, strict=True)
    return [call for call, there in rows if there is not None and call.state != CallState.WRITTEN]


@transaction.atomic
def record_late_calls(
    watched: WatchedRecord, late_calls: Collection[ExportCall], lock_run: Callable[[], None]
) -> None:
    """Write it down, with one alarm, unless an export under that key has begun meanwhile."""
    job = outcomes.lock_job_and_parents(watched.job.pk)
    lock_run()
    if find_keys_in_use(job.connection, [watched.key]):
        return
    name = str(watched.key)
    issues = [drift.build_issue(DriftKind.LATE, call.title, "", "nothing", name) for call in late_calls]
    known = Drift.objects.late().select_for_update().filter(job=job, record_name=name).first()
    if known is not None:
        drift.update_drift(known, job, issues)
        return
    drift.start_drift(job, issues, record_name=name)
    alarms.create_alarm(
        job,
        f"A late record has appeared in Spectrum: {name}. Open it to see what to do.",
    )
