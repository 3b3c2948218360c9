"""Web signs an acceptance: a worker writes exactly what is signed, and nothing else."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from directory.db.prepared import Parameter, PreparedQuery
from directory.history import canonical, signatures
from directory.models import HistoryEntry, User
from erp_integrations.events import ErpEvent
from erp_integrations.models import ExportJob, Submission

_ACCEPTED_BY = (ErpEvent.SUBMISSION_ACCEPTED, ErpEvent.EXPORT_RETRIED, ErpEvent.SUBMISSION_ADOPTED)
PLANNED_BY = (*_ACCEPTED_BY, ErpEvent.EXPORT_FOLLOWED)
"""The decisions that name the calls of a plan in the history."""
DECIDED_BY = (*_ACCEPTED_BY, ErpEvent.EXPORT_ATTESTED_NONE)
"""Those on which the worker asks for the right of whoever made them."""
SIGNED_LATER = (ErpEvent.EXPORT_RESUMED, ErpEvent.EXPORT_ATTESTED_NONE)
"""These sign a plan whose acceptance is older than signatures."""
ENDED_BY = (
    ErpEvent.SUBMISSION_UNDONE,
    ErpEvent.SUBMISSION_RETURNED,
    ErpEvent.SUBMISSION_REJECTED,
    ErpEvent.SUBMISSION_UNLINKED,
)
"""After these an older acceptance is none any more."""
Decisions = Sequence[HistoryEntry] | None
"""The result of ``read_decisions``; None: it is read."""
ACCEPTED_BEFORE_SIGNING = "it was accepted before acceptances were signed"
NOT_SIGNED = "nobody has signed that it was accepted"
NOT_GRANTED = "nobody has signed that its approver may push to accounting"
ACCEPTED_TWICE = "the history holds two acceptances of it, and somebody wrote one of them into the database"
ACCEPTANCE_ENDED = "the acceptance that it names was taken back, or another one came after it"
CONTENT_CHANGED = "what is stored of it is not what was signed when it was accepted"


def sign_decision(job: ExportJob, *, event: ErpEvent, by: User, calls: Sequence[str]) -> dict[str, Any]:
    """For the detail of a decision: what it binds, with web's signature."""
    statement = {"event": event, "by": by.pk, "wire": job.wire_hash, **_build_bound_values(job, calls)}
    return {"round": job.plan_round, "signed": signatures.sign_statement(statement)}


def read_decisions(job: ExportJob) -> list[HistoryEntry]:
    """The decisions on its submission, oldest first, for more than one question. One query."""
    return list_decisions(submission=job.submission_id)


@PreparedQuery
def list_decisions(submission: Parameter) -> QuerySet[HistoryEntry]:
    events = {*PLANNED_BY, *DECIDED_BY, *SIGNED_LATER, *ENDED_BY}
    return HistoryEntry.objects.about(Submission(pk=submission)).filter(event__in=events)


def list_accepted_calls(job: ExportJob, decisions: Decisions = None) -> list[str]:
    """The hashes of the plan that counts, as the history has them."""
    plans = list_plan_decisions(job, PLANNED_BY, decisions)
    return list(plans[0].detail["calls"]) if plans else []


def describe_missing_signature(job: ExportJob, decisions: Decisions = None) -> str:
    """Why this is nothing that an approver accepted, as words after "because"; blank if one did.

    Of one plan the first acceptance counts, and two are one too many: somebody wrote into the database.
    """
    decisions = read_decisions(job) if decisions is None else decisions
    plans = _list_decisions(job, PLANNED_BY, decisions)
    rounds = [_get_plan_version(entry, number) for number, entry in enumerate(plans, 1)]
    if rounds.count(job.plan_round) > 1:
        return ACCEPTED_TWICE
    if job.plan_round not in rounds:
        return NOT_SIGNED
    plan = entry = plans[rounds.index(job.plan_round)]
    has_ended = any(each.event in ENDED_BY and each.pk > plan.pk for each in decisions)
    if job.plan_round < max(rounds) or has_ended:
        return ACCEPTANCE_ENDED
    statement = signatures.find_signed_statement(entry.detail.get("signed"))
    if statement is None:
        began = signatures.find_signing_start()
        if began is None or began.pk < entry.pk:
            return NOT_SIGNED
        later = list_plan_decisions(job, SIGNED_LATER, decisions)
        statement = signatures.find_signed_statement(later[-1].detail.get("signed")) if later else None
        if statement is None:
            return ACCEPTED_BEFORE_SIGNING
        entry = later[-1]
    bound = _build_bound_values(job, plan.detail["calls"])
    if statement != statement | bound | {"event": entry.event, "by": entry.by_id}:
        return CONTENT_CHANGED
    # A Resume binds the connection as it is by then.
    wire = statement.get("wire")
    for resumed in list_plan_decisions(job, SIGNED_LATER, decisions):
        resumption = signatures.find_signed_statement(resumed.detail.get("signed")) or {}
        wire = resumption["wire"] if resumption == resumption | bound else wire
    return "" if wire == job.wire_hash else CONTENT_CHANGED


def find_signed_decider(job: ExportJob, decisions: Sequence[HistoryEntry]) -> int | None:
    """Who signed the last decision on which it is exported; None where it is not signed."""
    entry = next(reversed(_list_decisions(job, DECIDED_BY, decisions)), None)
    statement = signatures.find_signed_statement(entry.detail.get("signed")) if entry else None
    if entry is None or statement is None or statement.get("job") != job.pk:
        return None
    return entry.by_id if (statement["event"], statement["by"]) == (entry.event, entry.by_id) else None


def list_dismissed_records(job: ExportJob) -> list[dict[str, Any]]:
    """The records that the last acceptance says are others; of two acceptances the first counts."""
    entries = _list_decisions(job, (ErpEvent.SUBMISSION_ACCEPTED, ErpEvent.EXPORT_RETRIED))
    rounds = [_get_plan_version(entry, number) for number, entry in enumerate(entries, 1)]
    return list(entries[rounds.index(max(rounds))].detail.get("other_records", [])) if rounds else []


def check_acceptance_signatures() -> Iterator[str]:
    """Acceptances in the history that break that, since signing began."""
    entries = HistoryEntry.objects.filter(event__in=PLANNED_BY).order_by("pk")
    if began := signatures.find_signing_start():
        entries = entries.filter(pk__gt=began.pk)
    accepted: dict[tuple[Any, Any], int] = {}
    for entry in entries.iterator():
        job, number = entry.detail.get("job"), entry.detail.get("round")
        statement = signatures.find_signed_statement(entry.detail.get("signed")) or {}
        expected = {"event": entry.event, "by": entry.by_id, "job": job, "round": number}
        if statement | expected | {"submission": entry.subject_id} != statement:
            yield f"entry {entry.pk}: nobody has signed this {entry.event} of export {job}"
        if first := accepted.setdefault((job, number), entry.pk) - entry.pk:
            yield f"entry {entry.pk}: export {job} was accepted already by entry {entry.pk + first}"


def _build_bound_values(job: ExportJob, calls: Sequence[str]) -> dict[str, Any]:
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
        "plan": hashlib.sha256(canonical.format_canonical_json(list(calls)).encode()).hexdigest(),
    }


def _list_decisions(job: ExportJob, events: Sequence[str], decisions: Decisions = None) -> list[HistoryEntry]:
    decisions = read_decisions(job) if decisions is None else decisions
    return [each for each in decisions if each.event in events and each.detail.get("job") == job.pk]


def list_plan_decisions(
    job: ExportJob, events: Sequence[str], decisions: Decisions = None
) -> list[HistoryEntry]:
    entries = enumerate(_list_decisions(job, events, decisions), 1)
    return [entry for number, entry in entries if _get_plan_version(entry, number) == job.plan_round]


def _get_plan_version(entry: HistoryEntry, number: int) -> int:
    """Which plan a decision is about. Older ones don't name it: each made the next."""
    stated = entry.detail.get("round")
    return stated if isinstance(stated, int) else number
