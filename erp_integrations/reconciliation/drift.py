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
    DifferenceKind,
    FoundElsewhere,
    Match,
    Mismatch,
    NotFound,
    ValueKind,
)
from erp_integrations.events import ErpEvent
from erp_integrations.exports import outcomes, verification
from erp_integrations.exports.verification import KnownVerdict
from erp_integrations.models import Drift, DriftKind, ExportJob, JobStatus, Submission

MAX_ISSUES_IN_HISTORY = 50
"""The row of the drift itself holds all; history only tells what it was about."""

# What a commitment lets people change after its export.
EDITABLE_FIELDS = ("description", "trade", "issue_date")

DRIFT_KINDS: Mapping[DifferenceKind, DriftKind] = {
    DifferenceKind.CHANGED: DriftKind.CHANGED,
    DifferenceKind.MISSING: DriftKind.MISSING,
    DifferenceKind.EXTRA: DriftKind.EXTRA_LINES,
    DifferenceKind.MOVED: DriftKind.ELSEWHERE,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """An export job, what was seen of it, and the drift that is known so far."""

    job: ExportJob
    read_back: KnownVerdict
    known_drift: Drift | None

    @property
    def has_changed(self) -> bool:
        """Something has to be written but that it was seen once more."""
        issues = check_drift(self.job, self.read_back)
        stored = (self.job.verification, self.job.differences)
        known_drift = self.known_drift.findings if self.known_drift else []
        return issues != known_drift or stored != verification.to_verification_columns(self.read_back)


def check_drift(job: ExportJob, read_back: KnownVerdict) -> list[dict[str, str]]:
    """Everything that is not as it was exported, Spectrum's side first; empty when all agrees. That of a
    status shows at its record.
    """
    if job.submission.new_status:
        return []
    return [*check_erp_changes(job, read_back), *check_local_changes(job.submission)]


def check_local_changes(submission: Submission) -> list[dict[str, str]]:
    """People's changes of an exported commitment since it was sent, of which Spectrum was not told.

    Of a snapshot that was altered nothing can be said but that.
    """
    try:
        document = submission.document
    except ValueError:
        return [
            build_issue(DriftKind.CHANGED_HERE, "Snapshot", "", "as it was sent", "altered in the database")
        ]
    commitment: Commitment = submission.commitment
    issues = []
    for name in EDITABLE_FIELDS:
        label = name.replace("_", " ").capitalize()
        exported, now = _format_value(getattr(document, name)), _format_value(getattr(commitment, name))
        if exported != now:
            kind = ValueKind.DATE if name == "issue_date" else ValueKind.TEXT
            issues.append(build_issue(DriftKind.CHANGED_HERE, "Commitment", label, exported, now, kind))
    return issues


def list_kinds(issues: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of some findings, each once, in the order of their declaration."""
    named = {each["kind"] for each in issues}
    return [kind.value for kind in DriftKind if kind.value in named]


@transaction.atomic
def record_comparison(comparison: Comparison, lock_run: Callable[[], None]) -> None:
    """Write down what was seen of one commitment, unless it was unlinked or exported anew meanwhile.

    ``lock_run`` raises LeaseLost where another worker has taken the run over. The commitment is
    read again under its lock, as somebody may just have changed it.
    """
    job = outcomes.lock_job_and_parents(comparison.job.pk)
    lock_run()
    if (job.status, job.plan_round) != (JobStatus.SYNCED, comparison.job.plan_round):
        return
    issues = check_drift(job, comparison.read_back)
    known_drift = Drift.objects.current().select_for_update().filter(job=job, record_name="").first()
    if (job.verification, job.differences) != verification.to_verification_columns(comparison.read_back):
        verification.set_verification(job, comparison.read_back)
        if isinstance(comparison.read_back, Match) and (known_drift is None or issues):
            # Otherwise the end of the drift says so.
            outcomes.record_export_event(
                job, ErpEvent.EXPORT_VERIFIED, {"verification": job.verification, "differences": []}
            )
    if known_drift is None and issues:
        start_drift(job, issues)
    elif known_drift is not None and not issues:
        end_drift(known_drift, job)
    elif known_drift is not None:
        update_drift(known_drift, job, issues)


def end_drift(drift: Drift, job: ExportJob) -> None:
    """It agrees again, or there is nothing left to compare. The job is locked."""
    drift.gone_at = Now()
    drift.save(update_fields=["gone_at"])
    outcomes.record_export_event(job, ErpEvent.DRIFT_ENDED, {"kinds": drift.kinds})


def resolve_moved_record(job: ExportJob) -> None:
    """Its new key is ours now, and what stood elsewhere drifts no more. The job is locked."""
    known_drift = Drift.objects.current().select_for_update().filter(job=job, record_name="").first()
    if known_drift is None:
        return
    remaining = [each for each in known_drift.findings if each["kind"] != DriftKind.ELSEWHERE]
    if remaining:
        update_drift(known_drift, job, remaining)
    else:
        end_drift(known_drift, job)


def start_drift(job: ExportJob, issues: list[dict[str, str]], *, record_name: str = "") -> None:
    """It drifts from now on, in its own record or in one that turned up. The job is locked."""
    Drift.objects.create(
        company=job.submission.company,
        submission=job.submission,
        job=job,
        kinds=list_kinds(issues),
        findings=issues,
        record_name=record_name,
    )
    outcomes.record_export_event(job, ErpEvent.DRIFT_BEGAN, _build_history_detail(issues))


def update_drift(drift: Drift, job: ExportJob, issues: list[dict[str, str]]) -> None:
    """It still drifts, in this way now. The job is locked."""
    changed = drift.findings != issues
    drift.kinds, drift.findings, drift.last_seen_at = list_kinds(issues), issues, Now()
    drift.save(update_fields=["kinds", "findings", "last_seen_at"])
    if changed:
        outcomes.record_export_event(job, ErpEvent.DRIFT_CHANGED, _build_history_detail(issues))


def _build_history_detail(issues: list[dict[str, str]]) -> dict[str, object]:
    return {"kinds": list_kinds(issues), "findings": issues[:MAX_ISSUES_IN_HISTORY], "count": len(issues)}


def check_erp_changes(job: ExportJob, read_back: KnownVerdict) -> list[dict[str, str]]:
    match read_back:
        case Match():
            return []
        case NotFound(candidates=possible, other_job=held_by):
            now = f"another contract, of job {held_by}" if held_by else "nothing"
            if possible:
                now += f"; it may be {'; or '.join(record.sentence for record in possible)}"
            return [build_issue(DriftKind.MISSING, "Subcontract", "", job.erp_id, now)]
        case FoundElsewhere(records=records):
            now = "; or ".join(record.sentence for record in records)
            return [build_issue(DriftKind.ELSEWHERE, "Subcontract", "", job.record_name, now)]
        case Mismatch(differences=differences):
            return [
                build_issue(
                    DRIFT_KINDS[each.kind], each.title, each.name, each.sent, each.stored, each.value_kind
                )
                for each in differences
            ]


def _format_value(value: str | date | None) -> str:
    if isinstance(value, date):
        return f"{value.month:02}/{value.day:02}/{value.year:04}"
    return (value or "").strip()


def build_issue(
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
