"""Why a claimed job is not sent: what was accepted has changed, or Spectrum has something else."""

from collections.abc import Sequence

from erp_integrations.adapters.base import Adapter, MovedRecord, NotFound, StoredRecord, Unavailable
from erp_integrations.adapters.registry import get_job_key
from erp_integrations.checks import moved_records, preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.confirmations import controlled_settings
from erp_integrations.exports import existing_record, ledger, outcomes, unknown, verification
from erp_integrations.models import ExportJob, SnapshotUnreadable

NOTHING_MORE_SENT = (
    "Nothing more is sent. Find it in Spectrum and restore it there, or unlink it if it was deleted."
)


def find_change_since_accept(job: ExportJob) -> str:
    """A change of what the approver saw, as a sentence; blank if there is none.

    What has begun goes on whatever the links say by now, but nowhere else and in no other way.
    """
    if job.wire_hash not in ("", *controlled_settings.hash_wire_settings(job.connection, job)):
        return (
            "The connection's settings have changed since this was accepted. An approver has to "
            "check it again."
        )
    if ledger.has_written_call(job):
        return ""
    try:
        basis = build_basis(job.submission.document)
    except SnapshotUnreadable as error:
        return str(error)
    if basis.is_bound_by(job):
        return ""
    if basis.is_bound_by(job, except_bound=True):
        return (
            f"What would be written to Spectrum is no longer what was accepted: {', '.join(basis.bound)}. "
            "Check it again and retry if it is right."
        )
    return (
        "Changed since it was accepted: the vendor link, the job link, the connection, or "
        "Spectrum's master data for them."
    )


def find_closed_references(job: ExportJob, adapter: Adapter) -> str:
    """Spectrum's refusal by now of vendor, job and phases, before anything is written of the job.

    Blank where nobody can look: Spectrum itself has the last word.
    """
    if not adapter.has_read_back or ledger.has_possible_write_under_key(job):
        return ""
    basis = build_basis(job.submission.document)
    now = adapter.read_current_references(basis.references)
    if isinstance(now, Unavailable):
        return ""
    return " ".join(
        each.sentence for each in preflight.list_blocking(adapter.check_references(basis.document, now))
    )


def read_back_before_sending(
    job: ExportJob, adapter: Adapter
) -> StoredRecord | NotFound | Unavailable | None:
    """The record under our key before anything is written, where there is none or our own ledger has it.

    Spectrum would overwrite somebody else's record without a word. None, with the job ended or put off,
    where it may not go on.
    """
    found = adapter.find_record(get_job_key(job))
    if not adapter.has_read_back:
        return found
    other_job = moved_records.find_other_job(job, found)
    is_absent = isinstance(found, NotFound) or bool(other_job)
    moved: tuple[MovedRecord, ...] | Unavailable = moved_records.find_moved_records(job) if is_absent else ()
    match moved or found:
        case Unavailable(reason=reason):
            outcomes.requeue_with_back_off(
                job, f"Nothing was sent, because the ERP ID can't be checked: {reason}"
            )
            return None
        case StoredRecord() as record if problem := find_overwrite_problem(job, adapter, record):
            outcomes.fail(job, problem)
            return None
        case (MovedRecord(), *_) as records:
            # An incomplete one can be followed there; its page offers that.
            own_row = ExportJob.objects.filter(pk=job.pk, attempt=job.attempt)
            certain = [record for record in records if record.is_certain]
            own_row.update(differences=verification.to_differences_column(certain))
            outcomes.fail(job, describe_moved_records(job, certain or records, other_job))
            return None
        case NotFound() if is_written_part_gone(job.record_job, adapter):
            outcomes.fail(
                job,
                "What was written is not in Spectrum any more: there is no "
                f"{job.record_name}. {NOTHING_MORE_SENT}",
            )
            return None
    return found


def is_written_part_gone(job: ExportJob, adapter: Adapter) -> bool:
    """An absence shows that what was written was taken away: lines would go to a key without header.

    What was answered within the lag of the read-back may not show yet.
    """
    written = (call for call, is_written in unknown.list_planned_calls(job) if is_written)
    return any(map(adapter.can_read_back, written)) and not ledger.is_within_read_back_lag(job)


def describe_moved_records(job: ExportJob, records: Sequence[MovedRecord], other_job: str) -> str:
    """Why nothing is written to a key where the record, or what may be it, stands under another."""
    there = "; or ".join(record.sentence for record in records)
    may = "" if records[0].is_certain else "may "
    instead = f"Another contract, of job {other_job}, is now under {job.record_name}. " if other_job else ""
    if not ledger.has_written_call(job):
        return (
            f"{instead}Spectrum {'may already have' if may else 'already has'} it as {there}; it would be "
            "there twice. If that is a different record, say so when you accept it again."
        )
    if may:
        return f"{instead}What was written is not there; it may now be {there}. {NOTHING_MORE_SENT}"
    return f"{instead}It was moved in Spectrum to {there}. Follow the move, then resume."


def find_overwrite_problem(job: ExportJob, adapter: Adapter, record: StoredRecord) -> str:
    """Why a record under our key must not be written to; empty when it is ours to go on with."""
    if (other_job := moved_records.find_other_job(job, record)) and ledger.has_possible_write_under_key(job):
        return (
            f"What was written is not there: {job.record_name} is now another contract, of job "
            f"{other_job}. {NOTHING_MORE_SENT}"
        )
    if not ledger.has_possible_write_under_key(job):
        calls = [call for call, _ in unknown.list_planned_calls(job)]
        existing = existing_record.compare_record(adapter, get_job_key(job), calls, record)
        return f"{existing.sentence} {existing.advice}"
    differences = unknown.find_overwrites(
        adapter, unknown.list_planned_calls(job), ledger.list_earlier_calls(job), record
    )
    if not differences:
        return ""
    return (
        f"Spectrum has something other than what was written from here, and it would be overwritten. "
        f"Differences: {existing_record.format_differences(differences)}. Correct it there, then resume."
    )
