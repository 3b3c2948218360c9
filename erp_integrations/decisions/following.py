"""Follow the move: somebody changed a record's key in Spectrum, and from now on it is ours under that."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from commitments import services as commitments
from commitments.models import Badge
from directory.models import User
from erp_integrations import signing, tasks
from erp_integrations.adapters.base import CannotTell, MovedRecord, StoredRecord
from erp_integrations.connections.adapting import adapter_for, as_planned
from erp_integrations.decisions.accepting import store_calls
from erp_integrations.decisions.attesting import attest
from erp_integrations.decisions.four_eyes import require_may_steer
from erp_integrations.decisions.locking import lock_for_decision, lock_job_of, record, who_decided
from erp_integrations.decisions.refusals import Conflict, DecisionError
from erp_integrations.decisions.unlinking import require_may_unlink
from erp_integrations.delivery import recovery
from erp_integrations.models import (
    CallState,
    ErpIdHold,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    VendorLink,
    Verification,
)
from erp_integrations.reconciliation import drift

FOLLOWABLE = (JobStatus.SYNCED, JobStatus.INCOMPLETE, JobStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Move:
    """Where a delivery's record stands now; ``link_warning`` says that the contract company's link names
    another vendor, which is an ERP admin's to change."""

    record: MovedRecord
    link_warning: str = ""


def moves_of(job: ExportJob) -> list[Move]:
    """Where the record of a delivery may stand now, the likeliest first. Asks Spectrum: no transaction.

    Raises DecisionError where nobody can tell, or it stands under its key as it was sent.
    """
    records = recovery.seen_anywhere(job)
    if isinstance(records, StoredRecord):
        adapter = adapter_for(job.connection)
        calls = tuple(as_planned(call) for call in job.current_calls())
        here = adapter.match(calls, adapter.key_of(calls[0]), records)  # its phases may be expanded
        records = (here,) if here and here.phases else ()
    if isinstance(records, CannotTell):
        raise DecisionError(f"{records.reason} Nothing was changed: try again in a moment.")
    records = tuple(each for each in records if each.is_certain)
    if not records:
        raise DecisionError("Spectrum shows it under no other vendor or number now.")
    link = (
        VendorLink.objects.filter(
            connection=job.connection, contract_company=job.submission.commitment.contract_company_id
        )
        .select_related("contract_company")
        .first()
    )
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


def follow(*, submission: Submission, by: User, seen_attempt: int, fingerprint: str) -> ExportJob:
    """Have key, reservation of the ERP ID and read-back go by the record that the person has seen.

    ``fingerprint`` is that record's. What was written stays written, what was not is sent there on Resume,
    and all of it is read back again. Raises RightMissing without both rights of Unlink, Conflict,
    DecisionError where nobody can tell.
    """
    require_may_unlink(submission=submission, by=by)
    require_may_steer(submission, by)
    job = (
        submission.jobs.current().select_related("connection__settings").filter(attempt=seen_attempt).first()
    )
    if submission.status != SubmissionStatus.ACCEPTED or job is None or job.status not in FOLLOWABLE:
        raise Conflict(who_decided(submission))
    seen = next((each.record for each in moves_of(job) if each.record.fingerprint == fingerprint), None)
    if seen is None:
        raise Conflict("What stands in Spectrum changed while you were looking. See how it stands now.")
    return _follow(submission=submission, by=by, job=job, seen=seen)


@transaction.atomic
def _follow(*, submission: Submission, by: User, job: ExportJob, seen: MovedRecord) -> ExportJob:
    locked = lock_for_decision(submission, by)
    require_may_unlink(submission=locked, by=by)
    require_may_steer(locked, by)
    if locked.status != SubmissionStatus.ACCEPTED:
        raise Conflict(who_decided(locked))
    held = lock_job_of(locked, seen_attempt=job.attempt)
    if (held.pk, held.plan_round, held.status) != (job.pk, job.plan_round, job.status):
        raise Conflict("Somebody was first: its key or its export is another one by now. See how it stands.")
    old = {"vendor_code": held.vendor_code, "erp_id": held.erp_id}
    new = {"vendor_code": seen.key.vendor_code, "erp_id": seen.key.erp_id}
    try:
        with transaction.atomic():
            ErpIdHold.objects.update_or_create(
                commitment=locked.commitment, defaults={"connection": held.connection, **new}
            )
    except IntegrityError as error:
        raise Conflict(
            f"Another commitment here has vendor {seen.key.vendor_code}, subcontract {seen.key.erp_id}. "
            "Two can't be one record: look in Spectrum whose it is."
        ) from error
    calls = _move_calls(held, seen, by)
    held.vendor_code, held.erp_id = seen.key.vendor_code, seen.key.erp_id
    held.differences = []
    if held.status == JobStatus.SYNCED:
        held.verification, held.verify_after = Verification.PENDING, Now()
        commitments.mark(locked.commitment, badge=Badge.SYNCED, erp_id=held.erp_id)
    elif held.status == JobStatus.UNKNOWN:
        held.not_before = Now()  # read back under the new key, and then it goes on
    held.save()
    held.submission = locked
    drift.followed(held)
    compared = {
        "job_number": seen.record.header.get("Job_Number", ""),
        "lines": seen.planned,
        "lines_matched": seen.matched,
        "fingerprint": seen.fingerprint,
    }
    detail = {"job": held.pk, "old": old, "new": new, "phases": dict(seen.phases), "compared": compared}
    detail |= signing.signed(held, event="export.followed", by=by, calls=calls)
    record("export.followed", locked, by, {**detail, "calls": calls})
    tasks.wake(held.connection_id)
    return held


def _move_calls(held: ExportJob, seen: MovedRecord, by: User) -> list[str]:
    """Plan the calls again under the new key; each keeps its state. Their hashes.

    Under the old key nothing stands any more, whoever looks there.
    """
    before = list(held.current_calls())
    planned = tuple(as_planned(call) for call in before)
    held.plan_round += 1
    hashes = store_calls(held, adapter_for(held.connection).moved(planned, seen))
    written = [call.position for call in before if call.state == CallState.WRITTEN]
    attest(held.current_calls().filter(position__in=written), is_there=True, read_back=True, by=by)
    for call in before:
        held.current_calls().filter(position=call.position).update(state=call.state)
    under_old_key = held.calls.exclude(plan_round=held.plan_round).filter(state=CallState.WRITTEN)
    attest(under_old_key, is_there=False, read_back=True, by=by)
    under_old_key.update(state=CallState.GONE)
    return hashes
