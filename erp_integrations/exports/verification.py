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

from commitments import services as commitments
from commitments.models import Badge
from erp_integrations import alarms
from erp_integrations.adapters.base import (
    Absent,
    CannotTell,
    Differs,
    Elsewhere,
    Match,
    MovedRecord,
    Verdict,
)
from erp_integrations.adapters.registry import adapter_for, as_planned
from erp_integrations.checks import other_records
from erp_integrations.exports import outcomes
from erp_integrations.models import ExportJob, JobStatus, Verification

AT_ONCE = 50
LOOK_AGAIN = timedelta(minutes=1)

Seen = Match | Differs | Absent | Elsewhere
"""A verdict of somebody who could look."""


def to_verify() -> list[int]:
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
    for job in due[:AT_ONCE]:
        if job.connection_id in silent:
            continue
        calls = tuple(as_planned(stored) for stored in job.current_calls())
        verdict = adapter_for(job.connection).verify(calls)
        if absent := other_records.absent_of(verdict):
            verdict = absent_or_elsewhere(absent, other_records.find(job))
        if isinstance(verdict, CannotTell):
            silent.add(job.connection_id)
        verified += _record(job.pk, verdict, job.plan_round)
    return verified


@transaction.atomic
def _record(job_id: int, verdict: Verdict, plan_round: int = 1) -> bool:
    """Write down what was seen of a plan; False if somebody else did, or nothing was seen."""
    held = outcomes.lock(job_id)
    if held.plan_round != plan_round:
        return False  # it was followed to another key meanwhile
    if (held.status, held.verification) != (JobStatus.SYNCED, Verification.PENDING):
        return False
    if isinstance(verdict, CannotTell):
        held.verify_after = Now() + LOOK_AGAIN
        held.save(update_fields=["verify_after"])
        return False
    note(held, verdict)
    outcomes.record(
        held,
        f"export.{EVENTS[held.verification]}",
        {"verification": held.verification, "differences": held.differences},
    )
    return True


def note(held: ExportJob, verdict: Seen) -> None:
    """Write what was seen on a synced job that is locked, and on its commitment's badge."""
    before = held.verification
    held.verification, held.differences = as_stored(verdict)
    if held.verification == Verification.ABSENT != before:
        alarms.raise_for(held, "Spectrum said yes to every call, but read back it does not show the record.")
    if held.verification == Verification.ELSEWHERE != before:
        alarms.raise_for(held, "It was moved in Spectrum: it has another vendor code or number there now.")
    held.filled = [asdict(each) for each in verdict.filled] if isinstance(verdict, Match | Differs) else []
    held.verified_at = Now()
    held.save(update_fields=["verification", "differences", "filled", "verified_at"])
    badge = outcomes.VERIFIED_BADGES.get(held.verification, Badge.SYNCED)
    if held.submission.commitment.badge != badge:
        commitments.mark(held.submission.commitment, badge=badge)


def as_stored(verdict: Seen) -> tuple[Verification, list[dict[str, str]]]:
    """A verdict as a job's columns ``verification`` and ``differences`` hold it."""
    match verdict:
        case Match():
            return Verification.MATCH, []
        case Absent():
            return Verification.ABSENT, []
        case Elsewhere(records=records):
            return Verification.ELSEWHERE, differences_of(records)
        case Differs(differences=differences):
            return Verification.DIFFERS, [asdict(each) for each in differences]


def absent_or_elsewhere(
    absent: Absent, found: tuple[MovedRecord, ...] | CannotTell
) -> Absent | Elsewhere | CannotTell:
    """What an absence under the key means once it was looked for under others."""
    if isinstance(found, CannotTell):
        return found
    certain = tuple(each for each in found if each.is_certain)
    return Elsewhere(certain) if certain else Absent(found, absent.held_by)


def differences_of(records: Sequence[MovedRecord]) -> list[dict[str, str]]:
    """Where a record stands now, as a job's column ``differences`` holds it."""
    return [asdict(each.difference) for each in records]


EVENTS: dict[str, str] = {
    Verification.MATCH: "verified",
    Verification.DIFFERS: "differs",
    Verification.ABSENT: "absent",
    Verification.ELSEWHERE: "elsewhere",
}
