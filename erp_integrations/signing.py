"""What was accepted, as web signed it: a worker writes exactly that, and nothing that is not signed."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from directory.history import canonical, signatures
from directory.models import HistoryEntry, HistoryQuerySet, User
from erp_integrations.models import ExportJob

PLANNED_BY = ("submission.accepted", "export.retried", "submission.adopted", "export.followed")
"""The decisions that name the calls of a plan in the history."""
DECIDED_BY = ("submission.accepted", "export.retried", "submission.adopted", "export.attested_none")
"""Those on which the worker asks for the right of whoever made them."""
SIGNED_LATER = ("export.resumed", "export.attested_none")
"""What signs a plan of which the acceptance is older than signatures."""
ENDED_BY = ("submission.undone", "submission.returned", "submission.rejected", "submission.unlinked")
"""After these an older acceptance is none any more."""
BEFORE = "it was accepted before acceptances were signed"
NOBODY = "nobody has signed that it was accepted"
NOT_GRANTED = "nobody has signed that its approver may push to accounting"
TWICE = "the history holds two acceptances of it, and somebody wrote one of them into the database"
ENDED = "the acceptance that it names was taken back, or another one came after it"
CHANGED = "what is stored of it is not what was signed when it was accepted"


def signed(job: ExportJob, *, event: str, by: User, calls: Sequence[str]) -> dict[str, Any]:
    """For the detail of a decision: what it binds, with web's signature."""
    statement = {"event": event, "by": by.pk, "wire": job.wire_hash, **_bound(job, calls)}
    return {"round": job.plan_round, "signed": signatures.signed(statement)}


def accepted_calls(job: ExportJob) -> list[str]:
    """The hashes of the plan that counts, as the history has them."""
    plans = _of_round(job, PLANNED_BY)
    return list(plans[0].detail["calls"]) if plans else []


def why_unsigned(job: ExportJob) -> str:
    """Why this is nothing that an approver accepted, as words after "because"; blank if one did.

    Of one plan the first acceptance counts, and two are one too many: somebody wrote into the database.
    """
    every = list(_decisions(job, PLANNED_BY))
    rounds = [_round(entry, number) for number, entry in enumerate(every, 1)]
    if rounds.count(job.plan_round) > 1:
        return TWICE
    if job.plan_round not in rounds:
        return NOBODY
    plan = entry = every[rounds.index(job.plan_round)]
    ended = HistoryEntry.objects.about(job.submission).filter(event__in=ENDED_BY, pk__gt=plan.pk)
    if job.plan_round < max(rounds) or ended.exists():
        return ENDED
    statement = signatures.statement_in(entry.detail.get("signed"))
    if statement is None:
        began = signatures.began()
        if began is None or began.pk < entry.pk:
            return NOBODY
        later = _of_round(job, SIGNED_LATER)
        statement = signatures.statement_in(later[-1].detail.get("signed")) if later else None
        if statement is None:
            return BEFORE
        entry = later[-1]
    bound = _bound(job, plan.detail["calls"])
    if statement != statement | bound | {"event": entry.event, "by": entry.by_id}:
        return CHANGED
    # A Resume binds the connection as it is by then.
    wire = statement.get("wire")
    for resumed in _of_round(job, SIGNED_LATER):
        word = signatures.statement_in(resumed.detail.get("signed")) or {}
        wire = word["wire"] if word == word | bound else wire
    return "" if wire == job.wire_hash else CHANGED


def decided_by(job: ExportJob) -> int | None:
    """Who signed the last decision on which it is exported; None where it is not signed."""
    entry = _decisions(job, DECIDED_BY).last()
    statement = signatures.statement_in(entry.detail.get("signed")) if entry else None
    if entry is None or statement is None or statement.get("job") != job.pk:
        return None
    return entry.by_id if (statement["event"], statement["by"]) == (entry.event, entry.by_id) else None


def ticked_off(job: ExportJob) -> list[dict[str, Any]]:
    """The records that the last acceptance says are others; of two acceptances the first counts."""
    entries = list(_decisions(job, ("submission.accepted", "export.retried")))
    rounds = [_round(entry, number) for number, entry in enumerate(entries, 1)]
    return list(entries[rounds.index(max(rounds))].detail.get("other_records", [])) if rounds else []


def each_acceptance_is_signed_once() -> Iterator[str]:
    """What of the history breaks that, since signing began."""
    entries = HistoryEntry.objects.filter(event__in=PLANNED_BY).order_by("pk")
    if began := signatures.began():
        entries = entries.filter(pk__gt=began.pk)
    seen: dict[tuple[Any, Any], int] = {}
    for entry in entries.iterator():
        job, number = entry.detail.get("job"), entry.detail.get("round")
        statement = signatures.statement_in(entry.detail.get("signed")) or {}
        told = {"event": entry.event, "by": entry.by_id, "job": job, "round": number}
        if statement | told | {"submission": entry.subject_id} != statement:
            yield f"entry {entry.pk}: nobody has signed this {entry.event} of export {job}"
        if first := seen.setdefault((job, number), entry.pk) - entry.pk:
            yield f"entry {entry.pk}: export {job} was accepted already by entry {entry.pk + first}"


def _bound(job: ExportJob, calls: Sequence[str]) -> dict[str, Any]:
    submission = job.submission
    return {
        "company": submission.company_id,
        "submission": submission.pk,
        "snapshot": submission.snapshot_hash,
        "job": job.pk,
        "round": job.plan_round,
        "connection": job.connection_id,
        "vendor_code": job.vendor_code,
        "erp_id": job.erp_id,
        "basis": job.basis_hash,
        "plan": hashlib.sha256(canonical.canonical_json(list(calls)).encode()).hexdigest(),
    }


def _decisions(job: ExportJob, events: Sequence[str]) -> HistoryQuerySet:
    return HistoryEntry.objects.about(job.submission).filter(event__in=events, detail__job=job.pk)


def _of_round(job: ExportJob, events: Sequence[str]) -> list[HistoryEntry]:
    entries = enumerate(_decisions(job, events), 1)
    return [entry for number, entry in entries if _round(entry, number) == job.plan_round]


def _round(entry: HistoryEntry, number: int) -> int:
    """Which plan a decision is about. Older ones don't name it: each made the next."""
    told = entry.detail.get("round")
    return told if isinstance(told, int) else number
