"""In which way one commitment is not what was exported, and writing down that it began, changed or ended.

Two sides may drift: what Spectrum holds, and what stays editable here after an export. Spectrum's
side decides about verification and badge too; ours is only marked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from commitments.models import Commitment
from erp_integrations.adapters.base import (
    Absent,
    Difference,
    DifferenceKind,
    Differs,
    Elsewhere,
    Match,
    ValueKind,
)
from erp_integrations.exports import outcomes, verification
from erp_integrations.exports.verification import Seen
from erp_integrations.models import Drift, DriftKind, ExportJob, JobStatus, Submission

MOST_IN_HISTORY = 50
"""The row of the drift itself holds all; history only tells what it was about."""

# What a commitment lets people change after its export, and how they know it.
EDITABLE: Mapping[str, str] = {"description": "Description", "trade": "Trade", "issue_date": "Issue date"}

_KINDS: Mapping[DifferenceKind, DriftKind] = {
    DifferenceKind.CHANGED: DriftKind.CHANGED,
    DifferenceKind.MISSING: DriftKind.MISSING,
    DifferenceKind.EXTRA: DriftKind.EXTRA_LINES,
    DifferenceKind.MOVED: DriftKind.ELSEWHERE,
}


@dataclass(frozen=True, slots=True)
class Compared:
    """An export job, what was seen of it, and the drift that is known so far."""

    job: ExportJob
    seen: Seen
    known: Drift | None

    @property
    def is_news(self) -> bool:
        """Whether anything has to be written but that it was seen once more."""
        found = findings(self.job, self.seen)
        stored = (self.job.verification, self.job.differences)
        known = self.known.findings if self.known else []
        return found != known or stored != verification.as_stored(self.seen)


def findings(job: ExportJob, seen: Seen) -> list[dict[str, str]]:
    """Everything that is not as it was exported, Spectrum's side first; empty when all agrees."""
    return [*_in_spectrum(job, seen), *changed_here(job.submission)]


def changed_here(submission: Submission) -> list[dict[str, str]]:
    """What people changed of an exported commitment since it was sent, and Spectrum was not told.

    Of a snapshot that was altered nothing can be said but that.
    """
    try:
        document = submission.document
    except ValueError:
        return [finding(DriftKind.CHANGED_HERE, "Snapshot", "", "as it was sent", "altered in the database")]
    commitment: Commitment = submission.commitment
    found = []
    for name, label in EDITABLE.items():
        exported, now = _text(getattr(document, name)), _text(getattr(commitment, name))
        if exported != now:
            kind = ValueKind.DATE if name == "issue_date" else ValueKind.TEXT
            found.append(finding(DriftKind.CHANGED_HERE, "Commitment", label, exported, now, kind))
    return found


def kinds(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of some findings, each once, in the order of their declaration."""
    named = {each["kind"] for each in found}
    return [kind.value for kind in DriftKind if kind.value in named]


@transaction.atomic
def record(compared: Compared, run_is_mine: Callable[[], None]) -> None:
    """Write down what was seen of one commitment, unless it was unlinked or exported anew meanwhile.

    ``run_is_mine`` raises LeaseLost where another worker has taken the run over. The commitment is
    read again under its lock, as somebody may just have changed it.
    """
    held = outcomes.lock(compared.job.pk)
    run_is_mine()
    if (held.status, held.plan_round) != (JobStatus.SYNCED, compared.job.plan_round):
        return
    found = findings(held, compared.seen)
    known = Drift.objects.current().select_for_update().filter(job=held, record_name="").first()
    if (held.verification, held.differences) != verification.as_stored(compared.seen):
        verification.note(held, compared.seen)
        if isinstance(compared.seen, Match) and (known is None or found):
            # Otherwise the end of the drift says so.
            outcomes.record(held, "export.verified", {"verification": held.verification, "differences": []})
    if known is None and found:
        begin(held, found)
    elif known is not None and not found:
        end(known, held)
    elif known is not None:
        go_on(known, held, found)


def end(drift: Drift, job: ExportJob) -> None:
    """It agrees again, or there is nothing left to compare. The job is locked."""
    drift.gone_at = Now()
    drift.save(update_fields=["gone_at"])
    outcomes.record(job, "drift.ended", {"kinds": drift.kinds})


def followed(job: ExportJob) -> None:
    """Its new key is ours now, and what stood elsewhere drifts no more. The job is locked."""
    known = Drift.objects.current().select_for_update().filter(job=job, record_name="").first()
    if known is None:
        return
    left = [each for each in known.findings if each["kind"] != DriftKind.ELSEWHERE]
    if left:
        go_on(known, job, left)
    else:
        end(known, job)


def begin(job: ExportJob, found: list[dict[str, str]], *, record_name: str = "") -> None:
    """It drifts from now on, in its own record or in one that turned up. The job is locked."""
    Drift.objects.create(
        company=job.submission.company,
        submission=job.submission,
        job=job,
        kinds=kinds(found),
        findings=found,
        record_name=record_name,
    )
    outcomes.record(job, "drift.began", _told(found))


def go_on(drift: Drift, job: ExportJob, found: list[dict[str, str]]) -> None:
    """It still drifts, in this way now. The job is locked."""
    changed = drift.findings != found
    drift.kinds, drift.findings, drift.last_seen_at = kinds(found), found, Now()
    drift.save(update_fields=["kinds", "findings", "last_seen_at"])
    if changed:
        outcomes.record(job, "drift.changed", _told(found))


def _told(found: list[dict[str, str]]) -> dict[str, object]:
    return {"kinds": kinds(found), "findings": found[:MOST_IN_HISTORY], "count": len(found)}


def _in_spectrum(job: ExportJob, seen: Seen) -> list[dict[str, str]]:
    match seen:
        case Match():
            return []
        case Absent(possible=possible, held_by=held_by):
            now = f"another contract, of job {held_by}" if held_by else "nothing"
            if possible:
                now += f"; it may be {'; or '.join(record.sentence for record in possible)}"
            return [finding(DriftKind.MISSING, "Subcontract", "", job.erp_id, now)]
        case Elsewhere(records=records):
            now = "; or ".join(record.sentence for record in records)
            key = f"vendor {job.vendor_code}, subcontract {job.erp_id}"
            return [finding(DriftKind.ELSEWHERE, "Subcontract", "", key, now)]
        case Differs(differences=differences):
            return [_of(each) for each in differences]


def _of(difference: Difference) -> dict[str, str]:
    return finding(
        _KINDS[difference.kind],
        difference.title,
        difference.name,
        difference.sent,
        difference.stored,
        difference.value_kind,
    )


def _text(value: str | date | None) -> str:
    if isinstance(value, date):
        return f"{value.month:02}/{value.day:02}/{value.year:04}"
    return (value or "").strip()


def finding(
    kind: DriftKind, title: str, name: str, exported: str, now: str, value_kind: ValueKind = ValueKind.TEXT
) -> dict[str, str]:
    """One thing that is not as it was exported, as a drift keeps it."""
    return {
        "kind": kind.value,
        "title": title,
        "name": name,
        "exported": exported,
        "now": now,
        "value_kind": value_kind.value,
    }
