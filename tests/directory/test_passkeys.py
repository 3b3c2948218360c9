"""Passkeys: added, used, removed, and what a thief can't do with one."""

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client

from directory.accounts import two_step
from directory.models import CompanyMembership, HistoryEntry, User
from notifications.models import OutgoingEmail
from tests.directory.authenticators import ADD, PRESENT, SIGN_IN, Passkey
from tests.directory.signing_in import PASSWORD, sign_in, turn_on_two_step
from tests.directory.test_privilege_suspension import choose_password, holds, signed_in_by_password
from tests.factories import ApproverFactory, CompanyFactory, PersonFactory

pytestmark = pytest.mark.django_db

PROFILE, PAGE = "/accounts/profile/", "/accounts/two-step/"


@pytest.fixture
def person() -> User:
    person: User = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def client(person: User) -> Client:
    client = Client()
    sign_in(client, person.email)
    return client


@pytest.fixture
def passkey(client: Client) -> Passkey:
    """The person's own."""
    passkey = Passkey()
    assert passkey.add(client).status_code == 302
    return passkey


def events(person: User) -> list[str]:
    return list(HistoryEntry.objects.about(person).values_list("event", flat=True))


def is_in(client: Client) -> bool:
    return client.get(PROFILE).status_code == 200


class TestSigningIn:
    def test_with_a_passkey_alone_the_linked_page_opens(self, person: User, passkey: Passkey) -> None:
        visitor = Client()
        answer = passkey.sign_in(visitor, "/projects/?q=roof")
        assert answer.headers["Location"] == "/projects/?q=roof"
        assert is_in(visitor)
        assert events(person)[-1] == "session.started"
        assert passkey.sign_in(Client(), "https://evil.test/").headers["Location"] == "/"

    def test_a_password_alone_lets_nobody_in_any_more(self, person: User, passkey: Passkey) -> None:
        visitor = Client()
        sign_in(visitor, person.email)
        assert not is_in(visitor)
        page = visitor.get("/accounts/two-step/authenticate/")
        options = page.context["js_data"]["request_options"]
        assert b"data-passkey" in page.content
        assert passkey.say(visitor, "/accounts/two-step/authenticate/", options).status_code == 302
        assert is_in(visitor)

    def test_who_is_asked_again_answers_by_passkey(self, client: Client, passkey: Passkey) -> None:
        address = "/accounts/two-step/webauthn/reauthenticate/"
        options = client.get(address).context["js_data"]["request_options"]
        answer = passkey.say(client, address, options, next=PAGE)
        assert answer.headers["Location"] == PAGE

    def test_a_deactivated_account_stays_out(self, person: User, passkey: Passkey) -> None:
        User.objects.filter(pk=person.pk).update(is_active=False)
        visitor = Client()
        assert passkey.sign_in(visitor).headers["Location"] == "/accounts/inactive/"
        assert not is_in(visitor)

    @pytest.mark.parametrize("flaw", ["nobody unlocked it", "another site", "another key", "another's"])
    def test_what_is_not_the_person_s_passkey_is_refused_and_counted(
        self, person: User, passkey: Passkey, flaw: str
    ) -> None:
        match flaw:
            case "nobody unlocked it":
                passkey.flags = PRESENT
            case "another site":
                passkey.origin = "https://testserver.evil.test"
            case "another key":
                passkey.key = Passkey().key
            case _:
                person = PersonFactory()
                passkey.claim_to_be(person)
        visitor = Client()
        assert passkey.sign_in(visitor).headers["Location"] == "/accounts/login/"
        assert not is_in(visitor)
        assert events(person)[-1] == "sign_in.failed"

    def test_an_answer_works_once(self, passkey: Passkey) -> None:
        visitor = Client()
        options = visitor.get(SIGN_IN, headers={"accept": "application/json"}).json()["request_options"]
        said = passkey.answer(options["publicKey"])
        assert visitor.post(SIGN_IN, {"credential": said}).headers["Location"] == "/"
        other = Client()
        other.get(SIGN_IN, headers={"accept": "application/json"})
        assert other.post(SIGN_IN, {"credential": said}).headers["Location"] == "/accounts/login/"

    def test_a_locked_account_is_locked_for_passkeys_too(self, person: User, passkey: Passkey) -> None:
        for _ in range(8):
            sign_in(Client(), person.email, "wrong")
        visitor = Client()
        assert passkey.sign_in(visitor).status_code == 429
        assert not is_in(visitor)

    @pytest.mark.parametrize(
        "said",
        ["", "x", "null", "[]", "7", "{}", '{"response": []}', '{"response": {"userHandle": 7}}']
        + [
            json.dumps({"response": {"userHandle": handle}})
            for handle in ("AA", "OTk5OTk5OTk5OTk5OTk5OTk5", "_")
        ],
    )
    def test_nonsense_is_refused(self, said: str, client: Client) -> None:
        assert Client().post(SIGN_IN, {"credential": said}).status_code == 302
        assert client.post(ADD, {"credential": said, "name": "x"}).status_code == 200


class TestAdding:
    def test_it_is_in_the_history_mailed_and_ends_other_sessions(self, person: User, client: Client) -> None:
        other = Client()
        sign_in(other, person.email)
        OutgoingEmail.objects.all().delete()
        answer = Passkey().add(client)
        assert answer.headers["Location"] == "/accounts/two-step/recovery-codes/"
        assert {"two_step.passkey_added", "two_step.recovery_codes_made"} <= set(events(person))
        assert [mail.subject for mail in OutgoingEmail.objects.all()] == ["A passkey was added"]
        assert not is_in(other)
        assert is_in(client)
        assert "My phone" in client.get(PAGE).content.decode()

    def test_new_codes_later_are_mailed(self, client: Client, person: User, passkey: Passkey) -> None:
        turn_on_two_step(person)
        OutgoingEmail.objects.all().delete()
        client.post("/accounts/two-step/recovery-codes/generate/")
        assert [mail.subject for mail in OutgoingEmail.objects.all()] == ["New recovery codes were created"]

    def test_one_that_nobody_unlocked_is_not_added(self, client: Client, person: User) -> None:
        passkey = Passkey()
        passkey.flags = PRESENT
        assert "The passkey was not added. Try again." in passkey.add(client).content.decode()
        assert not Authenticator.objects.filter(user=person).exists()

    def test_it_is_told_and_goes_with_the_person(self, person: User, passkey: Passkey) -> None:
        told = StringIO()
        call_command("export_person", person.email, stdout=told)
        assert "My phone" in told.getvalue()
        call_command("erase_person", person.email, reason="They asked.")
        assert not Authenticator.objects.exists()
        assert passkey.sign_in(Client()).headers["Location"] == "/accounts/login/"


class TestAnApprover:
    @pytest.fixture
    def person(self) -> User:
        person: User = ApproverFactory(
            company=CompanyFactory(requires_two_step=True), email="dana@example.test"
        )
        person.set_password(PASSWORD)
        person.save()
        return person

    def test_decides_with_a_passkey_that_was_added_by_ones_own_link(self, person: User) -> None:
        choose_password(person)
        Passkey().add(signed_in_by_password(person))
        assert holds(person) == 1
        assert CompanyMembership.objects.deciders().filter(user=person).exists()
        assert CompanyMembership.objects.get(user=person).can_decide

    @pytest.mark.parametrize("has_app", [False, True])
    def test_a_thief_at_an_open_session_adds_one_and_decides_nothing(
        self, person: User, has_app: bool
    ) -> None:
        choose_password(person)
        client = signed_in_by_password(person)
        signed_in_by_password(person)  # another session since the link
        if has_app:
            turn_on_two_step(person)
        passkey = Passkey()
        passkey.add(client)
        assert holds(person) == 0
        entry = HistoryEntry.objects.get(event="privilege.suspended")
        assert entry.detail["reason"].startswith("A passkey was added, and not in the session")
        passkey.sign_in(Client())
        assert holds(person) == 0

    def test_the_last_one_stays_while_the_company_requires_it(self, person: User) -> None:
        choose_password(person)
        client = signed_in_by_password(person)
        for _ in range(2):
            Passkey().add(client)
        first, last = two_step.list_second_steps(person).order_by("pk")
        for passkey in (first, last):
            client.post(f"/accounts/two-step/webauthn/keys/{passkey.pk}/remove/")
        assert list(two_step.list_second_steps(person)) == [last]
        assert events(person).count("two_step.passkey_removed") == 1
        assert holds(person) == 1

    def test_nobody_removes_another_s(self, person: User) -> None:
        choose_password(person)
        Passkey().add(signed_in_by_password(person))
        passkey = two_step.list_second_steps(person).get()
        other: User = PersonFactory()
        other.set_password(PASSWORD)
        other.save()
        stranger = signed_in_by_password(other, PASSWORD)
        assert stranger.post(f"/accounts/two-step/webauthn/keys/{passkey.pk}/remove/").status_code == 404
        assert two_step.is_enabled(person)

    def test_taken_away_by_another_it_suspends(self, person: User) -> None:
        choose_password(person)
        Passkey().add(signed_in_by_password(person))
        two_step.delete_authenticators(User.objects.filter(pk=person.pk))
        assert holds(person) == 0
