"""Who holds a row, who waits for it, and who goes on without it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from directory.db.leases import LeaseLost
from directory.models import User
from erp_integrations import submissions
from erp_integrations.exports import delivery, outcomes, worker
from erp_integrations.models import (
    CallState,
    ConnectionState,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    WireAttempt,
)
from tests.conftest import session_of_owner
from tests.erp_integrations.conftest import accept
from tests.factories import ApproverFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nobody_waits_for_ever(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
    yield
    connection.close()


@contextmanager
def held_by_another(table: str, pk: int, *, key: str = "id") -> Iterator[None]:
    with session_of_owner() as cursor:
        cursor.execute(f"SELECT FROM {table} WHERE {key} = %s FOR UPDATE", [pk])
        yield


def take_back_slowly(job: ExportJob, locked: threading.Event) -> None:
    """A person undoes an acceptance, and the commit takes its time."""
    try:
        with transaction.atomic():
            held = outcomes.lock_job_and_parents(job.pk)
            locked.set()
            time.sleep(0.5)
            outcomes.undo_acceptance(held)
    finally:
        connection.close()


def accept_slowly(submission: Submission, by: User, locked: threading.Event) -> None:
    """A person accepts, and the commit takes its time."""
    try:
        with transaction.atomic():
            accept(submission, by)
            locked.set()
            time.sleep(0.5)
    finally:
        connection.close()


def test_of_two_who_decide_at_this_moment_the_second_is_told_of_the_first(
    awaiting: Submission, approver: User
) -> None:
    second = ApproverFactory(company=awaiting.company)
    locked = threading.Event()
    first = threading.Thread(target=accept_slowly, args=[awaiting, approver, locked])
    first.start()
    assert locked.wait(20)
    with pytest.raises(submissions.Conflict, match=f"{approver} accepted"):
        submissions.reject(submission=awaiting, by=second, reason="No")
    first.join()
    awaiting.refresh_from_db()
    assert (awaiting.status, awaiting.decided_by) == (SubmissionStatus.ACCEPTED, approver)


def test_a_connection_that_another_worker_takes_at_this_moment_is_not_waited_for(queued: ExportJob) -> None:
    with held_by_another("erp_integrations_connectionstate", queued.connection_id, key="connection_id"):
        assert worker.claim_connection(queued.connection_id) is None


def test_nor_is_a_job_that_somebody_holds(queued: ExportJob) -> None:
    lease = worker.claim_connection(queued.connection_id)
    assert lease is not None
    with held_by_another("erp_integrations_exportjob", queued.pk):
        assert worker.claim_job(queued.pk, queued.connection_id, lease) is None


def test_a_job_that_a_person_takes_back_at_this_moment_is_not_claimed(queued: ExportJob) -> None:
    lease = worker.claim_connection(queued.connection_id)
    assert lease is not None
    locked = threading.Event()
    person = threading.Thread(target=take_back_slowly, args=[queued, locked])
    person.start()
    assert locked.wait(20)
    claimed = worker.claim_job(queued.pk, queued.connection_id, lease)
    person.join()
    assert claimed is None
    assert ExportJob.objects.get(pk=queued.pk).status == JobStatus.CANCELLED


def test_the_first_call_of_an_export_waits_for_who_holds_a_row_of_it(queued: ExportJob) -> None:
    lease = worker.claim_connection(queued.connection_id)
    assert lease is not None
    job = worker.claim_job(queued.pk, queued.connection_id, lease)
    assert job is not None
    call = job.list_current_calls()[0]
    entry = WireAttempt(call=call, attempt=job.attempt, payload_hash=call.payload_hash)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20ms'")
    held = held_by_another("erp_integrations_exportcall", call.pk)
    with held, pytest.raises(OperationalError, match="lock timeout"):
        delivery.start_call(job, entry, lease)
    assert not WireAttempt.objects.exists()
    delivery.start_call(job, entry, lease)
    assert WireAttempt.objects.get().call.state == CallState.SENDING


def test_a_worker_whose_connection_was_taken_over_claims_nothing_more(queued: ExportJob) -> None:
    late = worker.claim_connection(queued.connection_id)
    assert late is not None
    ConnectionState.objects.filter(pk=queued.connection_id).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert worker.claim_connection(queued.connection_id) == late + 1
    with pytest.raises(LeaseLost):
        worker.claim_job(queued.pk, queued.connection_id, late)
    assert ExportJob.objects.get(pk=queued.pk).status == JobStatus.QUEUED
