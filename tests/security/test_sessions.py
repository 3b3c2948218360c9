"""Sessions that somebody else knows: planted before the sign-in, or copied from it."""

import pytest
from django.conf import settings
from django.test import Client

from directory.models import User
from tests.directory.signing_in import PASSWORD, code_of, sign_in, turn_on_two_step
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db

PROFILE = "/accounts/profile/"


@pytest.fixture
def person() -> User:
    made: User = PersonFactory()
    made.set_password(PASSWORD)
    made.save()
    turn_on_two_step(made)
    return made


def holding(key: str) -> Client:
    """A browser with this session's cookie."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client


def key_of(client: Client) -> str:
    morsel = client.cookies.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else ""


def test_a_planted_session_is_never_that_of_its_victim(person: User) -> None:
    """Neither one that the product made for the attacker, nor one that they made up."""
    attacker = Client()
    session = attacker.session
    session["planted"] = "yes"
    session.save()
    for planted in (session.session_key or "", "a" * 32):
        victim = holding(planted)
        assert sign_in(victim, person.email) == 302
        assert victim.post("/accounts/two-step/authenticate/", {"code": code_of(person)}).status_code == 302
        assert victim.get(PROFILE).status_code == 200
        assert key_of(victim) != planted
        assert holding(planted).get(PROFILE).status_code == 302
        # The code of a period is good for one use.
        person.authenticator_set.all().delete()  # type: ignore[attr-defined]  # allauth's
        turn_on_two_step(person)


def test_whoever_waits_at_the_second_step_is_not_in(person: User) -> None:
    client = Client()
    assert sign_in(client, person.email) == 302
    for address in (PROFILE, "/admin/", "/accounts/sessions/", "/accounts/two-step/", "/"):
        assert client.get(address).status_code == 302
    copied = holding(key_of(client))
    assert client.post("/accounts/two-step/authenticate/", {"code": code_of(person)}).status_code == 302
    assert client.get(PROFILE).status_code == 200
    assert copied.get(PROFILE).status_code == 302


def test_a_copied_cookie_is_worth_nothing_after_its_person_signed_out(person: User) -> None:
    client = Client()
    sign_in(client, person.email)
    client.post("/accounts/two-step/authenticate/", {"code": code_of(person)})
    copied = holding(key_of(client))
    assert copied.get(PROFILE).status_code == 200
    client.post("/accounts/logout/")
    assert copied.get(PROFILE).status_code == 302
