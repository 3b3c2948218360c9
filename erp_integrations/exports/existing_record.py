"""A record under our key that our own ledger does not know, held against what would be written there.

After a restored backup, or a commit that came late, it is ours all the same: then the advice to
choose another ERP ID would put the money into Spectrum twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from erp_integrations.adapters.base import (
    Adapter,
    Call,
    Difference,
    Key,
    MovedRecord,
    NotFound,
    OtherJob,
    StoredRecord,
    Unavailable,
)
from erp_integrations.adapters.registry import get_adapter, get_job_key
from erp_integrations.checks import moved_records, preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import unknown
from erp_integrations.exports.unknown import PlanComparison, ShownPart
from erp_integrations.models import ExportJob, SnapshotUnreadable, Submission

MOST_DIFFERENCES = 5  # in a sentence


@dataclass(frozen=True, slots=True)
class ExistingRecord:
    """A record under a key, and how much of a plan that is; None where there is no plan to compare."""

    key: Key
    record: StoredRecord
    compared: PlanComparison | None

    @property
    def is_ours(self) -> bool:
        """Its job is the plan's: a record's job can't be changed, and its key can be used again."""
        return self.compared is None or not any(
            isinstance(each, OtherJob) for each in self.compared.differences
        )

    @property
    def is_whole(self) -> bool:
        return self.compared is not None and self.compared.shown is ShownPart.ALL

    @property
    def can_be_adopted(self) -> bool:
        return self.compared is not None and self.compared.shown in (ShownPart.ALL, ShownPart.PART)

    @property
    def code(self) -> str:
        if self.can_be_adopted:
            return "record-as-planned" if self.is_whole else "record-in-part"
        return (
            "record-otherwise" if self.compared and self.compared.is_same_contract else "erp-id-in-spectrum"
        )

    @property
    def sentence(self) -> str:
        """The record, beside what would be written."""
        name = f"subcontract {self.key.erp_id} of vendor {self.key.vendor_code}"
        count = len(self.record.lines)
        holds = (
            f"job {self.record.job_number}, {count} {'line' if count == 1 else 'lines'}, "
            f"amount {self.record.amount}"
        )
        match self.code, self.compared:
            case "record-as-planned", _:
                return f"Spectrum already has {name}, exactly as it would be exported: {holds}."
            case "record-in-part", PlanComparison(written=written):
                return (
                    f"Spectrum already has part of it as {name}: {sum(written)} of {len(written)} calls, "
                    f"each exactly as it would be exported ({holds})."
                )
            case "record-otherwise", PlanComparison(differences=differences):
                return (
                    f"Spectrum already has {name} for the same job and with lines of this commitment, but it "
                    f"differs from what would be exported. {format_differences(differences)}."
                )
        return f"Spectrum already has {name}, which was not created here: {holds}. It would be overwritten."

    @property
    def advice(self) -> str:
        """Never another number where job and lines are the plan's."""
        if self.compared is None:
            return "Resolve the other issues first. Then it is compared with what would be exported."
        return {
            "record-as-planned": "Mark it as exported. Nothing is written then.",
            "record-in-part": "Adopt it and send the rest.",
            "record-otherwise": "Keep this ERP ID: under another one the amount would be in Spectrum twice. "
            "Correct it in Spectrum, then check again.",
        }.get(self.code, "Choose another ERP ID in the Accept dialog.")


def compare_record(adapter: Adapter, key: Key, calls: Sequence[Call], record: StoredRecord) -> ExistingRecord:
    """Hold a record against a plan of which nothing is known to be written; no calls: there is no plan."""
    unsent = [(call, False) for call in calls]
    return ExistingRecord(key, record, unknown.compare_plan(adapter, unsent, (), record) if calls else None)


def build_plan(submission: Submission) -> tuple[Adapter, Key, list[Call]]:
    """The calls for a submission, and their key: as accepted, or as proposed while it awaits.

    No calls where something blocks that, or what was sent can't be read.
    """
    if job := submission.jobs.current().select_related("connection__settings").first():
        adapter = get_adapter(job.connection)
        return adapter, get_job_key(job), [call for call, _ in unknown.list_planned_calls(job)]
    try:
        basis = build_basis(submission.document)
    except SnapshotUnreadable:
        return get_adapter(submission.connection), Key("", "", ""), []
    erp_id = basis.proposed_erp_id
    issues = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id)
    calls = () if preflight.list_blocking(issues) else basis.build_calls(erp_id=erp_id)
    return basis.adapter, basis.get_key(erp_id), list(calls)


def find_record(submission: Submission) -> ExistingRecord | NotFound | Unavailable:
    """Look up what stands where it would be written. With no transaction open."""
    adapter, key, calls = build_plan(submission)
    if not calls:
        return Unavailable("It can't be exported as it is, so there is nothing to compare with.")
    found = adapter.find_record(key)
    return compare_record(adapter, key, calls, found) if isinstance(found, StoredRecord) else found


def find_moved_records(submission: Submission) -> tuple[MovedRecord, ...] | Unavailable:
    """Look up what stands under other keys of what would be written, and was not ticked off."""
    _, key, calls = build_plan(submission)
    job = submission.jobs.current().select_related("connection__settings").first()
    if job is None:
        job = ExportJob(submission=submission, connection=submission.connection, erp_id=key.erp_id)
    found = moved_records.find_moved_records_of_jobs(job.connection, [(job, tuple(calls))] if calls else [])
    return found if isinstance(found, Unavailable) else tuple(chain(*found))


def format_differences(differences: Iterable[Difference]) -> str:
    """The first of some differences."""
    return "; ".join(
        f"{' '.join(filter(None, [each.title, each.name]))}: {each.stored or 'nothing'} in Spectrum, "
        f"{each.sent or 'nothing'} here"
        for each in list(differences)[:MOST_DIFFERENCES]
    )
