"""A person is mailed when it is changed how they sign in, whoever did it."""

import zoneinfo
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client

from directory import history
from directory.accounts import password_links
from directory.history.events import DirectoryEvent
from directory.models import User
from directory.privacy import personal_data
from notifications.models import ALWAYS_MAILED, Kind, OutgoingEmail, Subscription
from tests.clients import signed_in
from tests.directory.signing_in import PASSWORD, code_for, sign_in, turn_on_two_step
from tests.factories import PersonFactory
from tests.notifications.test_account_mails import choose_password

pytestmark = pytest.mark.django_db

NEW = "another correct horse"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHANGE = "/accounts/password/change/"
SETUP = "/accounts/two-step/totp/activate/"


@pytest.fixture
def person() -> User:
    person: User = PersonFactory(email="dana@example.test", time_zone="America/Los_Angeles")
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def client(person: User) -> Client:
    """The person's browser, signed in just now."""
    client = Client(headers={"user-agent": FIREFOX}, REMOTE_ADDR="203.0.113.9")
    sign_in(client, person.email)
    return client


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root@example.test", first_name="Rita", last_name="Root")


def mailed(person: User) -> list[OutgoingEmail]:
    return list(OutgoingEmail.objects.filter(recipient=person, kind=Kind.SIGN_IN).order_by("pk"))


def turn_on(client: Client) -> None:
    client.get(SETUP)
    assert client.post(SETUP, {"code": code_for(client.session["mfa.totp.secret"])}).status_code == 302


def test_a_new_password_is_told_with_when_and_from_where(client: Client, person: User) -> None:
    with time_machine.travel(datetime(2027, 3, 2, 7, 5, tzinfo=UTC), tick=False):
        sign_in(client, person.email)
        client.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    (email,) = mailed(person)
    assert (email.subject, email.to_address) == ("Your password was changed", person.email)
    for body in (email.text_body, email.html_body):
        assert "1 Mar 2027, 23:05 PST" in body
        assert "203.0.113.9" in body
        assert "Firefox on Linux" in body
        assert "Not you?" in body
        assert "http://testserver/accounts/password/reset/" in body


def test_a_password_that_was_not_changed_is_not_told(client: Client, person: User) -> None:
    client.post(CHANGE, {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert mailed(person) == []


def test_a_password_of_which_no_mail_can_be_stored_stays_as_it_was(person: User) -> None:
    link = password_links.build_password_link(person)
    User.objects.update(time_zone="Nowhere/At_All")
    with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
        choose_password(link, NEW)
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_a_password_chosen_by_link_is_told(person: User) -> None:
    assert choose_password(password_links.build_password_link(person), NEW)
    (email,) = mailed(person)
    assert email.subject == "Your password was reset"
    assert "You are signed out everywhere." in email.text_body


def test_the_first_password_of_whoever_was_invited_is_told_as_that(person: User) -> None:
    history.record(event=DirectoryEvent.ACCOUNT_INVITED, subject=person, by=None, company=None)
    assert choose_password(password_links.build_password_link(person), NEW)
    person.refresh_from_db()
    assert choose_password(password_links.build_password_link(person), f"{NEW} again")
    assert [email.subject for email in mailed(person)] == [
        "Your password was chosen",
        "Your password was reset",
    ]


def test_a_password_set_by_staff_names_them_and_not_where_they_sit(person: User, root: User) -> None:
    posted = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    signed_in(root).post(f"/admin/directory/user/{person.pk}/password/", posted)
    (email,) = mailed(person)
    assert email.subject == "Your password was set by an administrator"
    assert "By: Rita Root, an administrator" in email.text_body
    assert "127.0.0.1" not in email.text_body
    assert mailed(root) == []


def test_two_steps_turned_on_are_one_mail_and_new_codes_another(client: Client, person: User) -> None:
    turn_on(client)
    assert [email.subject for email in mailed(person)] == ["Two-step verification was turned on"]
    client.post("/accounts/two-step/recovery-codes/generate/")
    assert [email.subject for email in mailed(person)][1:] == ["New recovery codes were created"]
    client.post("/accounts/two-step/totp/deactivate/")
    assert [email.subject for email in mailed(person)][2:] == ["Two-step verification was turned off"]
    turn_on(client)
    assert [email.subject for email in mailed(person)][3:] == ["Two-step verification was turned on"]


def test_two_steps_taken_away_by_staff_name_them(person: User, root: User) -> None:
    turn_on_two_step(person)
    OutgoingEmail.objects.all().delete()
    chosen = {"action": "take_two_step_away", "_selected_action": str(person.pk)}
    signed_in(root).post("/admin/directory/user/", chosen)
    (email,) = mailed(person)
    assert email.subject == "Two-step verification was turned off"
    assert "By: Rita Root, an administrator" in email.text_body
    assert "Didn't ask for this?" in email.text_body


def test_a_recovery_code_that_was_used_is_told(person: User) -> None:
    turn_on_two_step(person)
    OutgoingEmail.objects.all().delete()
    codes = person.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()  # type: ignore[attr-defined]  # allauth's
    visitor = Client()
    sign_in(visitor, person.email)
    assert visitor.post("/accounts/two-step/authenticate/", {"code": codes[0]}).status_code == 302
    assert [email.subject for email in mailed(person)] == ["A recovery code was used"]


def test_another_address_is_told_there_and_at_the_one_before(person: User, root: User) -> None:
    address = f"/admin/directory/user/{person.pk}/change/"
    posted = {
        "email": "new@example.test",
        "first_name": "Dana",
        "last_name": "Doe",
        "time_zone": person.time_zone,
        "summary_hour": "7",
        "is_active": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "10:00:00",
    }
    assert signed_in(root).post(address, posted).status_code == 302
    before, after = mailed(person)
    assert (before.to_address, after.to_address) == ("dana@example.test", "new@example.test")
    assert "new@example.test" not in before.text_body + before.html_body
    assert "dana@example.test" not in after.text_body + after.html_body
    for email in (before, after):
        assert "By: Rita Root, an administrator" in email.text_body
    signed_in(root).post(address, {**posted, "first_name": "Dana M."})
    assert len(mailed(person)) == 2


def test_nobody_can_switch_it_off(person: User) -> None:
    assert Kind.SIGN_IN in ALWAYS_MAILED
    with pytest.raises(IntegrityError, match="some_mails_are_always_sent"), transaction.atomic():
        Subscription.objects.create(user=person, kind=Kind.SIGN_IN, wanted=False)


def test_the_mail_is_undone_with_the_change(person: User) -> None:
    with transaction.atomic():
        history.record(event=DirectoryEvent.TWO_STEP_TURNED_OFF, subject=person, by=person, company=None)
        assert len(mailed(person)) == 1
        transaction.set_rollback(True)
    assert mailed(person) == []


def test_who_is_erased_is_not_written_to(person: User, root: User) -> None:
    turn_on_two_step(person)
    personal_data.delete_personal_data(person=person, by=root, reason="Asked for it")
    assert not OutgoingEmail.objects.filter(recipient=person).exists()
    history.record(event=DirectoryEvent.TWO_STEP_TURNED_OFF, subject=person, by=root, company=None)
    assert not OutgoingEmail.objects.filter(recipient=person).exists()
