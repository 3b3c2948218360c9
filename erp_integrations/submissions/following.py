"""Follow the move: somebody changed a record's key in Spectrum, and from now on it is ours under that."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from commitments.locks import set_accounting_status
from commitments.models import Badge
from directory.models import User
from erp_integrations import signing, wakeup
from erp_integrations.adapters.base import MovedRecord, StoredRecord, Unavailable
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.events import ErpEvent
from erp_integrations.exports import unknown
from erp_integrations.models import (
    CallState,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    VendorLink,
    Verification,
)
from erp_integrations.models.job_statuses import DEVIATING
from erp_integrations.reconciliation import drift
from erp_integrations.snapshots import Purpose
from erp_integrations.submissions.accepting import claim_key, store_calls
from erp_integrations.submissions.attesting import record_attestations
from erp_integrations.submissions.errors import Conflict, DecisionError
from erp_integrations.submissions.four_eyes import require_own_changes_confirmed
from erp_integrations.submissions.row_locks import (
    describe_conflict,
    find_expected_job,
    lock_expected_job,
    lock_for_decision,
    record_decision,
    require_status,
)
from erp_integrations.submissions.unlinking import require_may_unlink

FOLLOWABLE_STATUSES = (JobStatus.SYNCED, JobStatus.INCOMPLETE, JobStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Move:
    """Where a delivery's record stands now; ``link_warning`` says that the contract company's link names
    another vendor, which is an ERP admin's to change."""

    record: MovedRecord
    link_warning: str = ""


def list_moves(job: ExportJob) -> list[Move]:
    """Where the record of a delivery may stand now, the likeliest first. Asks Spectrum: no transaction.

    Raises DecisionError where nobody can tell, or it stands under its key as it was sent.
    """
    records = unknown.read_back_anywhere(job)
    if isinstance(records, StoredRecord):
        adapter = get_adapter(job.connection)
        calls = tuple(to_call(call) for call in job.list_current_calls())
        # Its phases may be expanded.
        here = adapter.match_record(calls, adapter.get_call_key(calls[0]), records)
        records = (here,) if here and here.phases else ()
    if isinstance(records, Unavailable):
        raise DecisionError(f"{records.reason} Nothing was changed. Try again in a moment.")
    records = tuple(each for each in records if each.is_certain)
    if not records:
        raise DecisionError("Spectrum no longer has it under another vendor or number.")
    company = job.submission.commitment.contract_company_id
    links = VendorLink.objects.filter(connection=job.connection, contract_company=company)
    link = links.select_related("contract_company").first()
    moves = []
    for each in records:
        new, warning = each.key.vendor_code, ""
        if link and link.vendor_code.strip().upper() != new:
            warning = (
                f"{link.contract_company.name} is still linked to vendor {link.vendor_code}, and its next "
                "commitment would go there. This does not change it: an ERP Integrations Admin links it to "
                f"{new} under Vendors."
            )
        moves.append(Move(each, warning))
    return moves


def follow(*, submission: Submission, by: User, expected_version: int, fingerprint: str) -> ExportJob:
    """Have key, reservation of the ERP ID and read-back go by the record that the person has seen.

    ``fingerprint`` is that record's. What was written stays written, what was not is sent there on Resume,
    and all of it is read back again. Raises RightMissing without both rights of Unlink, Conflict,
    DecisionError where nobody can tell.
    """
    require_may_unlink(submission=submission, by=by)
    require_own_changes_confirmed(submission, by)
    job = find_expected_job(submission, expected_version)
    followable = job is not None and job.status in FOLLOWABLE_STATUSES and not submission.new_status
    if submission.status != SubmissionStatus.ACCEPTED or job is None or not followable:
        raise Conflict(describe_conflict(submission))
    moved = next((each.record for each in list_moves(job) if each.record.fingerprint == fingerprint), None)
    if moved is None:
        raise Conflict("The record in Spectrum has changed since you opened this page. Check it again.")
    return _follow(submission=submission, by=by, expected_job=job, moved=moved)


@transaction.atomic
def _follow(*, submission: Submission, by: User, expected_job: ExportJob, moved: MovedRecord) -> ExportJob:
    submission = lock_for_decision(submission, by)
    require_may_unlink(submission=submission, by=by)
    require_own_changes_confirmed(submission, by)
    require_status(submission, SubmissionStatus.ACCEPTED)
    job = lock_expected_job(submission, expected_version=expected_job.attempt)
    expected = (expected_job.pk, expected_job.plan_round, expected_job.status)
    if (job.pk, job.plan_round, job.status) != expected:
        raise Conflict("Somebody else changed its key or its export first. Check its current status.")
    old = {"vendor_code": job.vendor_code, "erp_id": job.erp_id}
    new = {"vendor_code": moved.key.vendor_code, "erp_id": moved.key.erp_id}
    refusal = f"Another commitment here has {moved.key}. Both can't be the same record."
    claim_key(submission, job.connection, moved.key, Conflict(f"{refusal} Check in Spectrum whose it is."))
    calls = store_moved_calls(job, moved, by)
    job.vendor_code, job.erp_id = moved.key.vendor_code, moved.key.erp_id
    job.differences = []
    if job.status == JobStatus.SYNCED:
        job.verification, job.verify_after = Verification.PENDING, Now()
        set_accounting_status(submission.commitment, badge=Badge.SYNCED, erp_id=job.erp_id)
    elif job.status == JobStatus.UNKNOWN:
        job.not_before = Now()  # read back under the new key, and then it goes on
    job.save()
    submission.erp_id = job.erp_id
    submission.save(update_fields=["erp_id"])
    # Under the old key nothing is found of its statuses either; the last one is compared with the record.
    statuses = ExportJob.objects.filter(
        submission__in=submission.commitment.submissions.filter(purpose=Purpose.STATUS),
        status=JobStatus.SYNCED,
        verification__in=[Verification.PENDING, *DEVIATING],
    )
    statuses.update(verification=Verification.ATTESTED, differences=[])
    job.submission = submission
    drift.resolve_moved_record(job)
    compared = {
        "job_number": moved.record.job_number,
        "lines": moved.planned,
        "lines_matched": moved.matched,
        "fingerprint": moved.fingerprint,
    }
    detail = {"job": job.pk, "old": old, "new": new, "phases": dict(moved.phases), "compared": compared}
    detail |= signing.sign_decision(job, event=ErpEvent.EXPORT_FOLLOWED, by=by, calls=calls)
    record_decision(ErpEvent.EXPORT_FOLLOWED, submission, by, {**detail, "calls": calls})
    wakeup.wake_exports(job.connection_id)
    return job


def store_moved_calls(job: ExportJob, moved: MovedRecord, by: User) -> list[str]:
    """Plan the calls again under the new key; each keeps its state. Their hashes.

    Under the old key nothing stands any more, whoever looks there.
    """
    before = list(job.list_current_calls())
    planned = tuple(to_call(call) for call in before)
    job.plan_round += 1
    hashes = store_calls(job, get_adapter(job.connection).build_moved_calls(planned, moved))
    written = [call.position for call in before if call.state == CallState.WRITTEN]
    moved_calls = job.list_current_calls().filter(position__in=written)
    record_attestations(moved_calls, is_there=True, read_back=True, by=by)
    for call in before:
        job.list_current_calls().filter(position=call.position).update(state=call.state)
    under_old_key = job.calls.exclude(plan_round=job.plan_round).filter(state=CallState.WRITTEN)
    record_attestations(under_old_key, is_there=False, read_back=True, by=by)
    under_old_key.update(state=CallState.GONE)
    return hashes
