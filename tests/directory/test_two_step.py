"""Two-step verification: set up, used, guessed at, lost, turned off."""

import re

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from directory.models import HistoryEntry, User
from tests.clients import entered_password
from tests.directory.signing_in import PASSWORD, code_for, code_of, sign_in, turn_on_two_step
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db

SETUP = "/accounts/two-step/totp/activate/"
TURN_OFF = "/accounts/two-step/totp/deactivate/"
CODE = "/accounts/two-step/authenticate/"
CODES = "/accounts/two-step/recovery-codes/"


@pytest.fixture
def person() -> User:
    person: User = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def client(person: User) -> Client:
    """Signed in by password just now."""
    client = Client()
    sign_in(client, person.email)
    return client


def confirm(client: Client, next_page: str = "/accounts/profile/") -> str:
    posted = {"password": PASSWORD, "next": next_page}
    return client.post("/accounts/reauthenticate/", posted).headers["Location"]


def events(person: User) -> list[str]:
    return list(HistoryEntry.objects.about(person).values_list("event", flat=True))


def test_setting_it_up_asks_who_is_there_and_comes_back(person: User) -> None:
    client = Client()
    sign_in(client, person.email)
    assert client.get(SETUP).status_code == 200
    entered_password(client, seconds_ago=15 * 60 + 1)
    asked = client.get(SETUP)
    assert asked.headers["Location"] == f"/accounts/reauthenticate/?next={SETUP.replace('/', '%2F')}"
    assert confirm(client, SETUP) == SETUP
    assert client.get(SETUP).status_code == 200


def test_the_page_shows_the_key_as_a_picture_and_as_text_without_inline_style(client: Client) -> None:
    answer = client.get(SETUP)
    page = answer.content.decode()
    secret = client.session["mfa.totp.secret"]
    assert f'<code class="key">{secret}</code>' in page
    assert 'src="data:image/svg+xml;base64,' in page
    assert "style=" not in page
    assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]


def test_with_it_on_a_password_alone_lets_nobody_in(client: Client, person: User) -> None:
    client.get(SETUP)
    answer = client.post(SETUP, {"code": code_for(client.session["mfa.totp.secret"])})
    assert answer.headers["Location"] == CODES
    visitor = Client()
    visitor.post("/accounts/login/?next=/projects/", {"login": person.email, "password": PASSWORD})
    assert visitor.get("/accounts/profile/").status_code == 302
    before = visitor.session.session_key
    answer = visitor.post(CODE, {"code": code_of(person, periods_ahead=1)})
    assert answer.headers["Location"] == "/projects/"
    assert visitor.get("/accounts/profile/").status_code == 200
    assert visitor.session.session_key != before
    assert {"two_step.turned_on", "two_step.recovery_codes_made"} <= set(events(person))


def test_a_wrong_code_turns_nothing_on(client: Client, person: User) -> None:
    client.get(SETUP)
    assert client.post(SETUP, {"code": "000000"}).status_code == 200
    assert not Authenticator.objects.filter(user=person).exists()


def test_a_code_works_once(person: User) -> None:
    turn_on_two_step(person)
    code = code_of(person)
    answers = []
    for _ in range(2):
        client = Client()
        sign_in(client, person.email)
        answers.append(client.post(CODE, {"code": code}).status_code)
    assert answers == [302, 200]


def test_a_code_of_the_period_before_is_no_second_chance(person: User) -> None:
    """allauth forgets it after 30 seconds, while the code is good for 90."""
    turn_on_two_step(person)
    code = code_of(person, periods_ahead=1)
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, person.email)
    assert first.post(CODE, {"code": code}).status_code == 302
    cache.delete(f"allauth.mfa.totp.used?user={person.pk}&code={code}")
    assert second.post(CODE, {"code": code}).status_code == 200


def test_guessing_codes_is_stopped_and_in_the_history(person: User) -> None:
    turn_on_two_step(person)
    client = Client()
    sign_in(client, person.email)
    answers = [client.post(CODE, {"code": f"{number:06}"}) for number in range(9)]
    assert [answer.status_code for answer in answers] == [200] * 7 + [429] * 2
    assert client.post(CODE, {"code": code_of(person)}).status_code == 429
    assert client.get("/accounts/profile/").status_code == 302
    assert {"sign_in.failed", "sign_in.locked"} <= set(events(person))


def test_wrong_codes_and_wrong_passwords_are_one_count(person: User) -> None:
    turn_on_two_step(person)
    client = Client()
    for _ in range(4):
        sign_in(Client(), person.email, "wrong")
    sign_in(client, person.email)
    for _ in range(4):
        client.post(CODE, {"code": "000000"})
    assert sign_in(Client(), person.email) == 429


@pytest.mark.parametrize("address", ["/accounts/reauthenticate/", "/accounts/two-step/reauthenticate/"])
def test_guessing_when_asked_again_is_stopped_too(person: User, address: str) -> None:
    turn_on_two_step(person)
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    answers = [client.post(address, {"password": "wrong", "code": "000000"}).status_code for _ in range(9)]
    assert answers[-1] == 429
    assert answers[:7] == [200] * 7


def test_guessing_the_old_password_on_the_way_to_a_new_one_is_stopped(client: Client, person: User) -> None:
    new = "another correct horse"
    for _ in range(5):
        client.post(
            "/accounts/password/change/", {"oldpassword": "wrong", "password1": new, "password2": new}
        )
    for _ in range(3):
        sign_in(Client(), person.email, "wrong")
    assert sign_in(Client(), person.email) == 429


def test_recovery_codes_are_shown_once_and_each_lets_in_once(client: Client, person: User) -> None:
    client.get(SETUP)
    client.post(SETUP, {"code": code_for(client.session["mfa.totp.secret"])})
    page = client.get(CODES).content.decode()
    codes = re.findall(r"<code>(\d{8})</code>", page)
    assert len(codes) == 10
    assert "download=" in page
    assert codes[0] in page.split("data:text/plain,")[1]
    again = client.get(CODES).content.decode()
    assert not any(code in again for code in codes)
    assert client.get("/accounts/two-step/recovery-codes/download/").status_code == 403
    answers = []
    for _ in range(2):
        visitor = Client()
        sign_in(visitor, person.email)
        answers.append(visitor.post(CODE, {"code": codes[0]}).status_code)
    assert answers == [302, 200]
    assert "two_step.recovery_code_used" in events(person)


def test_new_recovery_codes_end_the_old_ones(client: Client, person: User) -> None:
    turn_on_two_step(person)
    old = re.findall(r"<code>(\d{8})</code>", client.get(CODES).content.decode())
    client.post("/accounts/two-step/recovery-codes/generate/")
    new = re.findall(r"<code>(\d{8})</code>", client.get(CODES).content.decode())
    assert len(new) == 10
    assert not set(old) & set(new)


def test_a_person_turns_it_off(client: Client, person: User) -> None:
    turn_on_two_step(person)
    assert client.post(TURN_OFF).status_code == 302
    assert not Authenticator.objects.filter(user=person).exists()
    assert sign_in(Client(), person.email) == 302
    assert events(person)[-2:] == ["two_step.turned_off", "session.started"]


def test_turning_it_off_asks_who_is_there(person: User) -> None:
    turn_on_two_step(person)
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(TURN_OFF).headers["Location"].startswith("/accounts/reauthenticate/")
    assert Authenticator.objects.filter(user=person).count() == 2


def test_what_is_stored_opens_nothing_without_the_keys(person: User) -> None:
    kept = turn_on_two_step(person)
    for authenticator in Authenticator.objects.filter(user=person):
        value = authenticator.data.get("secret") or authenticator.data["seed"]
        assert value.startswith("gAAAA")  # a Fernet token
    assert kept.wrap().validate_code(code_of(person))


def test_a_new_key_takes_the_secrets_over(person: User, settings: Settings) -> None:
    turn_on_two_step(person)
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    call_command("reencrypt_secrets", verbosity=0)
    settings.FIELD_ENCRYPTION_KEYS = [new]
    client = Client()
    sign_in(client, person.email)
    assert client.post(CODE, {"code": code_of(person)}).status_code == 302
