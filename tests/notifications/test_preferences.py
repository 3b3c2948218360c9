"""Which mails people get: their own choice, and the one press in a mail program."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from directory.models import User
from erp_integrations.emails import daily_summaries
from notifications import preferences, sending
from notifications.models import Kind, OutgoingEmail, Subscription
from tests.clients import signed_in
from tests.factories import ApproverFactory, SubmissionFactory
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
        assert preferences.get_choices(approver)["weekdays"] == ["1"]


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
