from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from directory.models import User
from notifications import emails, sending
from notifications.letters import Letter, store_letter
from notifications.models import Kind, OutgoingEmail, RefusedAddress, Status
from tests.notifications.factories import RecipientFactory
from tests.notifications.mail_server import MailServer


def letter(**changes: Any) -> Letter:
    return Letter(
        **{
            "commitment": "SC-0001 Concrete works",
            "facts": [("Project", "Bridge Street Library"), ("Amount", "USD 32,000.01")],
            "text": "Line 3 is on the wrong phase.",
            "by": "Ada Approver",
            "closing": "You can edit it again.",
            "link": "https://books.example/projects/1/commitments/2/edit/",
            "thread": "commitment-2",
            **changes,
        }
    )


def reject(*recipients: Any, by: Any = None, **changes: Any) -> list[OutgoingEmail]:
    return store_letter(recipients=recipients, kind=Kind.REJECTION, letter=letter(**changes), by=by)


def minutes_ago(minutes: int) -> None:
    """As if all that is stored had been stored, and become due, so much earlier."""
    earlier = timedelta(minutes=minutes)
    for email in OutgoingEmail.objects.all():
        OutgoingEmail.objects.filter(pk=email.pk).update(not_before=email.not_before - earlier)


@pytest.mark.django_db
def test_a_rejection_carries_the_reason_who_rejected_and_the_link() -> None:
    creator, sender = RecipientFactory.create(), RecipientFactory.create()
    emails = reject(creator, sender, sender)
    assert [email.to_address for email in emails] == [creator.email, sender.email]
    email = emails[0]
    assert email.kind == Kind.REJECTION
    assert email.subject == "Rejected by accounting: SC-0001 Concrete works"
    for expected in (
        "Line 3 is on the wrong phase.",
        "Ada Approver",
        "Bridge Street Library",
        "USD 32,000.01",
        "https://books.example/projects/1/commitments/2/edit/",
    ):
        assert expected in email.text_body
        assert expected in email.html_body


@pytest.mark.django_db
def test_a_person_without_an_address_is_left_out() -> None:
    assert reject(RecipientFactory.create(email="")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\v", "\x85", "\u2028"])
def test_a_line_break_in_a_title_makes_no_header(break_: str) -> None:
    (email,) = reject(RecipientFactory.create(), commitment=f"SC-0001 Works{break_}Bcc: all@example.test")
    assert email.subject == "Rejected by accounting: SC-0001 Works Bcc: all@example.test"


@pytest.mark.django_db
def test_a_long_title_is_cut_in_the_subject_alone() -> None:
    title = "Concrete works " * 17
    (email,) = reject(RecipientFactory.create(), commitment=title)
    assert len(email.subject) <= 200
    assert email.subject.endswith("…")
    assert title in email.html_body


@pytest.mark.django_db
def test_what_people_wrote_stays_text_in_the_html() -> None:
    (email,) = reject(RecipientFactory.create(), text="<script>alert(1)</script>\nSecond line & more")
    assert "<script" not in email.html_body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>Second line &amp; more" in email.html_body
    assert "> <script>alert(1)</script>\n> Second line & more" in email.text_body


@pytest.mark.django_db(transaction=True)
def test_a_cause_that_is_rolled_back_leaves_no_mail() -> None:
    with transaction.atomic():
        reject(RecipientFactory.create())
        transaction.set_rollback(True)
    assert not OutgoingEmail.objects.exists()


@pytest.mark.django_db
def test_one_sender_is_woken_and_only_after_the_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    callbacks: list[Callable[[], Any]]
    with django_capture_on_commit_callbacks() as callbacks:
        reject(RecipientFactory.create(), RecipientFactory.create())
    assert len(callbacks) == 1
    with django_capture_on_commit_callbacks() as callbacks:
        reject(RecipientFactory.create(email=""))
    assert callbacks == []


@pytest.mark.django_db
class TestGathering:
    def test_six_rejections_of_a_morning_are_two_mails(self, mail_server: MailServer) -> None:
        creator, approver = RecipientFactory.create(), RecipientFactory.create()
        for number in range(1, 7):
            link = f"https://books.example/{number}/"
            reject(creator, by=approver, commitment=f"SC-000{number} Works", link=link, thread=f"c-{number}")
        first, gathered = OutgoingEmail.objects.order_by("pk")
        assert first.subject == "Rejected by accounting: SC-0001 Works"
        assert gathered.subject == "5 commitments rejected by accounting"
        for number in range(2, 7):
            for body in (gathered.text_body, gathered.html_body):
                assert f"SC-000{number} Works" in body
                assert f"https://books.example/{number}/" in body
        assert OutgoingEmail.objects.filter(not_before__gt=Now() + timedelta(minutes=14)).get() == gathered
        assert list(OutgoingEmail.objects.due()) == [first]

    def test_what_another_person_or_another_cause_makes_is_another_mail(self) -> None:
        creator, approver, other = RecipientFactory.create_batch(3)
        reject(creator, by=approver)
        reject(creator, by=other)
        reject(other, by=approver)
        store_letter(recipients=[creator], kind=Kind.QUESTION, letter=letter(), by=approver)
        assert OutgoingEmail.objects.due().count() == 4

    def test_after_a_pause_the_next_goes_out_at_once_again(self) -> None:
        creator, approver = RecipientFactory.create_batch(2)
        reject(creator, by=approver)
        minutes_ago(16)
        reject(creator, by=approver)
        assert OutgoingEmail.objects.due().count() == 2

    def test_nothing_is_added_to_a_mail_that_a_sender_has_had(self) -> None:
        creator, approver = RecipientFactory.create_batch(2)
        for _ in range(2):
            reject(creator, by=approver)
        OutgoingEmail.objects.filter(not_before__gt=Now()).update(attempts=1)
        (third,) = reject(creator, by=approver)
        assert OutgoingEmail.objects.count() == 3
        assert len(third.letters) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_to_one_mail_at_one_moment_neither_is_lost() -> None:
    creator, approver = RecipientFactory.create_batch(2)
    for number in (1, 2):
        reject(creator, by=approver, commitment=f"SC-{number}")
    add = partial(reject, creator, by=approver)
    with ThreadPoolExecutor(max_workers=1) as other, transaction.atomic():
        add(commitment="SC-3")
        with pytest.raises(OperationalError, match="while locking tuple"):
            other.submit(run_without_waiting, partial(add, commitment="SC-4")).result()
    add(commitment="SC-4")
    last = OutgoingEmail.objects.order_by("pk").last()
    assert last is not None
    assert [each["commitment"] for each in last.letters] == ["SC-2", "SC-3", "SC-4"]


def run_without_waiting(act: Callable[[], Any]) -> Any:
    """In a session of its own."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        return act()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
class TestHeaders:
    def send(self, mail_server: MailServer, **values: Any) -> Any:
        reject(RecipientFactory.create(), **values)
        sending.send_due_emails()
        return mail_server.received[-1]

    def test_an_answer_goes_to_the_person_who_acted(self, mail_server: MailServer) -> None:
        by: User = RecipientFactory.create(first_name="Ada, Bcc: x@example.test")
        assert self.send(mail_server, by=by)["Reply-To"] == by.email

    def test_not_where_the_site_or_the_account_says_no(
        self, mail_server: MailServer, settings: Settings
    ) -> None:
        assert self.send(mail_server, by=RecipientFactory.create(is_active=False))["Reply-To"] is None
        settings.MAIL_REPLY_TO_PERSON = False
        assert self.send(mail_server, by=RecipientFactory.create())["Reply-To"] is None

    def test_mails_of_one_commitment_are_one_thread(self, mail_server: MailServer) -> None:
        mails = [
            self.send(mail_server),
            self.send(mail_server),
            self.send(mail_server, thread="commitment-3"),
        ]
        first, second, other = [(mail["In-Reply-To"], mail["References"]) for mail in mails]
        assert first == second == ("<commitment-2@example.test>", "<commitment-2@example.test>")
        assert other[0] == "<commitment-3@example.test>"
        assert len({mail["Message-ID"] for mail in mails}) == 3


@pytest.mark.django_db(transaction=True)
def test_whose_account_ends_while_a_letter_waits_does_not_get_it(mail_server: MailServer) -> None:
    person: User = RecipientFactory.create()
    (email,) = reject(person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    sending.send_due_emails()
    email.refresh_from_db()
    assert (email.status, mail_server.received) == (Status.FAILED, [])
    assert "deactivated" in email.last_error


@pytest.mark.django_db(transaction=True)
class TestRefusedAddress:
    @pytest.fixture
    def person(self) -> User:
        person: User = RecipientFactory.create(email="Gone@example.test")
        return person

    def refuse(self, mail_server: MailServer, person: User, answer: str) -> None:
        mail_server.answers[person.email] = answer
        reject(person)
        sending.send_due_emails()

    def test_after_a_refusal_for_good_no_other_mail_is_tried(
        self, mail_server: MailServer, person: User
    ) -> None:
        self.refuse(mail_server, person, "550 5.1.1 No such user")
        assert RefusedAddress.objects.get().address == "gone@example.test"
        del mail_server.answers[person.email]
        (email,) = reject(person, by=RecipientFactory.create())
        assert (email.status, email.last_error) == (Status.FAILED, "550 5.1.1 No such user")
        sending.send_due_emails()
        assert mail_server.received == []

    def test_the_way_in_is_mailed_all_the_same(self, mail_server: MailServer, person: User) -> None:
        self.refuse(mail_server, person, "550 5.1.1 No such user")
        (link,) = emails.store_password_link(Kind.PASSWORD_LINK, recipient=person)
        assert link.status == Status.QUEUED

    @pytest.mark.parametrize("answer", ["450 4.2.1 Try later", "550 5.7.1 Relaying denied", "452 Full"])
    def test_what_passes_or_is_policy_marks_nobody(
        self, mail_server: MailServer, person: User, answer: str
    ) -> None:
        self.refuse(mail_server, person, answer)
        assert not RefusedAddress.objects.exists()

    @pytest.mark.parametrize("kind", [Kind.RIGHTS, Kind.PRIVILEGE])
    def test_who_may_commit_money_is_mailed_all_the_same(
        self, mail_server: MailServer, person: User, kind: Kind
    ) -> None:
        self.refuse(mail_server, person, "550 5.1.1 No such user")
        told: dict[str, Any] = {
            "headline": "Granted",
            "sentence": "x",
            "facts": [],
            "reason": "",
            "link": "https://x.example",
        }
        (email,) = emails.store_rights_notice(recipients=[person], kind=kind, **told)
        assert email.status == Status.QUEUED

    def test_a_day_later_one_is_tried_and_a_mail_that_arrives_ends_it(
        self, mail_server: MailServer, person: User
    ) -> None:
        self.refuse(mail_server, person, "550 5.1.1 No such user")
        RefusedAddress.objects.update(refused_at=Now() - timedelta(hours=25))
        del mail_server.answers[person.email]
        reject(person, by=RecipientFactory.create())
        sending.send_due_emails()
        assert len(mail_server.received) == 1
        assert not RefusedAddress.objects.exists()
