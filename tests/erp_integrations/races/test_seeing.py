""" "I have seen it" beside a look that finds something else: nobody has seen what they were not shown."""

from typing import Any

import pytest

from commitments.models import Badge, Commitment
from erp_integrations import submissions
from erp_integrations.adapters.base import Match, Mismatch, NotFound
from erp_integrations.exports import verification
from erp_integrations.exports.verification import KnownVerdict
from erp_integrations.models import ExportJob, Submission
from erp_integrations.reconciliation import drift
from tests.erp_integrations.races.acts import two_approvers
from tests.erp_integrations.races.conftest import Interleave
from tests.erp_integrations.races.judging import told
from tests.erp_integrations.races.orders import Act, Ended
from tests.factories import ExportJobFactory


def sees(by: Any, job: ExportJob) -> Act:
    look = str(job.verified_at)
    return lambda: submissions.record_as_seen(
        submission=job.submission,
        by=by,
        expected_version=job.attempt,
        expected_look=look,
        reason="It was purged.",
    )


def finds(job: ExportJob, verdict: KnownVerdict) -> Act:
    comparison = drift.Comparison(job, verdict, None)
    return lambda: drift.record_comparison(comparison, lambda: None)


def absent() -> tuple[ExportJob, Any, Any]:
    job: ExportJob = ExportJobFactory(synced=True)
    first, second = two_approvers(job.submission)
    ExportJob.objects.filter(pk=job.pk).update(verification="pending", verify_after=job.created_at)
    verification.record_verdict(job.pk, NotFound())
    job.refresh_from_db()
    return job, first, second


@pytest.mark.parametrize("verdict", [Mismatch(()), Match()])
def test_of_what_was_seen_and_a_look_that_finds_something_else_the_look_stays(
    interleave: Interleave, verdict: KnownVerdict
) -> None:
    job, first, _ = absent()

    def judge(ended: Ended) -> None:
        now = ExportJob.objects.get()
        assert now.seen_at is None
        assert Submission.objects.needing_attention().exists() == now.deviates
        assert Commitment.objects.get().badge != Badge.NEEDS_ATTENTION
        assert all(isinstance(refusal, submissions.Conflict) for refusal in ended.refusals)
        assert told("export.seen") == 1 - len(ended.refusals)

    interleave(sees(first, job), finds(job, verdict), judge)


def test_of_two_who_have_seen_it_one_is_told_of_the_other(interleave: Interleave) -> None:
    job, first, second = absent()

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        now = ExportJob.objects.get()
        assert now.seen_by in (first, second)
        assert str(now.seen_by) in str(refusal)
        assert told("export.seen") == 1

    interleave(sees(first, job), sees(second, job), judge)
