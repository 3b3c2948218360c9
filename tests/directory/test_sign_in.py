"""Signing in by e-mail and password."""

import pytest
from django.test import Client

from directory.models import User
from tests.directory.signing_in import PASSWORD, sign_in
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def address() -> str:
    person = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    return person.email


def test_the_form_asks_for_login_and_password() -> None:
    page = Client().get("/accounts/login/").content.decode()
    assert 'name="login"' in page
    assert 'name="password"' in page


@pytest.mark.parametrize("spelling", ["dana@example.test", "DANA@Example.Test"])
@pytest.mark.usefixtures("address")
def test_the_address_counts_however_it_is_spelled(spelling: str) -> None:
    client = Client()
    assert sign_in(client, spelling) == 302
    assert client.get("/accounts/profile/").status_code == 200


@pytest.mark.usefixtures("address")
def test_a_wrong_password_does_not() -> None:
    client = Client()
    assert sign_in(client, "dana@example.test", "wrong") == 200
    assert client.get("/accounts/profile/").status_code == 302


def test_nobody_signs_up_by_themselves() -> None:
    client = Client()
    posted = {"email": "new@example.test", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", posted)
    assert sign_in(client, "new@example.test") == 200


def test_an_account_that_was_switched_off_does_not_sign_in(address: str) -> None:
    person = User.objects.get(email=address)
    person.is_active = False
    person.save()
    client = Client()
    sign_in(client, address)
    assert client.get("/accounts/profile/").status_code == 302


@pytest.mark.usefixtures("address")
def test_guessing_is_stopped_for_a_while() -> None:
    client = Client()
    for _ in range(8):
        sign_in(client, "dana@example.test", "wrong")
    assert sign_in(client, "dana@example.test") == 429


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.test",
        "https://evil.test",
        "/\\evil.test",
        "https:evil.test",
        "javascript:alert(1)",
        "http://[",
    ],
)
def test_next_leads_nowhere_else(address: str, elsewhere: str) -> None:
    assert Client().get("/accounts/login/", {"next": elsewhere}).status_code == 200
    posted = {"login": address, "password": PASSWORD, "next": elsewhere}
    assert Client().post("/accounts/login/", posted).headers["Location"] == "/"


def test_nobody_gives_themselves_another_address(address: str) -> None:
    client = Client()
    sign_in(client, address)
    assert client.get("/accounts/email/").status_code == 404
    assert client.post("/accounts/email/", {"action_add": "", "email": "new@example.test"}).status_code == 404
