"""Who is mailed that something failed or needs attention, when, and about what."""

from datetime import timedelta

import pytest
from django.utils import timezone

from directory.models import User
from erp_integrations import alarms, submissions
from erp_integrations.adapters.base import Refused, WireError
from erp_integrations.connections import circuit_breaker
from erp_integrations.emails import alarm_mails
from erp_integrations.exports import outcomes
from erp_integrations.models import Alarm, Connection, ConnectionState, ExportJob, JobStatus
from notifications.models import Kind, OutgoingEmail, Subscription
from tests.factories import ApproverFactory, ExportJobFactory, ViewerFactory

pytestmark = pytest.mark.django_db

PROBLEM = "Subcontract: Vendor_Code: V1 is not active."


def failed(**more: object) -> ExportJob:
    """A worker's export that Spectrum has refused."""
    job: ExportJob = ExportJobFactory(exporting=True, **more)
    entry = job.list_current_calls()[0].wire_attempts.create(attempt=1, payload_hash="x")
    refusal = Refused((WireError("I", "V1 is not active.", "Vendor_Code"),), reply="")
    outcomes.record_outcome(job, entry, refusal)
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    return job


def mails() -> dict[str, OutgoingEmail]:
    return {mail.to_address: mail for mail in OutgoingEmail.objects.filter(kind=Kind.ATTENTION)}


def a_quarter_of_an_hour_later() -> None:
    Alarm.objects.exclude(told_at=None).update(told_at=timezone.now() - timedelta(minutes=16))


class TestToWhom:
    def test_every_approver_and_the_sender_whose_project_must_act(self) -> None:
        job = failed()
        company = job.submission.company
        approver: User = ApproverFactory(company=company)
        ViewerFactory(company=company)
        ApproverFactory()  # of another company
        alarm_mails.store_due_alarms()
        decided_by, sender = job.submission.decided_by, job.submission.sent_by
        assert decided_by is not None
        assert set(mails()) == {approver.email, decided_by.email, sender.email}
        to_approver, to_sender = mails()[approver.email], mails()[sender.email]
        assert to_approver.subject == f"Needs attention: {job.submission.number} {job.submission.title}"
        for mail, page in (
            (to_approver, f"/erp-integrations/commitments/{job.submission_id}/"),
            (to_sender, f"/projects/{job.submission.project_id}/commitments/{job.submission.commitment_id}/"),
        ):
            for body in (mail.text_body, mail.html_body):
                assert "V1 is not active." in body
                assert page in body
        assert "An accounting approver can reject it" in to_sender.text_body

    def test_the_sender_is_not_told_where_only_accounting_can_act(self) -> None:
        job: ExportJob = ExportJobFactory(exporting=True)
        outcomes.fail(job, "Changed since it was accepted.")
        alarm_mails.store_due_alarms()
        assert job.submission.sent_by.email not in mails()
        assert mails()

    def test_no_approver_who_has_it_in_the_summary(self) -> None:
        job = failed()
        person = job.submission.decided_by
        assert person is not None
        for each in (person, job.submission.sent_by):
            Subscription.objects.create(user=each, kind=Kind.ATTENTION, wanted=False)
        alarm_mails.store_due_alarms()
        # The sender is no approver, and has no summary.
        assert set(mails()) == {job.submission.sent_by.email}


class TestWhen:
    def test_the_first_at_once_and_the_others_of_a_connection_together(self) -> None:
        first = failed()
        alarm_mails.store_due_alarms()
        assert OutgoingEmail.objects.filter(to_address=first.submission.sent_by.email).count() == 1
        # More trouble on the same connection within the quarter of an hour.
        for sentence in ("It is down.", "It is down again."):
            ConnectionState.objects.filter(pk=first.connection_id).update(fault=sentence)
            alarms.create_alarm(Connection.objects.get(pk=first.connection_id), sentence)
        approver = first.submission.decided_by
        assert approver is not None
        before = OutgoingEmail.objects.filter(to_address=approver.email).count()
        assert alarm_mails.store_due_alarms() == 0
        a_quarter_of_an_hour_later()
        alarm_mails.store_due_alarms()
        new = OutgoingEmail.objects.filter(to_address=approver.email).order_by("-pk")
        assert new.count() == before + 1
        assert "2 items need attention" in new[0].subject
        assert "It is down again." in new[0].text_body
        assert alarm_mails.store_due_alarms() == 0

    def test_another_connection_does_not_wait_for_it(self) -> None:
        failed()
        alarm_mails.store_due_alarms()
        other = failed()
        alarm_mails.store_due_alarms()
        assert other.submission.sent_by.email in mails()

    def test_what_is_over_before_it_was_mailed_is_not_mailed(self) -> None:
        job = failed()
        approver: User = ApproverFactory(company=job.submission.company)
        submissions.reject(submission=job.submission, by=approver, reason="Wrong vendor.")
        assert alarm_mails.store_due_alarms() == 0
        assert mails() == {}
        assert not Alarm.objects.exists()

    def test_a_connection_that_is_well_again_is_no_news(self) -> None:
        job: ExportJob = ExportJobFactory()
        circuit_breaker.open_circuit(job.connection, "It is down.")
        ConnectionState.objects.update(fault="", awaits_probe=False, not_before=None)
        assert alarm_mails.store_due_alarms() == 0
        assert mails() == {}

    def test_an_unknown_is_mailed_only_where_a_person_must_look(self, settings: object) -> None:
        job: ExportJob = ExportJobFactory(abandoned=True)
        job.list_current_calls()[0].wire_attempts.create(attempt=1, payload_hash="x")
        job.calls.filter(position=1).update(state="sending")
        outcomes.release_stalled(job.pk)
        assert Alarm.objects.count() == 1
        settings.INFO_LINKS = {"simulator": "sqlite://"}  # type: ignore[attr-defined]
        other: ExportJob = ExportJobFactory(abandoned=True)
        other.calls.filter(position=1).update(state="sending")
        outcomes.release_stalled(other.pk)
        assert Alarm.objects.count() == 1


class TestOneCause:
    def test_what_has_one_cause_is_one_line_with_a_count(self) -> None:
        job = failed()
        alarm_mails.store_due_alarms()
        OutgoingEmail.objects.all().delete()
        connection = job.connection
        ConnectionState.objects.filter(pk=connection.pk).update(fault="It is down.")
        for _ in range(18):
            alarms.create_alarm(connection, "It is down.")
        a_quarter_of_an_hour_later()
        alarm_mails.store_due_alarms()
        approver = job.submission.decided_by
        assert approver is not None
        mail = mails()[approver.email]
        assert mail.subject == f"Needs attention: Connection {connection.name}"
        assert mail.text_body.count("It is down.") == 1
        assert "It is down. (18 times)" in mail.text_body

    def test_several_commitments_with_one_cause_are_named_together(self) -> None:
        first = failed()
        company = first.submission.company
        others = [failed(submission__commitment__project=first.submission.project) for _ in range(6)]
        approver: User = ApproverFactory(company=company)
        for _ in range(2):
            alarm_mails.store_due_alarms()
        mail = mails()[approver.email]
        numbers = [each.submission.number for each in (first, *others)]
        assert mail.text_body.count("V1 is not active.") == 1
        assert "(7 times)" in mail.text_body
        assert all(number in mail.text_body for number in numbers[:5])
        assert "and 2 more" in mail.text_body
        assert "view=needs-attention" in mail.text_body
