"""A record that is absent under our key may stand in the ERP under another one.

People change a vendor's code, renumber a subcontract or move it to another vendor, and change lines of
it besides. A record is the commitment's, or may be, where it is of its job and no other commitment here
exported it; the adapter says how sure that is. Never called inside a transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from django.db.models import Q

from erp_integrations import signing
from erp_integrations.adapters.base import (
    Call,
    Key,
    Mismatch,
    MovedRecord,
    NotFound,
    OtherJob,
    StoredRecord,
    Unavailable,
    Verdict,
)
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.models import MAYBE_WRITTEN, CallState, Connection, ExportCall, ExportJob


def find_moved_records(job: ExportJob) -> tuple[MovedRecord, ...] | Unavailable:
    """Where else a job's record may stand: what is known to be written of it, or else the whole plan.

    What only the whole plan speaks for, of which a part is known to be written, is a possible one.
    """
    stored = list(job.record_job.list_current_calls())
    written = [call for call in stored[1:] if call.state == CallState.WRITTEN]
    rest = written if stored[0].state == CallState.WRITTEN else stored[1:]
    plans = [[stored[0], *rest], *([stored] if len(rest) < len(stored) - 1 else [])]
    asked = [(job, tuple(map(to_call, plan))) for plan in plans]
    found = find_moved_records_of_jobs(job.connection, asked)
    if isinstance(found, Unavailable):
        return found
    known = {record.key for record in found[0]}
    return found[0] + tuple(
        replace(record, likeness=record.likeness or f"{record.matched} of {record.planned} lines")
        for records in found[1:]
        for record in records
        if record.key not in known
    )


def find_other_job(job: ExportJob, found: StoredRecord | NotFound | Unavailable) -> str:
    """The job of another contract that has a record's key by now; blank where it is the record, or nothing.

    A record's job can't be changed in Spectrum, and its key can be used again.
    """
    if not isinstance(found, StoredRecord):
        return ""
    own = get_adapter(job.connection).get_job_number(to_call(job.list_current_calls()[0]))
    stored = found.job_number.strip()
    return stored if stored.upper() != own.strip().upper() else ""


def find_absence(verdict: Verdict) -> NotFound | None:
    """That nothing is under a plan's key, or only another job's record; None where it is its own."""
    if isinstance(verdict, Mismatch):
        jobs = (each.stored for each in verdict.differences if isinstance(each, OtherJob))
        return next((NotFound(other_job=stored) for stored in jobs if stored), None)
    return verdict if isinstance(verdict, NotFound) else None


def find_moved_records_of_jobs(
    connection: Connection, asked: Sequence[tuple[ExportJob, tuple[Call, ...]]]
) -> list[tuple[MovedRecord, ...]] | Unavailable:
    """The same for many plans of one connection, at the cost of one look."""
    records = get_adapter(connection).find_moved_records([calls for _, calls in asked])
    return records if isinstance(records, Unavailable) else list_unexplained(connection, asked, records)


def list_unexplained(
    connection: Connection,
    asked: Sequence[tuple[ExportJob, tuple[Call, ...]]],
    found_records: Sequence[tuple[MovedRecord, ...]],
) -> list[tuple[MovedRecord, ...]]:
    """Of what a look has shown, what no other export here and no tick of the job's acceptance explains.

    What is certain comes first, and of that what has the plan's own number.
    """
    adapter = get_adapter(connection)
    owners = find_owners(connection, {record.key for records in found_records for record in records})
    found = []
    for (job, calls), records in zip(asked, found_records, strict=True):
        own = job.submission.commitment_id
        number = adapter.get_call_key(calls[0]).erp_id
        # Exactly the records that the job's acceptance ticked off, as the history keeps it.
        is_decided = records and not job._state.adding
        ticked = signing.list_dismissed_records(job) if is_decided else []
        dismissed = {each["fingerprint"] for each in ticked}
        unexplained = [
            record
            for record in records
            if not owners.get(record.key, set()) - {own} and record.fingerprint not in dismissed
        ]
        unexplained.sort(key=lambda record: (not record.is_certain, record.key.erp_id != number))
        found.append(tuple(unexplained))
    return found


def find_owners(connection: Connection, keys: Collection[Key]) -> Mapping[Key, set[int]]:
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
    adapter = get_adapter(connection)
    for call in headers:
        owners.setdefault(adapter.get_call_key(to_call(call)), set()).add(call.job.submission.commitment_id)
    return owners
