"""People's acts in these races, each looking at what was shown before the race began."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from directory.models import User
from erp_integrations import submissions
from erp_integrations.adapters.base import MovedRecord
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.adapters.spectrum.readback import SubcontractRecord
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import worker
from erp_integrations.models import ExportJob, Submission
from erp_integrations.submissions import following
from tests.erp_integrations.races.orders import Act
from tests.factories import ApproverFactory, ExportJobFactory


def two_approvers(submission: Submission) -> tuple[User, User]:
    first, second = ApproverFactory.create_batch(2, company=submission.company)
    return first, second


def accepts(by: User, submission: Submission, erp_id: str = "") -> Act:
    """Press Export in a box that is open."""
    basis = build_basis(submission.document)
    erp_id = erp_id or basis.proposed_erp_id
    return lambda: submissions.accept(
        submission=submission,
        by=by,
        expected_hash=basis.hash,
        erp_id=erp_id,
        statement="It is not there.",
        number_looked_up=True,
    )


def adopts(by: User, submission: Submission) -> Act:
    """Mark it as exported in a box that is open; nobody can look, so words are the proof."""
    basis = build_basis(submission.document)
    erp_id = basis.proposed_erp_id
    expected_version = ExportJob.objects.filter(submission=submission).count()
    return lambda: submissions.adopt(
        submission=submission,
        by=by,
        expected_hash=basis.hash,
        expected_record="",
        expected_version=expected_version,
        erp_id=erp_id,
        statement="It is there.",
    )


def retries(by: User, submission: Submission) -> Act:
    """Press Export in the box of a failed export."""
    basis = build_basis(submission.document)
    erp_id = basis.proposed_erp_id
    return lambda: submissions.accept_again(
        submission=submission, by=by, expected_hash=basis.hash, erp_id=erp_id
    )


def rejects(by: User, submission: Submission) -> Act:
    return lambda: submissions.reject(submission=submission, by=by, reason="No")


def retrieves(submission: Submission) -> Act:
    return lambda: submissions.retrieve_from_erp(commitment=submission.commitment, by=submission.sent_by)


def undoes(by: User, submission: Submission) -> Act:
    return lambda: submissions.undo(submission=submission, by=by)


def resumes(by: User, job: ExportJob) -> Act:
    return lambda: submissions.resume(submission=job.submission, by=by, expected_version=job.attempt)


def resolves(by: User, job: ExportJob, attested: submissions.Attested) -> Act:
    return lambda: submissions.resolve(
        submission=job.submission,
        by=by,
        expected_version=job.attempt,
        attested=attested,
        statement="I looked.",
    )


def unlinks(by: User, job: ExportJob) -> Act:
    return lambda: submissions.unlink(
        submission=job.submission, by=by, expected_version=job.attempt, statement="I deleted it."
    )


def follows(by: User, job: ExportJob) -> Act:
    """Press Follow, the record having been seen under another number a moment ago."""
    adapter = get_adapter(job.connection)
    key = adapter.get_call_key(to_call(job.list_current_calls()[0]))
    seen = MovedRecord(replace(key, erp_id="MOVED"), SubcontractRecord({"Job_Number": "24-001"}), 1, 1)
    return lambda: following._follow(submission=job.submission, by=by, expected_job=job, moved=seen)


def claims(job: ExportJob) -> Act:
    """A worker that holds the connection takes the job, if it still may."""
    lease = worker.claim_connection(job.connection_id)
    assert lease is not None
    return lambda: worker.claim_job(job.pk, job.connection_id, lease)


def stopped_half_way(*, due: bool = False) -> ExportJob:
    """An incomplete export, which waits for a person or goes on by itself now."""
    job: ExportJob = ExportJobFactory(incomplete=True)
    if due:
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    return job


def nobody_knows() -> ExportJob:
    """An unknown export, its quiet period over."""
    job: ExportJob = ExportJobFactory(unknown=True)
    past = timezone.now() - timedelta(seconds=1)
    ExportJob.objects.filter(pk=job.pk).update(quiet_until=past, not_before=past)
    return ExportJob.objects.select_related("submission__commitment", "connection").get(pk=job.pk)
