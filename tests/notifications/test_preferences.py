"""Which mails people get: their own choice, and the one press in a mail program."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from directory.models import Company, HistoryEntry, Level, Project, User
from directory.rights import memberships
from erp_integrations import alarms
from erp_integrations.emails import alarm_mails, daily_summaries
from erp_integrations.models import Connection, ConnectionState, ExportJob, Submission
from notifications import preferences, sending
from notifications.models import Kind, OutgoingEmail, Subscription
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ConnectionFactory,
    ExportJobFactory,
    MemberFactory,
    PersonFactory,
    SubmissionFactory,
    join_company,
)
from tests.notifications.mail_server import MailServer

pytestmark = pytest.mark.django_db
MONDAY, SATURDAY = datetime(2026, 11, 30, 18, tzinfo=UTC), datetime(2026, 12, 5, 18, tzinfo=UTC)


@pytest.fixture
def approver() -> User:
    return ApproverFactory(company=SubmissionFactory().company, time_zone="UTC")


def choose(person: User, **posted: object) -> int:
    return signed_in(person).post(reverse("mails"), posted).status_code


class TestChoices:
    def test_all_are_wanted_until_somebody_chooses(self, approver: User) -> None:
        html = signed_in(approver).get(reverse("mails")).text
        assert html.count(" checked") == 10
        assert "Rejected by accounting" in html

    def test_a_summary_comes_on_the_chosen_days(self, approver: User) -> None:
        assert choose(approver, summary="on", weekdays=["1", "2"]) == 302
        assert daily_summaries.store_due_summaries(at=SATURDAY) == 0
        assert daily_summaries.store_due_summaries(at=MONDAY) == 1

    def test_no_day_is_refused_in_words(self, approver: User) -> None:
        answer = signed_in(approver).post(reverse("mails"), {"summary": "on"})
        assert answer.status_code == 422
        assert "Choose at least one day, or switch the summary off" in answer.text
        assert not Subscription.objects.exists()

    def test_one_that_is_switched_off_is_not_sent_and_its_days_are_kept(self, approver: User) -> None:
        choose(approver, summary="on", weekdays=["1"])
        choose(approver)
        assert daily_summaries.store_due_summaries(at=MONDAY) == 0
        assert not preferences.list_subscribers([approver], Kind.ATTENTION)
        assert Subscription.objects.get(kind=Kind.DAILY_SUMMARY).weekdays == "1"


class TestCompanyDefaults:
    @pytest.fixture
    def company(self, approver: User) -> Company:
        User.objects.update(has_own_time_zone=False, has_own_summary_hour=False)
        return approver.company_memberships.get().company

    def set_defaults(self, company: Company, **posted: object) -> int:
        admin = MemberFactory(company=company, erp_integrations_level=Level.ADMIN)
        address = reverse("erp_integrations:mails", args=[company.slug])
        times = {"time_zone": "Asia/Tokyo", "summary_hour": "9"}
        return signed_in(admin).post(address, {**times, **posted}).status_code

    def test_who_chose_nothing_has_the_companys_days_hour_zone_and_moments(
        self, company: Company, approver: User
    ) -> None:
        assert self.set_defaults(company, summary="on", weekdays=["1", "2"]) == 302
        approver.refresh_from_db()
        assert (approver.time_zone, approver.summary_hour) == ("Asia/Tokyo", 9)
        midnight = datetime(2026, 11, 30, 0, tzinfo=UTC)  # Monday 9:00 in Tokyo
        assert daily_summaries.store_due_summaries(at=midnight - timedelta(minutes=1)) == 0
        assert daily_summaries.store_due_summaries(at=midnight) == 1
        assert daily_summaries.store_due_summaries(at=midnight + timedelta(days=2)) == 0
        assert preferences.list_subscribers([approver], Kind.ATTENTION) == []
        page = signed_in(approver).get(reverse("mails")).text
        assert "The summary on Monday, Tuesday at 09:00; what failed in the summary" in page
        assert HistoryEntry.objects.filter(event="company.changed", company_id=company.pk).count() == 1

    def test_ones_own_choice_wins_until_it_is_given_up(self, company: Company, approver: User) -> None:
        choose(approver, summary="on", weekdays=["6"], attention="on")
        profile = {"first_name": "A", "last_name": "B", "time_zone": "UTC", "summary_hour": "7"}
        signed_in(approver).post(reverse("profile"), profile)
        self.set_defaults(company, weekdays=["1"])
        approver.refresh_from_db()
        assert (approver.time_zone, approver.summary_hour) == ("UTC", 7)
        assert preferences.list_subscribers([approver], Kind.ATTENTION) == [approver]
        assert daily_summaries.store_due_summaries(at=SATURDAY) == 1
        choose(approver, **{"as-company": "1"})
        signed_in(approver).post(
            reverse("profile"), {**profile, "time_zone": "company", "summary_hour": "company"}
        )
        approver.refresh_from_db()
        assert (approver.time_zone, approver.summary_hour) == ("Asia/Tokyo", 9)
        assert daily_summaries.store_due_summaries(at=MONDAY) == 0

    def test_a_newcomer_has_those_of_the_first_company(self, company: Company) -> None:
        self.set_defaults(company)
        newcomer: User = PersonFactory(has_own_time_zone=False)
        for each in (company, CompanyFactory(time_zone="UTC")):
            join_company(newcomer, each)
        newcomer.refresh_from_db()
        assert newcomer.time_zone == "Asia/Tokyo"
        memberships.delete_company_membership(membership=company.memberships.get(user=newcomer), by=None)
        newcomer.refresh_from_db()
        assert newcomer.time_zone == "UTC"

    def test_the_days_are_not_called_optional(self, approver: User) -> None:
        assert "optional" not in signed_in(approver).get(reverse("mails")).text


class TestMovedToTheSummary:
    def test_a_failure_brings_it_even_where_nothing_awaits(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        company, told_at_once = job.submission.company, job.submission.decided_by
        mover: User = ApproverFactory(company=company, time_zone="UTC")
        choose(mover, summary="on", weekdays=["1"])
        alarms.create_alarm(job, "V1 is not active.", tells_sender=True)
        alarm_mails.store_due_alarms()
        at_once = OutgoingEmail.objects.filter(kind=Kind.ATTENTION)
        assert {mail.recipient for mail in at_once} == {told_at_once, job.submission.sent_by}
        assert daily_summaries.store_due_summaries(at=MONDAY) == 1
        summary = OutgoingEmail.objects.get(kind=Kind.DAILY_SUMMARY)
        assert summary.recipient == mover
        for body in (summary.text_body, summary.html_body):
            assert "Its export failed." in body
            assert "Nothing awaits a decision" in body
            assert "0 commitments" not in body

    def test_so_does_a_connection_that_stopped(self) -> None:
        found: Connection = ConnectionFactory()
        ConnectionState.objects.filter(pk=found.pk).update(fault="The certificate has expired.")
        choose(ApproverFactory(company=found.company, time_zone="UTC"), summary="on", weekdays=["1"])
        assert daily_summaries.store_due_summaries(at=MONDAY) == 1
        assert "The certificate has expired." in OutgoingEmail.objects.get().text_body

    def test_what_was_sent_again_is_marked(self, approver: User) -> None:
        rejected: Submission = SubmissionFactory(commitment__project=Project.objects.get(), rejected=True)
        SubmissionFactory(commitment=rejected.commitment)
        daily_summaries.store_due_summaries(at=MONDAY)
        assert "Sent again after a rejection" in OutgoingEmail.objects.get(recipient=approver).text_body


@pytest.mark.django_db(transaction=True)
class TestUnsubscribe:
    @pytest.fixture
    def address(self, approver: User, mail_server: MailServer) -> str:
        daily_summaries.store_due_summaries(regardless_of_hour=True)
        sending.send_due_emails()
        (mail,) = mail_server.received
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        path: str = mail["List-Unsubscribe"].strip("<>").partition("/accounts/")[2]
        return f"/accounts/{path}"

    def test_the_press_of_a_mail_program_ends_it_and_to_open_the_page_does_not(
        self, approver: User, address: str
    ) -> None:
        stranger = Client(enforce_csrf_checks=True)
        assert "This stops your daily summary" in stranger.get(address).text
        assert not Subscription.objects.exists()
        assert stranger.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
        choice = Subscription.objects.get()
        assert (choice.user, choice.kind, choice.wanted) == (approver, Kind.DAILY_SUMMARY, False)

    def test_a_token_that_was_changed_is_nobodys(self, address: str) -> None:
        assert Client().post(f"{address[:-2]}x/").status_code == 404
        assert not Subscription.objects.exists()

    def test_other_mails_have_no_such_press(self, mail_server: MailServer, approver: User) -> None:
        OutgoingEmail.objects.create(
            recipient=approver, to_address=approver.email, kind=Kind.RIGHTS, subject="s", text_body="t"
        )
        sending.send_due_emails()
        assert mail_server.received[-1]["List-Unsubscribe"] is None
