"""How guessing is stopped, and that whoever guesses can keep nobody out."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import hashers
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from directory.client_address import get_client_address, get_rate_limit_address
from directory.models import HistoryEntry, User
from tests.directory.signing_in import PASSWORD, sign_in
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db

HOME, OFFICE = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def person() -> User:
    person: User = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    return person


def guess(times: int, *, login: str = "dana@example.test", address: str = OFFICE) -> None:
    for _ in range(times):
        sign_in(Client(), login, "wrong", REMOTE_ADDR=address)


@pytest.mark.parametrize("login", ["dana@example.test", "nobody@example.test"])
@pytest.mark.usefixtures("person")
def test_a_lock_does_not_tell_who_exists(login: str) -> None:
    pages = []
    for _ in range(9):
        answer = Client().post("/accounts/login/", {"login": login, "password": "wrong"})
        pages.append(answer)
    assert [page.status_code for page in pages] == [200] * 7 + [429] * 2
    assert "15 minutes" in pages[-1].content.decode()
    assert login not in pages[-1].content.decode()


@pytest.mark.usefixtures("person")
def test_who_guesses_elsewhere_locks_nobody_out_here() -> None:
    guess(12)
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=OFFICE) == 429
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=HOME) == 302


@pytest.mark.usefixtures("person")
def test_trying_on_does_not_keep_it_locked() -> None:
    guess(12)
    before = AccessAttempt.objects.get().attempt_time
    guess(3)
    assert AccessAttempt.objects.get().attempt_time == before
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=OFFICE) == 302


@pytest.mark.usefixtures("person")
def test_one_address_does_not_go_through_many_accounts(settings: Settings) -> None:
    settings.LOCKOUT_FAILURES_PER_ADDRESS = 5
    for number in range(5):
        guess(1, login=f"person-{number}@example.test")
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=OFFICE) == 429
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=HOME) == 302


@pytest.mark.usefixtures("person")
def test_many_addresses_do_not_go_through_one_account_but_leave_its_person_in(settings: Settings) -> None:
    settings.LOCKOUT_FAILURES_PER_ACCOUNT = 5
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=HOME) == 302
    for number in range(5):
        guess(1, address=f"192.0.2.{number}")
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=OFFICE) == 429
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=HOME) == 302


@pytest.mark.usefixtures("person")
def test_signing_in_does_not_forgive_what_was_tried_on_others(settings: Settings) -> None:
    settings.LOCKOUT_FAILURES_PER_ADDRESS = 6
    guess(4, login="other@example.test")
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=OFFICE) == 302
    guess(2, login="other@example.test")
    assert sign_in(Client(), "dana@example.test", REMOTE_ADDR=OFFICE) == 429


@pytest.mark.parametrize(
    ("trusted", "forwarded", "believed"),
    [
        (0, "192.0.2.1", "203.0.113.9"),  # nobody in front: the caller wrote it
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "192.0.2.66, 192.0.2.1", "192.0.2.1"),  # the left one is the caller's own invention
        (2, "192.0.2.66, 192.0.2.1, 192.0.2.2", "192.0.2.1"),
        (2, "192.0.2.1", "203.0.113.9"),
        (1, "nonsense", "203.0.113.9"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_address_is_the_one_that_the_trusted_proxies_saw(
    settings: Settings, trusted: int, forwarded: str, believed: str
) -> None:
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR=OFFICE, HTTP_X_FORWARDED_FOR=forwarded)
    assert get_client_address(request) == believed


@pytest.mark.usefixtures("person")
def test_behind_a_proxy_each_caller_is_counted_apart(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    for number in range(9):
        made_up = f"10.0.0.{number}, {OFFICE}"
        sign_in(Client(), "dana@example.test", "wrong", HTTP_X_FORWARDED_FOR=made_up)
    assert sign_in(Client(), "dana@example.test", HTTP_X_FORWARDED_FOR=OFFICE) == 429
    assert sign_in(Client(), "dana@example.test", HTTP_X_FORWARDED_FOR=HOME) == 302


def test_of_ipv6_the_network_is_counted() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="2001:db8:1:2:3:4:5:6")
    assert get_rate_limit_address(request) == "2001:db8:1:2::"


def test_sign_ins_failures_and_locks_are_in_the_history(person: User) -> None:
    guess(9)
    client = Client()
    sign_in(client, person.email, REMOTE_ADDR=HOME)
    client.post("/accounts/logout/")
    told = HistoryEntry.objects.about(person)
    assert list(told.values_list("event", "by_id")) == [
        ("sign_in.failed", None),
        ("sign_in.locked", None),
        ("session.started", person.pk),
        ("session.ended", person.pk),
    ]
    assert person.email not in str(list(told.values()))


class CountingHasher(MD5PasswordHasher):
    """Counts what takes the time."""

    counted = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.counted += 1
        return super().encode(password, salt)


def test_a_name_that_nobody_has_takes_the_same_hashing(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    known = User.objects.create_user("dana@example.test", PASSWORD)
    User.objects.create_user("off@example.test", PASSWORD, is_active=False)
    User.objects.create_user("invited@example.test")
    counts = {}
    for login in (known.email, "off@example.test", "invited@example.test", "nobody@example.test"):
        CountingHasher.counted = 0
        sign_in(Client(), login, "wrong")
        counts[login] = CountingHasher.counted
    assert set(counts.values()) == {1}, counts


def test_passwords_are_hashed_by_argon2_and_old_hashes_are_written_anew(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    person: User = PersonFactory(email="dana@example.test")
    person.password = hashers.make_password(PASSWORD, hasher="pbkdf2_sha256")
    person.save()
    assert sign_in(Client(), person.email) == 302
    person.refresh_from_db()
    assert person.password.startswith("argon2$argon2id$")
    assert sign_in(Client(), person.email) == 302


@pytest.mark.parametrize(
    "weak", ["short-pass1", "administrator", "password1234", "123456789012", "dana.example"]
)
def test_a_weak_password_is_refused(person: User, weak: str) -> None:
    client = Client()
    sign_in(client, person.email)
    posted = {"oldpassword": PASSWORD, "password1": weak, "password2": weak}
    assert client.post("/accounts/password/change/", posted).status_code == 200
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_django_admin_has_no_sign_in_of_its_own(person: User) -> None:
    person.is_staff = person.is_superuser = True
    person.save()
    client = Client()
    answer = client.get("/admin/login/", {"next": "/admin/directory/user/"})
    assert answer.headers["Location"] == "/accounts/login/?next=/admin/directory/user/"
    client.post("/admin/login/", {"username": person.email, "password": PASSWORD})
    shown = client.get("/admin/", follow=True).redirect_chain[-1][0]
    assert shown == "/accounts/login/?next=/admin/"
    sign_in(client, person.email)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/password_change/").headers["Location"] == "/accounts/password/change/"


def test_the_session_of_a_visitor_is_not_that_of_who_signs_in(person: User) -> None:
    client = Client()
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies["ledgergate_None"] = session.session_key or ""
    planted = session.session_key
    sign_in(client, person.email)
    assert client.session.session_key != planted
