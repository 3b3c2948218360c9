"""After a delivery: read it back, and say whether Spectrum holds what was accepted.

A look that was made before Info-Link's lag is over proves nothing, so ``outcomes.finish`` sets the
time of the first one, and that one counts. Looking changes nothing, so two workers may look at the same
job; whoever is second finds it verified.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from erp_integrations import alarms
from erp_integrations.adapters.base import (
    FoundElsewhere,
    Match,
    Mismatch,
    MovedRecord,
    NotFound,
    Unavailable,
    Verdict,
)
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.checks import moved_records
from erp_integrations.events import ErpEvent
from erp_integrations.exports import ledger, outcomes
from erp_integrations.models import ExportJob, JobStatus, Verification

BATCH_SIZE = 50
READ_BACK_INTERVAL = timedelta(minutes=1)

KnownVerdict = Match | Mismatch | NotFound | FoundElsewhere
"""A verdict of somebody who could look."""


def list_due_for_verification() -> list[int]:
    """The connections with a delivery to be read back now."""
    return list(ExportJob.objects.unverified().order_by().values_list("connection", flat=True).distinct())


def verify_due(connection_id: int | None = None) -> int:
    """Read back what is due, of one connection or all; how many are verified now.

    A database that does not answer is asked once.
    """
    verified = 0
    silent: set[int] = set()
    due = ExportJob.objects.unverified().select_related("connection__settings").order_by("verify_after", "pk")
    if connection_id is not None:
        due = due.filter(connection=connection_id)
    for job in due[:BATCH_SIZE]:
        if job.connection_id in silent:
            continue
        verdict = verify_job(job)
        if isinstance(verdict, Unavailable):
            silent.add(job.connection_id)
        verified += record_verdict(job.pk, verdict, job.plan_round)
    return verified


def verify_job(job: ExportJob) -> Verdict:
    """Compare what was accepted with what Spectrum holds now. No transaction may be open."""
    calls = tuple(to_call(stored) for stored in job.list_current_calls())
    (calls,) = ledger.list_expected_calls({job: calls}).values()
    verdict = get_adapter(job.connection).verify_plan(calls)
    if absent := moved_records.find_absence(verdict):
        return build_absence_verdict(absent, moved_records.find_moved_records(job))
    return verdict


@transaction.atomic
def record_verdict(job_id: int, verdict: Verdict, plan_version: int = 1) -> bool:
    """Write down what was seen of a plan; False if somebody else did, or nothing was seen."""
    job = outcomes.lock_job_and_parents(job_id)
    if job.plan_round != plan_version:
        return False  # it was followed to another key meanwhile
    if (job.status, job.verification) != (JobStatus.SYNCED, Verification.PENDING):
        return False
    if isinstance(verdict, Unavailable):
        job.verify_after = Now() + READ_BACK_INTERVAL
        job.save(update_fields=["verify_after"])
        return False
    set_verification(job, verdict)
    detail = {"verification": job.verification, "differences": job.differences}
    outcomes.record_export_event(job, EVENTS[job.verification], detail)
    return True


def set_verification(job: ExportJob, verdict: KnownVerdict) -> None:
    """Write what was seen on a synced job that is locked, and on its commitment's badge.

    What a person said to have seen was what stood there then, and no other thing.
    """
    before, seen = (job.verification, job.differences), job.seen_at
    job.verification, job.differences = to_verification_columns(verdict)
    if seen and before != (job.verification, job.differences):
        job.seen_by = job.seen_at = None
        job.seen_reason = ""
        if job.taken_over and before[0] == Verification.ABSENT:  # it is there again, and counts
            job.submission.commitment.lines.filter(committed=0).update(committed=None)
    if job.deviates and (job.verification != before[0] or seen != job.seen_at):
        alarms.create_alarm(job, ALARMS[job.verification])
    job.filled = [asdict(each) for each in verdict.filled] if isinstance(verdict, Match | Mismatch) else []
    job.verified_at = Now()
    changed = ["verification", "differences", "filled", "verified_at", "seen_by", "seen_at", "seen_reason"]
    job.save(update_fields=changed)
    badge = outcomes.get_synced_badge(job)
    if job.submission.commitment.badge != badge:
        outcomes.set_badge(job.submission, badge)


def to_verification_columns(verdict: KnownVerdict) -> tuple[Verification, list[dict[str, str]]]:
    """A verdict as a job's columns ``verification`` and ``differences`` hold it."""
    match verdict:
        case Match():
            return Verification.MATCH, []
        case NotFound():
            return Verification.ABSENT, []
        case FoundElsewhere(records=records):
            return Verification.ELSEWHERE, to_differences_column(records)
        case Mismatch(differences=differences):
            return Verification.DIFFERS, [asdict(each) for each in differences]


def build_absence_verdict(
    absent: NotFound, found: tuple[MovedRecord, ...] | Unavailable
) -> NotFound | FoundElsewhere | Unavailable:
    """The meaning of an absence under the key once the record was looked for under others."""
    if isinstance(found, Unavailable):
        return found
    certain = tuple(each for each in found if each.is_certain)
    return FoundElsewhere(certain) if certain else NotFound(found, absent.other_job)


def to_differences_column(records: Sequence[MovedRecord]) -> list[dict[str, str]]:
    """Where a record stands now, as a job's column ``differences`` holds it."""
    return [asdict(each.difference) for each in records]


ALARMS: dict[str, str] = {
    Verification.ABSENT: "Spectrum confirmed every call, but the record was not found when read back.",
    Verification.ELSEWHERE: "It was moved in Spectrum: its vendor code or number has changed.",
    Verification.DIFFERS: "When read back, what is in Spectrum differed from what was accepted.",
}
EVENTS: dict[str, ErpEvent] = {
    Verification.MATCH: ErpEvent.EXPORT_VERIFIED,
    Verification.DIFFERS: ErpEvent.EXPORT_DIFFERS,
    Verification.ABSENT: ErpEvent.EXPORT_ABSENT,
    Verification.ELSEWHERE: ErpEvent.EXPORT_ELSEWHERE,
}
