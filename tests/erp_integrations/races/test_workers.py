"""Two workers, or a worker and what stops it: one writer of a Spectrum company, one sender of a mail."""

from datetime import timedelta

from django.utils import timezone

from directory.db.leases import LeaseLost
from directory.models import CompanyMembership
from erp_integrations import submissions
from erp_integrations.connections import pauses as pausing
from erp_integrations.exports import worker
from erp_integrations.models import Connection, ConnectionState, ExportJob, JobStatus
from notifications import sending as mails
from notifications.models import OutgoingEmail, Status
from tests.erp_integrations.races.acts import adopts, claims
from tests.erp_integrations.races.conftest import Interleave
from tests.erp_integrations.races.judging import assert_consistent, order_of, the_job, the_submission, told
from tests.erp_integrations.races.orders import Ended
from tests.factories import ApproverFactory, ErpAdminFactory, ExportJobFactory
from tests.notifications.factories import OutgoingEmailFactory

PAST = timedelta(seconds=-1)


def test_of_two_workers_one_takes_a_connection(interleave: Interleave) -> None:
    job = ExportJobFactory()

    def takes() -> int | None:
        return worker.claim_connection(job.connection_id)

    def judge(ended: Ended) -> None:
        assert {ended.first, ended.second} == {1, None}
        assert Connection.objects.get().state.lease_attempt == 1

    interleave(takes, takes, judge, alike=True)


def test_a_worker_whose_connection_was_taken_over_claims_nothing(interleave: Interleave) -> None:
    job = ExportJobFactory()
    late = claims(job)
    ConnectionState.objects.update(lease_until=timezone.now() + PAST)

    def judge(ended: Ended) -> None:
        assert isinstance(ended.first, ExportJob | LeaseLost)
        # While the late one's claim is not committed, the other finds the row locked and goes away.
        assert ended.second == 2 or isinstance(ended.first, ExportJob)
        assert told("export.started") == isinstance(ended.first, ExportJob)

    interleave(late, lambda: worker.claim_connection(job.connection_id), judge)


def test_of_two_sweeps_one_takes_up_what_a_dead_worker_left(interleave: Interleave) -> None:
    ExportJobFactory(abandoned=True)

    def judge(ended: Ended) -> None:
        assert not ended.refusals
        assert the_job().status == JobStatus.QUEUED
        assert told("export.put_off") == 1
        assert_consistent()

    interleave(worker.run_sweep, worker.run_sweep, judge, alike=True)


def test_a_late_sweep_leaves_an_export_alone_that_a_worker_has_begun_meanwhile(
    interleave: Interleave,
) -> None:
    job = ExportJobFactory(abandoned=True)

    def sweeps_and_claims() -> ExportJob | None:
        worker.run_sweep()
        lease = worker.claim_connection(job.connection_id)
        return worker.claim_job(job.pk, job.connection_id, lease) if lease else None

    def judge(ended: Ended) -> None:
        assert not ended.refusals
        begun = isinstance(ended.second, ExportJob)
        assert the_job().status == (JobStatus.EXPORTING if begun else JobStatus.QUEUED)
        assert (told("export.put_off"), told("export.started")) == (1, begun)

    interleave(worker.run_sweep, sweeps_and_claims, judge)


def test_of_two_sweeps_one_takes_back_what_nobody_may_export(interleave: Interleave) -> None:
    job = ExportJobFactory()
    CompanyMembership.objects.filter(user=job.submission.decided_by).update(can_push_to_accounting=False)

    def judge(ended: Ended) -> None:
        assert not ended.refusals
        assert the_submission().status == "awaiting"
        assert told("submission.returned") == 1
        assert_consistent()

    interleave(worker.run_sweep, worker.run_sweep, judge, alike=True)


def test_of_adopt_and_claim_one_has_it_and_nothing_adopted_is_sent(interleave: Interleave) -> None:
    job = ExportJobFactory()
    approver = ApproverFactory(company=job.submission.company)

    def judge(ended: Ended) -> None:
        begun = isinstance(ended.second, ExportJob)
        assert the_job().status == (JobStatus.EXPORTING if begun else JobStatus.SYNCED)
        assert [type(refusal) for refusal in ended.refusals] == [submissions.Conflict] * begun
        assert (told("export.started"), told("submission.adopted")) == (begun, not begun)
        assert_consistent()

    interleave(adopts(approver, job.submission), claims(job), judge)


def test_of_pause_and_claim_nothing_begins_after_the_pause(interleave: Interleave) -> None:
    job = ExportJobFactory()
    admin = ErpAdminFactory(company=job.submission.company)

    def pauses() -> None:
        pausing.pause(connection=job.connection, by=admin, reason="Year-end")

    def judge(ended: Ended) -> None:
        assert not ended.refusals
        told_in_order = order_of("export.started", "connection.paused")
        assert told_in_order in (["connection.paused"], ["export.started", "connection.paused"])
        assert isinstance(ended.second, ExportJob) == ("export.started" in told_in_order)

    interleave(pauses, claims(job), judge)


def test_of_two_who_pause_one_is_told(interleave: Interleave) -> None:
    job = ExportJobFactory()
    admin = ErpAdminFactory(company=job.submission.company)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        assert "is already paused: Year-end" in str(refusal)
        assert told("connection.paused") == 1

    def pauses() -> None:
        pausing.pause(connection=job.connection, by=admin, reason="Year-end")

    interleave(pauses, pauses, judge, alike=True)


# Mails


def test_of_two_senders_one_gets_a_mail(interleave: Interleave) -> None:
    email = OutgoingEmailFactory()

    def judge(ended: Ended) -> None:
        assert {ended.first, ended.second} == {email, None}
        assert OutgoingEmail.objects.get().attempts == 1

    interleave(mails.claim_email, mails.claim_email, judge, alike=True)


def test_of_two_mails_each_sender_gets_one_and_never_the_same(interleave: Interleave) -> None:
    OutgoingEmailFactory.create_batch(2)

    def judge(ended: Ended) -> None:
        assert None not in (ended.first, ended.second)
        assert ended.first != ended.second
        assert set(OutgoingEmail.objects.values_list("status", "attempts")) == {(Status.SENDING, 1)}

    interleave(mails.claim_email, mails.claim_email, judge, alike=True)


def test_of_two_looks_one_queues_again_what_a_dead_sender_had(interleave: Interleave) -> None:
    OutgoingEmailFactory()
    claimed = mails.claim_email()
    assert claimed
    OutgoingEmail.objects.update(lease_until=timezone.now() + PAST)

    def judge(ended: Ended) -> None:
        assert sorted([ended.first, ended.second]) == [0, 1]
        assert list(OutgoingEmail.objects.values_list("status", "attempts")) == [(Status.QUEUED, 1)]

    interleave(mails.requeue_abandoned_emails, mails.requeue_abandoned_emails, judge, alike=True)


def test_a_sender_that_reports_late_changes_nothing(interleave: Interleave) -> None:
    OutgoingEmailFactory()
    claimed = mails.claim_email()
    assert claimed
    OutgoingEmail.objects.update(lease_until=timezone.now() + PAST)

    def judge(ended: Ended) -> None:
        now = OutgoingEmail.objects.get()
        assert now.status in (Status.SENT, Status.QUEUED)
        assert (ended.second == 1) == (now.status == Status.QUEUED)

    interleave(lambda: mails.record_result(claimed, None), mails.requeue_abandoned_emails, judge)
