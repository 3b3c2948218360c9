"""Resolve an unknown delivery, and resume an incomplete one."""

from collections.abc import Collection
from enum import StrEnum

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from directory.db.time_zones import format_time
from directory.models import User
from erp_integrations import signing, wakeup
from erp_integrations.confirmations import controlled_settings, pending_changes
from erp_integrations.events import ErpEvent
from erp_integrations.exports import unknown
from erp_integrations.models import ExportJob, JobStatus, Submission, SubmissionStatus, Verification
from erp_integrations.submissions.attesting import record_attestations
from erp_integrations.submissions.errors import Conflict, StatementMissing, TooEarly
from erp_integrations.submissions.four_eyes import require_ticked_changes
from erp_integrations.submissions.row_locks import (
    lock_expected_job,
    lock_for_decision,
    lock_submission,
    record_decision,
    require_quiet_period_over,
    require_status,
    require_text,
)


class Attested(StrEnum):
    """How much of it a person found in Spectrum."""

    ALL = "all"
    NONE = "none"
    PART = "part"


@transaction.atomic
def resolve(
    *,
    submission: Submission,
    by: User,
    expected_version: int,
    attested: Attested,
    statement: str,
    positions: Collection[int] = (),
) -> ExportJob:
    """Say what Spectrum holds of a delivery of which nobody knows, in words that are kept.

    ``positions`` are the calls that are there, where it is a part. Then it is synced, sent again,
    or goes on with the others. Raises RightMissing, Conflict when it is
    another delivery by now or the ERP is asked instead, TooEarly, StatementMissing.
    """
    submission = lock_for_decision(submission, by)
    require_status(submission, SubmissionStatus.ACCEPTED)
    job = lock_expected_job(submission, expected_version=expected_version)
    if job.status != JobStatus.UNKNOWN:
        raise Conflict("The outcome of this export is now known. Check its current status.")
    require_quiet_period_over(job)
    if not job.needs_manual_resolution:
        by_hand = f", from {format_time(job.manual_resolution_from)}" if job.manual_resolution_from else ""
        raise TooEarly(
            f"Spectrum is read back first, next at {format_time(job.not_before)}. It can be resolved by hand "
            f"only if that doesn't settle it{by_hand}."
        )
    statement = require_text(
        statement, "Say what you found in Spectrum. Your statement is kept in the history."
    )
    calls = list(job.list_current_calls())
    found_positions = {call.position for call in calls} if attested is Attested.ALL else set(positions)
    written = [attested is not Attested.NONE and call.position in found_positions for call in calls]
    if attested is Attested.PART and (not written[0] or all(written)):
        raise StatementMissing(
            f"Choose which calls are in Spectrum: {calls[0].title} must be one of them, but not all of them."
        )
    if attested is Attested.NONE:
        # It is sent again, and on whose decision, the worker asks.
        job.submission.accept_retry(by=by, at=timezone.now(), note=job.submission.note, erp_id=job.erp_id)
        job.submission.save_decision()
    else:
        job.verification = Verification.ATTESTED
    for is_there in (True, False):
        attested_calls = [call for call, found in zip(calls, written, strict=True) if found is is_there]
        record_attestations(attested_calls, is_there=is_there, read_back=False, statement=statement, by=by)
    job.tries = 0
    event = ErpEvent(f"export.attested_{attested}")
    unknown.resolve_unknown(
        job,
        written,
        event=event,
        by=by,
        verification=Verification.ATTESTED,
        detail={
            "statement": statement,
            "seen": job.differences,
            **signing.sign_decision(job, event=event, by=by, calls=signing.list_accepted_calls(job)),
        },
    )
    wakeup.wake_exports(job.connection_id)
    return job


@transaction.atomic
def resume(
    *, submission: Submission, by: User | None, expected_version: int, confirmed: Collection[str] = ()
) -> ExportJob:
    """Go on with the calls that are not written; the worker looks first what stands there.

    ``confirmed`` are the stamps of changes by others of the connection that they find right: what it says now
    is bound. ``by`` is None for an operator at the command line: on whose decision it goes on, and by which
    settings, stays as it was. Raises RightMissing, StatementMissing where a tick lacks, Conflict when it is
    another delivery by now or goes on already, TooEarly.
    """
    submission = lock_for_decision(submission, by) if by else lock_submission(submission)
    require_status(submission, SubmissionStatus.ACCEPTED)
    changes = require_ticked_changes(submission, None, by, confirmed) if by else []
    job = lock_expected_job(submission, expected_version=expected_version)
    if job.status != JobStatus.INCOMPLETE or ExportJob.objects.due().filter(pk=job.pk).exists():
        raise Conflict("It has already been resumed. Check its current status.")
    require_quiet_period_over(job)
    job.not_before = Now()
    job.tries = 0
    detail: dict[str, object] = {"job": job.pk, "attempt": job.attempt}
    if by:
        if job.wire_hash:
            job.wire_hash = next(controlled_settings.hash_wire_settings(job.connection, job))
        calls = signing.list_accepted_calls(job)
        detail |= signing.sign_decision(job, event=ErpEvent.EXPORT_RESUMED, by=by, calls=calls)
        pending_changes.record_confirmation(changes, by=by, detail={"submission": submission.pk})
    job.save(update_fields=["not_before", "tries", "wire_hash"])
    record_decision(ErpEvent.EXPORT_RESUMED, submission, by, detail)
    wakeup.wake_exports(job.connection_id)
    return job
