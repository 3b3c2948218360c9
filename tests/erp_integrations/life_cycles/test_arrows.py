"""The two life cycles, arrow by arrow, written out here and not read from the tables."""

import itertools
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from directory.db.transitions import TransitionRefused
from erp_integrations.models import (
    ExportJob,
    JobStatus,
    SnapshotUnreadable,
    Submission,
    SubmissionStatus,
)
from tests.factories import ExportJobFactory, SubmissionFactory

SUBMISSION_ARROWS = {
    ("awaiting", "retrieved"),
    ("awaiting", "rejected"),
    ("awaiting", "accepted"),
    ("accepted", "awaiting"),
    ("accepted", "rejected"),
    ("accepted", "unlinked"),
}
JOB_ARROWS = {
    ("queued", "exporting"),
    ("queued", "synced"),
    ("queued", "incomplete"),
    ("queued", "unknown"),
    ("queued", "cancelled"),
    ("exporting", "synced"),
    ("exporting", "queued"),
    ("exporting", "incomplete"),
    ("exporting", "failed"),
    ("exporting", "unknown"),
    ("synced", "cancelled"),
    ("incomplete", "exporting"),
    ("incomplete", "unknown"),
    ("incomplete", "cancelled"),
    ("failed", "queued"),
    ("failed", "synced"),
    ("failed", "incomplete"),
    ("failed", "cancelled"),
    ("unknown", "synced"),
    ("unknown", "queued"),
    ("unknown", "incomplete"),
}


@pytest.mark.parametrize(("current", "wanted"), list(itertools.product(SubmissionStatus, repeat=2)))
def test_a_submission_moves_only_along_its_arrows(
    current: SubmissionStatus, wanted: SubmissionStatus
) -> None:
    submission = Submission(status=current)
    if (current.value, wanted.value) in SUBMISSION_ARROWS:
        submission.set_status(wanted)
        assert submission.status == wanted
    else:
        with pytest.raises(TransitionRefused):
            submission.set_status(wanted)
        assert submission.status == current


@pytest.mark.parametrize(("current", "wanted"), list(itertools.product(JobStatus, repeat=2)))
def test_a_job_moves_only_along_its_arrows(current: JobStatus, wanted: JobStatus) -> None:
    job = ExportJob(status=current)
    if (current.value, wanted.value) in JOB_ARROWS:
        job.set_status(wanted)
        assert job.status == wanted
    else:
        with pytest.raises(TransitionRefused):
            job.set_status(wanted)
        assert job.status == current


def committed(rows: QuerySet[Any], **columns: Any) -> None:
    """Change rows and check what a commit would check, inside the test's own transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows.update(**columns)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"status": "lost"}, "a_submission_status_is_known"),
        ({"status": "rejected"}, "a_decision_has_a_person_and_a_time"),
        ({"decided_at": Now()}, "a_decision_has_a_person_and_a_time"),
        ({"status": "retrieved"}, "an_end_has_a_person_and_a_time"),
    ],
)
def test_the_database_refuses_a_submission_that_contradicts_itself(
    columns: dict[str, object], constraint: str
) -> None:
    submission = SubmissionFactory()
    with pytest.raises(IntegrityError, match=constraint):
        Submission.objects.filter(pk=submission.pk).update(**columns)


@pytest.mark.django_db
def test_the_database_refuses_a_rejection_without_a_reason() -> None:
    submission = SubmissionFactory(rejected=True)
    with pytest.raises(IntegrityError, match="a_rejection_has_a_reason"):
        Submission.objects.filter(pk=submission.pk).update(reason="")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"status": "lost"}, "a_job_status_is_known"),
        ({"status": "exporting"}, "a_job_is_leased_while_it_is_exporting"),
        ({"lease_until": Now()}, "a_job_is_leased_while_it_is_exporting"),
        ({"not_before": None}, "a_queued_job_has_a_time"),
        ({"status": "unknown", "quiet_until": Now()}, "an_unknown_job_says_since_when"),
        ({"status": "unknown", "unknown_since": Now()}, "an_unknown_job_has_a_quiet_period"),
        ({"status": "synced"}, "a_synced_job_says_when"),
    ],
)
def test_the_database_refuses_a_job_that_contradicts_itself(
    columns: dict[str, object], constraint: str
) -> None:
    job = ExportJobFactory()
    with pytest.raises(IntegrityError, match=constraint):
        ExportJob.objects.filter(pk=job.pk).update(**columns)


@pytest.mark.django_db
def test_a_commitment_has_one_open_submission() -> None:
    submission = SubmissionFactory()
    submission.pk = None
    with pytest.raises(IntegrityError, match="a_commitment_has_one_open_submission"):
        submission.save(force_insert=True)


@pytest.mark.django_db
def test_a_submission_has_one_job_that_is_not_cancelled() -> None:
    job = ExportJobFactory()
    job.pk = None
    with pytest.raises(IntegrityError, match="a_submission_has_one_job_that_is_not_cancelled"):
        job.save(force_insert=True)


@pytest.mark.django_db
def test_an_accepted_submission_without_a_job_is_refused_at_commit() -> None:
    job = ExportJobFactory()
    with pytest.raises(IntegrityError, match="0 open export jobs"):
        committed(ExportJob.objects.filter(pk=job.pk), status="cancelled")


@pytest.mark.django_db
def test_a_job_of_a_submission_that_is_not_accepted_is_refused_at_commit() -> None:
    job = ExportJobFactory()
    submission = Submission.objects.filter(pk=job.submission_id)
    with pytest.raises(IntegrityError, match="1 open export jobs"):
        committed(submission, status="awaiting", decided_by=None, decided_at=None)


@pytest.mark.django_db
def test_a_snapshot_that_was_altered_is_noticed() -> None:
    submission = SubmissionFactory()
    altered = submission.snapshot.replace("1000.00", "9000.00")
    assert altered != submission.snapshot
    Submission.objects.filter(pk=submission.pk).update(snapshot=altered)
    submission.refresh_from_db()
    with pytest.raises(SnapshotUnreadable, match="altered"):
        _ = submission.document


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory_historyentry SET event = 'nothing happened'",
        "DELETE FROM directory_historyentry",
        "TRUNCATE directory_historyentry",
    ],
)
def test_history_can_not_be_changed(statement: str) -> None:
    SubmissionFactory()
    with (
        pytest.raises(DatabaseError, match=r"append-only|permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_rejection_keeps_who_and_when() -> None:
    submission = Submission(status=SubmissionStatus.AWAITING)
    now = timezone.now()
    submission.reject(by=None, at=now, reason="Wrong job")  # type: ignore[arg-type]
    assert (submission.status, submission.reason, submission.decided_at) == ("rejected", "Wrong job", now)
