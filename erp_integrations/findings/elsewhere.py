"""Whether what is absent under our key stands in the ERP under another one.

People change a vendor's code, renumber a subcontract or move it to another vendor. A record is the
commitment's where it holds its job and lines and no other commitment here exported it; every vendor
has a number 001, so that a number alone says nothing. Never called inside a transaction.
"""

from collections.abc import Collection, Mapping, Sequence

from django.db.models import Q

from directory.models import HistoryEntry
from erp_integrations.adapters.base import Call, CannotTell, Key, MovedRecord
from erp_integrations.connections.adapting import adapter_for, as_planned
from erp_integrations.models import MAYBE_WRITTEN, CallState, Connection, ExportCall, ExportJob


def find(job: ExportJob) -> tuple[MovedRecord, ...] | CannotTell:
    """Where else a job's record may stand: what is known to be written of it, or else the whole plan."""
    stored = list(job.current_calls())
    written = [call for call in stored[1:] if call.state == CallState.WRITTEN]
    rest = written if stored[0].state == CallState.WRITTEN else stored[1:]
    calls = tuple(as_planned(call) for call in [stored[0], *rest])
    found = find_many(job.connection, [(job, calls)])
    return found if isinstance(found, CannotTell) else found[0]


def find_many(
    connection: Connection, asked: Sequence[tuple[ExportJob, tuple[Call, ...]]]
) -> list[tuple[MovedRecord, ...]] | CannotTell:
    """The same for many plans of one connection, at the cost of one look."""
    seen = adapter_for(connection).find_elsewhere([calls for _, calls in asked])
    return seen if isinstance(seen, CannotTell) else ours(connection, asked, seen)


def ours(
    connection: Connection,
    asked: Sequence[tuple[ExportJob, tuple[Call, ...]]],
    seen: Sequence[tuple[MovedRecord, ...]],
) -> list[tuple[MovedRecord, ...]]:
    """Of what a look has shown, what no other export here and no tick of the job's acceptance explains.

    That with the plan's own number comes first.
    """
    adapter = adapter_for(connection)
    owners = _owners(connection, {record.key for records in seen for record in records})
    found = []
    for (job, calls), records in zip(asked, seen, strict=True):
        own = job.submission.commitment_id
        number = adapter.key_of(calls[0]).erp_id
        ticked = dismissed_by(job) if records else []
        left = [
            record
            for record in records
            if not owners.get(record.key, set()) - {own} and record.fingerprint not in ticked
        ]
        found.append(tuple(sorted(left, key=lambda record: record.key.erp_id != number)))
    return found


def dismissed_by(job: ExportJob) -> list[str]:
    """Exactly the records that the job's acceptance ticked off, as the history keeps it."""
    if job._state.adding:
        return []
    accepted = ("submission.accepted", "export.retried")
    decided = HistoryEntry.objects.about(job.submission).filter(event__in=accepted, detail__job=job.pk).last()
    return [each["fingerprint"] for each in decided.detail.get("other_records", [])] if decided else []


def _owners(connection: Connection, keys: Collection[Key]) -> Mapping[Key, set[int]]:
    """The commitments that may have written under some keys of a Spectrum company. One query at most."""
    owners: dict[Key, set[int]] = {}
    if not keys:
        return owners
    # A job that was tried again under another number keeps the calls that it made under the first.
    named = Q(job__erp_id__in={key.erp_id for key in keys}) | Q(job__plan_round__gt=1)
    tried = Q(state=CallState.WRITTEN) | Q(wire_attempts__outcome__in=MAYBE_WRITTEN)
    headers = (
        ExportCall.objects.filter(named, tried, position=1)
        .filter(job__connection__server=connection.server)
        .filter(job__connection__company_code__iexact=connection.company_code)
        .exclude(state=CallState.GONE)
        .select_related("job__submission")
        .defer("job__submission__snapshot")
        .distinct()
    )
    adapter = adapter_for(connection)
    for call in headers:
        owners.setdefault(adapter.key_of(as_planned(call)), set()).add(call.job.submission.commitment_id)
    return owners
