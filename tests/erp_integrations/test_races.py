"""Two people at one moment: one wins, the other is told, and nothing is half-done.

A barrier lets both begin together; each race is run several times because one run of a race
proves little.
"""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from commitments import services as commitments
from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry, User
from erp_integrations import decisions
from erp_integrations.adapters.base import Absent
from erp_integrations.delivery import exporting, recovery, verification
from erp_integrations.findings import preflight
from erp_integrations.models import (
    ErpIdHold,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
)
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    ContractCompanyFactory,
    ExportJobFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    VendorLinkFactory,
    join_project,
)

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = range(6)


def race(*people: Callable[[], object]) -> list[object]:
    """Let them all begin at once; what each got, or the error that it was refused with."""
    results: list[object] = [None] * len(people)
    barrier = threading.Barrier(len(people))

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=10)
            results[place] = act()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


def refusals(results: list[object]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]


@pytest.mark.parametrize("number", ROUNDS)
def test_of_two_approvers_one_decides_and_the_other_is_told(number: int) -> None:
    submission = SubmissionFactory()
    first, second = ApproverFactory.create_batch(2, company=submission.company)
    results = race(
        lambda: accept(submission, first),
        lambda: decisions.reject(submission=submission, by=second, reason="No"),
    )
    (refusal,) = refusals(results)
    assert isinstance(refusal, decisions.Conflict)
    decided = Submission.objects.get(pk=submission.pk)
    assert str(decided.decided_by) in str(refusal)
    jobs = ExportJob.objects.filter(submission=submission).count()
    assert jobs == (decided.status == SubmissionStatus.ACCEPTED)


@pytest.mark.parametrize("number", ROUNDS)
def test_of_two_who_accept_one_job_comes(number: int) -> None:
    submission = SubmissionFactory()
    people = ApproverFactory.create_batch(3, company=submission.company)
    results = race(*[lambda person=person: accept(submission, person) for person in people])
    assert len(refusals(results)) == 2
    assert ExportJob.objects.count() == 1


@pytest.mark.parametrize("number", ROUNDS)
def test_approver_against_retrieve(number: int) -> None:
    submission = SubmissionFactory()
    approver = ApproverFactory(company=submission.company)
    results = race(
        lambda: accept(submission, approver),
        lambda: decisions.retrieve_from_erp(commitment=submission.commitment, by=submission.sent_by),
    )
    (refusal,) = refusals(results)
    assert isinstance(refusal, decisions.Conflict)
    decided = Submission.objects.select_related("commitment").get(pk=submission.pk)
    if decided.status == SubmissionStatus.ACCEPTED:
        assert (decided.commitment.badge, decided.commitment.lock) == (Badge.EXPORTING, Lock.WHOLE)
    else:
        assert decided.status == SubmissionStatus.RETRIEVED
        assert (decided.commitment.badge, decided.commitment.lock) == (Badge.RETRIEVED, Lock.NONE)
        assert not ExportJob.objects.exists()


@pytest.mark.parametrize("number", ROUNDS)
def test_edit_against_send(number: int) -> None:
    seeded = SubmissionFactory(retrieved=True)
    commitment, sender = seeded.commitment, seeded.sent_by
    version = commitment.version

    def edit() -> Commitment:
        return commitments.update_commitment(
            commitment=commitment, by=sender, version=version, values={"title": "Edited"}, lines=None
        )

    results = race(edit, lambda: decisions.send_to_erp(commitment=commitment, by=sender))
    sent = Submission.objects.get(commitment=commitment, status=SubmissionStatus.AWAITING)
    stored = Commitment.objects.get(pk=commitment.pk)
    # Whoever was first: what accounting sees is what the project has.
    assert sent.document.title == stored.title
    assert all(isinstance(refusal, commitments.CommitmentLocked) for refusal in refusals(results))


@pytest.mark.parametrize("number", ROUNDS)
def test_a_change_of_vendor_against_send(number: int) -> None:
    seeded = SubmissionFactory(retrieved=True)
    commitment, sender = seeded.commitment, seeded.sent_by
    other = ContractCompanyFactory(company=seeded.company)
    VendorLinkFactory(connection=seeded.connection, contract_company=other)

    def edit() -> Commitment:
        return commitments.update_commitment(
            commitment=commitment,
            by=sender,
            version=commitment.version,
            values={"contract_company": other},
            lines=None,
        )

    results = race(edit, lambda: decisions.send_to_erp(commitment=commitment, by=sender))
    sent = Submission.objects.get(commitment=commitment, status=SubmissionStatus.AWAITING)
    stored = Commitment.objects.get(pk=commitment.pk)
    assert sent.document.contract_company_id == stored.contract_company_id
    assert all(isinstance(refusal, commitments.CommitmentLocked) for refusal in refusals(results))


@pytest.mark.parametrize("number", ROUNDS)
def test_two_commitments_can_not_take_one_erp_id(number: int) -> None:
    first = SubmissionFactory()
    other = ReadyCommitmentFactory(project=first.project, contract_company=first.commitment.contract_company)
    second = SubmissionFactory(commitment=other)
    people: list[User] = ApproverFactory.create_batch(2, company=first.company)
    results = race(
        lambda: accept(first, people[0], erp_id="SAME"),
        lambda: accept(second, people[1], erp_id="SAME"),
    )
    (refusal,) = refusals(results)
    assert isinstance(refusal, decisions.Conflict | decisions.NotReady)
    assert ErpIdHold.objects.count() == ExportJob.objects.count() == 1


def test_revocation_against_accept_never_exports_for_a_person_without_the_right() -> None:
    submission = SubmissionFactory()
    approver = ApproverFactory(company=submission.company)
    basis = preflight.basis_of(submission.document)

    def revoke() -> None:
        approver.company_memberships.update(can_push_to_accounting=False)

    race(
        revoke,
        lambda: decisions.accept(submission=submission, by=approver, seen_hash=basis.hash, erp_id="X-1"),
    )
    # Either the click was refused, or the worker will see that the right is gone.
    job = ExportJob.objects.first()
    assert job is None or not exporting._approver_still_may(job)


# What may follow a delivery


@pytest.mark.parametrize("number", ROUNDS)
def test_undo_against_claim(number: int) -> None:
    job = ExportJobFactory()
    approver = ApproverFactory(company=job.submission.company)
    lease = exporting._take_connection(job.connection_id)
    assert lease is not None
    undone, claimed = race(
        lambda: decisions.undo(submission=job.submission, by=approver),
        lambda: exporting._claim(job.pk, job.connection_id, lease),
    )
    if isinstance(undone, Exception):
        assert isinstance(undone, decisions.Conflict)
        assert isinstance(claimed, ExportJob)
        assert ExportJob.objects.get().status == JobStatus.EXPORTING
        assert Submission.objects.get().status == SubmissionStatus.ACCEPTED
    else:
        assert claimed is None
        assert ExportJob.objects.get().status == JobStatus.CANCELLED
        assert Submission.objects.get().status == SubmissionStatus.AWAITING


@pytest.mark.parametrize("number", ROUNDS)
def test_resolve_against_a_look(number: int) -> None:
    job = ExportJobFactory(unknown=True)
    past = timezone.now() - timedelta(seconds=1)
    ExportJob.objects.filter(pk=job.pk).update(quiet_until=past, not_before=past)
    approver = ApproverFactory(company=job.submission.company)
    resolved, seen = race(
        lambda: decisions.resolve(
            submission=job.submission,
            by=approver,
            seen_attempt=1,
            attested=decisions.Attested.ALL,
            statement="It is there.",
        ),
        lambda: recovery._write_down(job, recovery.Conclusion(recovery.Shown.NONE)),
    )
    now = ExportJob.objects.get()
    if isinstance(resolved, Exception):
        assert isinstance(resolved, decisions.Conflict)
        assert (seen, now.status) == (True, JobStatus.QUEUED)
    else:
        assert (seen, now.status) == (False, JobStatus.SYNCED)
    told = HistoryEntry.objects.filter(event__in=["export.attested_all", "export.found_none"])
    assert told.count() == 1


@pytest.mark.parametrize("number", ROUNDS)
@pytest.mark.parametrize("what", ["resume", "reject"])
def test_a_decision_on_a_part_against_a_claim(what: str, number: int) -> None:
    job = ExportJobFactory(incomplete=True)
    ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    approver = ApproverFactory(company=job.submission.company)
    lease = exporting._take_connection(job.connection_id)
    assert lease is not None
    commands: dict[str, Callable[[], object]] = {
        "resume": lambda: decisions.resume(submission=job.submission, by=approver, seen_attempt=1),
        "reject": lambda: decisions.reject(submission=job.submission, by=approver, reason="No"),
    }
    decided, claimed = race(commands[what], lambda: exporting._claim(job.pk, job.connection_id, lease))
    now = ExportJob.objects.get()
    if isinstance(claimed, ExportJob):
        assert (now.status, now.attempt) == (JobStatus.EXPORTING, 2)
        assert what == "resume" or isinstance(decided, decisions.Conflict)
    else:
        # The claim found the row locked; what the person decided stands, and the next look goes on.
        assert claimed is None
        assert now.status == (JobStatus.INCOMPLETE if what == "resume" else JobStatus.CANCELLED)


@pytest.mark.parametrize("number", ROUNDS)
def test_revocation_against_claim(number: int) -> None:
    job = ExportJobFactory()
    approver = job.submission.decided_by
    assert approver is not None
    lease = exporting._take_connection(job.connection_id)
    assert lease is not None

    def revoke() -> None:
        approver.company_memberships.update(can_push_to_accounting=False)
        exporting.sweep()

    race(revoke, lambda: exporting._claim(job.pk, job.connection_id, lease))
    now, submission = ExportJob.objects.get(), Submission.objects.get()
    assert (now.status, submission.status) in {
        (JobStatus.EXPORTING, SubmissionStatus.ACCEPTED),  # it had begun
        (JobStatus.CANCELLED, SubmissionStatus.AWAITING),
    }


@pytest.mark.parametrize("number", ROUNDS)
def test_unlink_against_a_read_back(number: int) -> None:
    job = ExportJobFactory(synced=True, verification=Verification.PENDING)
    approver = ApproverFactory(company=job.submission.company)
    join_project(approver, job.submission.project, "admin")  # type: ignore[arg-type]
    unlinked, _ = race(
        lambda: decisions.unlink(
            submission=job.submission, by=approver, seen_attempt=1, statement="I deleted it."
        ),
        lambda: verification._record(job.pk, Absent()),
    )
    assert not isinstance(unlinked, Exception)
    commitment = Commitment.objects.get(pk=job.submission.commitment_id)
    assert (commitment.badge, commitment.lock) == (Badge.UNLINKED, Lock.NONE)
    assert ExportJob.objects.get().status == JobStatus.CANCELLED


@pytest.mark.parametrize("number", ROUNDS)
def test_of_two_who_unlink_one_is_told(number: int) -> None:
    job = ExportJobFactory(synced=True)
    people = ApproverFactory.create_batch(2, company=job.submission.company)
    for person in people:
        join_project(person, job.submission.project, "admin")  # type: ignore[arg-type]
    results = race(
        *[
            lambda person=person: decisions.unlink(
                submission=job.submission, by=person, seen_attempt=1, statement="I deleted it."
            )
            for person in people
        ]
    )
    (refusal,) = refusals(results)
    assert isinstance(refusal, decisions.Conflict)
