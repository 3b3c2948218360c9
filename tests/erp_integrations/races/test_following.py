"""After Accept: a person against a worker, a person against a person, a look against a decision."""

import pytest

from erp_integrations import submissions
from erp_integrations.adapters.base import Match, NotFound
from erp_integrations.exports import unknown, verification
from erp_integrations.models import (
    Drift,
    ExportJob,
    JobStatus,
    SubmissionStatus,
    Verification,
)
from erp_integrations.reconciliation import drift
from erp_integrations.submissions import Attested
from notifications.models import OutgoingEmail
from tests.erp_integrations.races.acts import (
    claims,
    follows,
    nobody_knows,
    rejects,
    resolves,
    resumes,
    retries,
    stopped_half_way,
    two_approvers,
    undoes,
    unlinks,
)
from tests.erp_integrations.races.conftest import Interleave
from tests.erp_integrations.races.judging import assert_consistent, the_job, the_submission, told
from tests.erp_integrations.races.orders import Ended
from tests.factories import DriftFactory, ExportJobFactory, join_project


def one_is_told(ended: Ended) -> Exception:
    (refusal,) = ended.refusals
    assert isinstance(refusal, submissions.Conflict)
    assert_consistent()
    return refusal


# Undo


def test_of_undo_and_claim_one_comes_first(interleave: Interleave) -> None:
    job = ExportJobFactory()
    approver, _ = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        if isinstance(ended.first, Exception):
            assert "too late" in str(ended.first)
            assert isinstance(ended.second, ExportJob)
            assert (the_job().status, the_submission().status) == (JobStatus.EXPORTING, "accepted")
        else:
            assert ended.second is None
            assert (the_job().status, the_submission().status) == (JobStatus.CANCELLED, "awaiting")
        assert told("export.started") + told("submission.undone") == 1
        assert_consistent()

    interleave(undoes(approver, job.submission), claims(job), judge)


def test_of_two_who_undo_one_is_told(interleave: Interleave) -> None:
    job = ExportJobFactory()
    first, second = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        assert "has not yet decided" in str(one_is_told(ended))
        assert told("submission.undone") == 1

    interleave(undoes(first, job.submission), undoes(second, job.submission), judge, alike=True)


# A failed export


def test_of_two_who_retry_one_is_told(interleave: Interleave) -> None:
    job = ExportJobFactory(failed=True)
    first, second = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        one_is_told(ended)
        assert (the_job().status, the_job().plan_round) == (JobStatus.QUEUED, 2)
        assert told("export.retried") == 1
        assert the_submission().decided_by == (first if ended.refusals == [ended.second] else second)

    interleave(retries(first, job.submission), retries(second, job.submission), judge, alike=True)


def test_of_retry_and_reject_one_is_told(interleave: Interleave) -> None:
    job = ExportJobFactory(failed=True)
    first, second = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        one_is_told(ended)
        rejected = the_submission().status == SubmissionStatus.REJECTED
        assert the_job().status == (JobStatus.CANCELLED if rejected else JobStatus.QUEUED)
        assert (told("submission.rejected"), told("export.retried")) == (rejected, not rejected)
        assert OutgoingEmail.objects.exists() is rejected

    interleave(retries(first, job.submission), rejects(second, job.submission), judge)


# A part of it is in Spectrum


def test_of_two_who_resume_one_is_told(interleave: Interleave) -> None:
    job = stopped_half_way()
    first, second = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        assert "already been resumed" in str(one_is_told(ended))
        assert told("export.resumed") == 1
        assert the_job().not_before is not None

    interleave(resumes(first, job), resumes(second, job), judge, alike=True)


def test_of_resume_and_claim_the_export_goes_on_once(interleave: Interleave) -> None:
    job = stopped_half_way(due=True)
    approver, _ = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        assert isinstance(ended.first, submissions.Conflict)
        assert (the_job().status, the_job().attempt) in {(JobStatus.EXPORTING, 2), (JobStatus.INCOMPLETE, 1)}
        assert isinstance(ended.second, ExportJob) == (the_job().status == JobStatus.EXPORTING)

    interleave(resumes(approver, job), claims(job), judge)


def test_of_reject_and_claim_of_a_part_one_comes_first(interleave: Interleave) -> None:
    job = stopped_half_way(due=True)
    approver, _ = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        rejected = not ended.refusals
        assert the_job().status == (JobStatus.CANCELLED if rejected else JobStatus.EXPORTING)
        assert (ended.second is None) == rejected
        assert (told("submission.rejected"), told("export.started")) == (rejected, not rejected)

    interleave(rejects(approver, job.submission), claims(job), judge)


def test_of_resume_and_reject_of_a_part_the_rejection_stands(interleave: Interleave) -> None:
    job = stopped_half_way()
    first, second = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        # Nothing went out yet, so a person may still send it back after another let it go on.
        assert not isinstance(ended.second, Exception)
        assert the_submission().status == SubmissionStatus.REJECTED
        assert told("export.resumed") == (not ended.refusals)

    interleave(resumes(first, job), rejects(second, job.submission), judge)


# Nobody knows


def test_of_two_who_resolve_one_is_told(interleave: Interleave) -> None:
    job = nobody_knows()
    first, second = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        one_is_told(ended)
        none = ended.refusals == [ended.first]
        assert the_job().status == (JobStatus.QUEUED if none else JobStatus.SYNCED)
        assert (told("export.attested_none"), told("export.attested_all")) == (none, not none)

    interleave(resolves(first, job, Attested.ALL), resolves(second, job, Attested.NONE), judge)


def test_of_a_person_and_a_look_one_says_what_spectrum_holds(interleave: Interleave) -> None:
    job = nobody_knows()
    approver, _ = two_approvers(job.submission)

    def judge(ended: Ended) -> None:
        if isinstance(ended.first, Exception):
            assert isinstance(ended.first, submissions.Conflict)
            assert (ended.second, the_job().status) == (True, JobStatus.QUEUED)
        else:
            assert (ended.second, the_job().status) == (False, JobStatus.SYNCED)
        assert told("export.attested_all", "export.found_none") == 1
        assert_consistent()

    interleave(
        resolves(approver, job, Attested.ALL),
        lambda: unknown.record_result(job, unknown.PlanComparison(unknown.ShownPart.NONE)),
        judge,
    )


# It is gone from Spectrum


@pytest.mark.parametrize("status", ["synced", "incomplete"])
def test_of_two_who_unlink_one_is_told(interleave: Interleave, status: str) -> None:
    job: ExportJob = ExportJobFactory(**{status: True})
    people = two_approvers(job.submission)
    for person in people:
        join_project(person, job.submission.project, "admin")  # type: ignore[arg-type]

    def judge(ended: Ended) -> None:
        assert str(the_submission().decided_by) in str(one_is_told(ended))
        assert the_submission().status == SubmissionStatus.UNLINKED
        assert told("submission.unlinked") == 1

    interleave(unlinks(people[0], job), unlinks(people[1], job), judge, alike=True)


def test_of_unlink_and_resume_the_unlink_stands(interleave: Interleave) -> None:
    job = stopped_half_way()
    first, second = two_approvers(job.submission)
    join_project(first, job.submission.project, "admin")  # type: ignore[arg-type]

    def judge(ended: Ended) -> None:
        assert not isinstance(ended.first, Exception)
        assert told("export.resumed") == (not ended.refusals)
        assert_consistent()

    interleave(unlinks(first, job), resumes(second, job), judge)


def test_of_unlink_and_claim_of_a_part_one_comes_first(interleave: Interleave) -> None:
    job = stopped_half_way(due=True)
    approver, _ = two_approvers(job.submission)
    join_project(approver, job.submission.project, "admin")  # type: ignore[arg-type]

    def judge(ended: Ended) -> None:
        unlinked = not ended.refusals
        assert (ended.second is None) == unlinked
        assert the_job().status == (JobStatus.CANCELLED if unlinked else JobStatus.EXPORTING)
        assert_consistent()

    interleave(unlinks(approver, job), claims(job), judge)


def test_of_unlink_and_the_first_read_back_the_unlink_stands(interleave: Interleave) -> None:
    job = ExportJobFactory(synced=True, verification=Verification.PENDING)
    approver, _ = two_approvers(job.submission)
    join_project(approver, job.submission.project, "admin")  # type: ignore[arg-type]

    def judge(ended: Ended) -> None:
        assert not ended.refusals
        assert the_submission().status == SubmissionStatus.UNLINKED
        assert told("export.absent") == (ended.second is True)
        assert_consistent()

    interleave(unlinks(approver, job), lambda: verification.record_verdict(job.pk, NotFound()), judge)


@pytest.mark.parametrize("seen", [Match(), NotFound()], ids=["it agrees again", "it is gone"])
def test_of_unlink_and_reconciliation_the_unlink_stands(
    interleave: Interleave, seen: Match | NotFound
) -> None:
    known = DriftFactory()
    job = ExportJob.objects.select_related("submission__commitment", "connection").get(pk=known.job_id)
    approver, _ = two_approvers(job.submission)
    join_project(approver, job.submission.project, "admin")  # type: ignore[arg-type]
    compared = drift.Comparison(job, seen, known)

    def judge(ended: Ended) -> None:
        assert not ended.refusals
        assert the_submission().status == SubmissionStatus.UNLINKED
        assert Drift.objects.count() == 1
        assert told("drift.ended") == Drift.objects.exclude(gone_at=None).count()
        assert_consistent()

    interleave(unlinks(approver, job), lambda: drift.record_comparison(compared, lambda: None), judge)


# Follow


@pytest.mark.parametrize("status", ["synced", "incomplete"])
def test_of_two_who_follow_one_is_told(interleave: Interleave, status: str) -> None:
    job: ExportJob = ExportJobFactory(**{status: True})
    people = two_approvers(job.submission)
    for person in people:
        join_project(person, job.submission.project, "admin")  # type: ignore[arg-type]

    def judge(ended: Ended) -> None:
        assert "Somebody else changed its key" in str(one_is_told(ended))
        assert (the_job().erp_id, the_job().plan_round) == ("MOVED", 2)
        assert told("export.followed") == 1

    interleave(follows(people[0], job), follows(people[1], job), judge, alike=True)


@pytest.mark.parametrize("status", ["synced", "incomplete"])
def test_of_follow_and_unlink_one_comes_first(interleave: Interleave, status: str) -> None:
    job: ExportJob = ExportJobFactory(**{status: True})
    first, second = two_approvers(job.submission)
    for person in (first, second):
        join_project(person, job.submission.project, "admin")  # type: ignore[arg-type]

    def judge(ended: Ended) -> None:
        # Whoever reads the job after the move unlinks what was followed, by their own words.
        unlinked = the_submission().status == SubmissionStatus.UNLINKED
        assert told("submission.unlinked") == unlinked
        if not unlinked:
            assert "followed to another key" in str(ended.second)
        elif isinstance(ended.first, Exception):
            assert told("export.followed") == 0
        assert_consistent()

    interleave(follows(first, job), unlinks(second, job), judge)
