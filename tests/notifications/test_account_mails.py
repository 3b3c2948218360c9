"""Mails about accounts: who is told, and that nothing else tells who exists."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from directory.accounts import password_links
from directory.models import HistoryEntry, User
from notifications.account_mails import handle_password_requests
from notifications.models import OutgoingEmail, PasswordRequest, Status
from notifications.sending import send_due_emails
from tests.clients import signed_in
from tests.directory.signing_in import PASSWORD, code_of, sign_in, turn_on_two_step
from tests.factories import CompanyFactory, PersonFactory, PrivilegeAdminFactory, join_company
from tests.notifications.mail_server import MailServer

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset/"
NEW = "another correct horse"


@pytest.fixture
def person() -> User:
    person: User = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    return person


def link_made(person: User, *, ago: timedelta) -> str:
    """A link that was sent so long ago."""
    tokens = password_links.PasswordLinkTokens()
    then = tokens._num_seconds(tokens._now() - ago)
    old = tokens._make_token_with_timestamp(person, then, tokens.secret)
    new = password_links.build_password_link(person)
    return f"{new.rsplit('/key/')[0]}/key/{user_pk_to_url_str(person)}-{old}/"


def choose_password(link: str, password: str = NEW) -> bool:
    """Open the link and choose; whether it took."""
    client = Client()
    opened = client.get(urlsplit(link).path)
    if opened.status_code != 302:
        return False
    posted = {"password1": password, "password2": password}
    return client.post(opened.headers["Location"], posted).status_code == 302


class TestForgottenPasswords:
    def ask(self, address: str) -> str:
        answer = Client().post(RESET, {"email": address})
        assert answer.headers["Location"] == "/accounts/password/reset/done/"
        return Client().get(answer.headers["Location"]).content.decode()

    def test_the_answer_and_the_work_are_the_same_for_who_exists_and_who_does_not(self, person: User) -> None:
        told = []
        self.ask("first@example.test")  # the count of requests from this place is begun
        for address in (person.email, "nobody@example.test"):
            with CaptureQueriesContext(connection) as queries:
                page = self.ask(address)
            statements = [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries]
            told.append((re.sub(r'value="[^"]+"', "", page), statements))
        assert told[0] == told[1]
        assert not any("directory_user" in statement for statement in told[0][1])
        assert PasswordRequest.objects.count() == 3
        assert not OutgoingEmail.objects.exists()

    def test_only_who_exists_gets_a_mail_and_it_is_stored_without_the_link(self, person: User) -> None:
        off = PersonFactory(email="off@example.test", is_active=False)
        for address in ("DANA@example.test", "nobody@example.test", off.email):
            self.ask(address)
        assert handle_password_requests() == 3
        email = OutgoingEmail.objects.get()
        assert (email.recipient, email.to_address) == (person, person.email)
        assert "60 minutes" in email.text_body
        for body in (email.text_body, email.html_body):
            assert "/accounts/password/reset/key/" not in body
            assert ".invalid/" in body
        assert not PasswordRequest.objects.exists()
        assert handle_password_requests() == 0

    def test_asking_too_often_is_stopped_for_whoever_it_is(self, person: User) -> None:
        for address in (person.email, "nobody@example.test"):
            answers = [Client().post(RESET, {"email": address}).status_code for _ in range(4)]
            assert answers == [302, 302, 302, 429]


class TestLinks:
    def test_a_link_works_once(self, person: User) -> None:
        link = password_links.build_password_link(person)
        assert choose_password(link)
        assert sign_in(Client(), person.email, NEW) == 302
        assert not choose_password(link, "a third correct horse")
        assert HistoryEntry.objects.about(person).filter(event="password.reset", by_id=person.pk).exists()

    def test_a_link_goes_round_no_second_step(self, person: User) -> None:
        turn_on_two_step(person)
        assert choose_password(password_links.build_password_link(person))
        client = Client()
        sign_in(client, person.email, NEW)
        assert client.get("/accounts/profile/").status_code == 302
        client.post("/accounts/two-step/authenticate/", {"code": code_of(person)})
        assert client.get("/accounts/profile/").status_code == 200

    def test_a_link_for_a_forgotten_password_works_for_an_hour(self, person: User) -> None:
        assert not choose_password(link_made(person, ago=timedelta(minutes=61)))
        assert choose_password(link_made(person, ago=timedelta(minutes=59)))

    def test_an_invitation_works_for_a_week(self) -> None:
        invited = User.objects.create_user("new@example.test")
        assert not choose_password(link_made(invited, ago=timedelta(days=7, minutes=1)))
        assert choose_password(link_made(invited, ago=timedelta(days=6, hours=23)))

    def test_another_person_s_link_is_not_one_s_own(self, person: User) -> None:
        other = User.objects.create_user("other@example.test")
        mine, theirs = (urlsplit(password_links.build_password_link(each)).path for each in (person, other))
        uid = theirs.split("/")[-2].split("-")[0]
        token = mine.split("/")[-2].split("-", 1)[1]
        assert not choose_password(f"/accounts/password/reset/key/{uid}-{token}/")

    def test_a_new_password_opens_what_guessing_had_locked_and_ends_sessions(self, person: User) -> None:
        before = Client()
        sign_in(before, person.email)
        for _ in range(9):
            sign_in(Client(), person.email, "wrong")
        person.refresh_from_db()
        assert choose_password(password_links.build_password_link(person))
        assert sign_in(Client(), person.email, NEW) == 302
        assert before.get("/accounts/profile/").status_code == 302


class TestInvitations:
    @pytest.fixture
    def staff(self) -> User:
        person: User = PrivilegeAdminFactory()
        person.user_permissions.set(
            Permission.objects.filter(codename__in=["add_user", "view_user", "change_user"])
        )
        return person

    def test_who_is_created_is_invited_and_has_no_password_till_then(self, staff: User) -> None:
        posted = {"email": "new@example.test", "first_name": "New", "last_name": "Person"}
        signed_in(staff).post("/admin/directory/user/add/", {**posted, "password1": PASSWORD})
        invited = User.objects.get(email="new@example.test")
        email = OutgoingEmail.objects.get()
        assert not invited.has_usable_password()
        assert (email.recipient, email.kind) == (invited, "invitation")
        assert "7 days" in email.text_body
        assert list(HistoryEntry.objects.about(invited).values_list("event", "by_id")) == [
            ("account.created", staff.pk),
            ("account.invited", staff.pk),
        ]
        assert choose_password(password_links.build_password_link(invited))
        assert sign_in(Client(), invited.email, NEW) == 302

    def test_who_chose_a_password_is_not_invited_again(self, staff: User, person: User) -> None:
        waiting = User.objects.create_user("new@example.test")
        company = CompanyFactory()
        for colleague in (staff, person, waiting):
            join_company(colleague, company)
        chosen = {"action": "invite_again", "_selected_action": [str(person.pk), str(waiting.pk)]}
        signed_in(staff).post("/admin/directory/user/", chosen)
        assert OutgoingEmail.objects.get().recipient == waiting


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("since", [{"email": "new@example.test"}, {"is_active": False}])
def test_no_link_goes_to_an_address_that_is_its_person_s_no_more(
    mail_server: MailServer, since: dict[str, Any]
) -> None:
    person = PersonFactory(email="dana@example.test")
    PasswordRequest.objects.create(address=person.email)
    handle_password_requests()
    User.objects.update(**since)
    send_due_emails()
    assert mail_server.received == []
    assert OutgoingEmail.objects.get().status == Status.FAILED


@pytest.mark.django_db(transaction=True)
def test_the_link_is_made_when_the_mail_is_handed_over(mail_server: MailServer) -> None:
    person = PersonFactory(email="dana@example.test")
    PasswordRequest.objects.create(address=person.email)
    handle_password_requests()
    send_due_emails()
    (message,) = mail_server.received
    parts = [str(part.get_content()) for part in message.iter_parts()]
    links = [re.findall(r"http://testserver/accounts/password/reset/key/[\w-]+/", part) for part in parts]
    assert [len(found) for found in links] == [1, 1]
    assert choose_password(links[0][0])
    assert not any(".invalid" in part for part in parts)
