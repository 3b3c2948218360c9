"""Where people are signed in, how long it lasts, and how it is ended."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from directory.accounts.devices import get_device_name
from directory.models import HistoryEntry, User
from tests.clients import entered_password, signed_in
from tests.directory.signing_in import PASSWORD, code_for, sign_in
from tests.factories import PersonFactory, PrivilegeAdminFactory

pytestmark = pytest.mark.django_db

PAGE, END = "/accounts/sessions/", "/accounts/sessions/end/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"


@pytest.fixture
def person() -> User:
    person: User = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    return person


def browser(person: User, agent: str = FIREFOX, address: str = "203.0.113.9") -> Client:
    """Signed in through the page."""
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    assert sign_in(client, person.email) == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


def shift(client: Client, key: str, *, minutes: float) -> None:
    """As if that much more time had gone by."""
    session = client.session
    session[key] -= minutes * 60
    session.save()


class TestLimits:
    def test_an_idle_session_ends_and_the_page_is_come_back_to(self, person: User) -> None:
        client = browser(person)
        shift(client, "seen_at", minutes=60)
        answer = client.get("/projects/?q=a")
        assert answer.headers["Location"] == "/accounts/login/?next=/projects/%3Fq%3Da"
        page = client.get(answer.headers["Location"]).content.decode()
        assert "after 60 minutes without activity" in page
        posted = {"login": person.email, "password": PASSWORD, "next": "/projects/?q=a"}
        assert client.post("/accounts/login/", posted).headers["Location"] == "/projects/?q=a"
        ended = HistoryEntry.objects.about(person).get(event="session.ended")
        assert ended.detail == {"why": "idle"}

    def test_what_is_used_lasts(self, person: User) -> None:
        client = browser(person)
        for _ in range(3):
            shift(client, "seen_at", minutes=59)
            assert is_in(client)

    def test_however_used_it_ends_after_twelve_hours(self, person: User) -> None:
        client = browser(person)
        shift(client, "signed_in_at", minutes=12 * 60)
        assert not is_in(client)
        assert "sessions last 12 hours" in client.get("/accounts/login/").content.decode()

    def test_both_are_settings(self, person: User, settings: Settings) -> None:
        settings.SESSION_IDLE_MINUTES, settings.SESSION_HOURS = 5, 1
        client = browser(person)
        shift(client, "seen_at", minutes=5)
        assert not is_in(client)
        client = browser(person)
        shift(client, "signed_in_at", minutes=60)
        assert not is_in(client)

    def test_a_row_that_asks_for_itself_keeps_no_session_alive(self, person: User) -> None:
        client = browser(person)
        shift(client, "seen_at", minutes=50)
        client.get("/projects/", headers={"X-Poll": "true"})
        shift(client, "seen_at", minutes=11)
        assert not is_in(client)

    def test_a_piece_of_a_page_leads_the_whole_page_to_sign_in(self) -> None:
        shown = "http://testserver/companies/acme/erp-integrations/commitments/?view=all"
        answer = Client().get("/projects/", headers={"HX-Request": "true", "HX-Current-URL": shown})
        assert (answer.status_code, answer.content) == (200, b"")
        wanted = "/companies/acme/erp-integrations/commitments/%3Fview%3Dall"
        assert answer.headers["HX-Redirect"] == f"/accounts/login/?next={wanted}"

    @pytest.mark.parametrize("shown", ["https://evil.test/x", "http://[", "javascript:alert(1)", ""])
    def test_it_leads_to_no_other_site(self, shown: str) -> None:
        answer = Client().get("/projects/", headers={"HX-Request": "true", "HX-Current-URL": shown})
        assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/projects/"

    def test_a_form_comes_back_to_the_page_that_it_stands_on(self) -> None:
        answer = Client().post(
            "/accounts/profile/", headers={"Referer": "http://testserver/accounts/profile/?a=1"}
        )
        assert answer.headers["Location"] == "/accounts/login/?next=/accounts/profile/%3Fa%3D1"

    def test_a_page_writes_nothing_but_once_a_minute(self, person: User) -> None:
        client = browser(person)
        before = UserSession.objects.get().last_seen_at
        client.get("/projects/")
        assert UserSession.objects.get().last_seen_at == before
        shift(client, "seen_at", minutes=1)
        client.get("/projects/")
        assert UserSession.objects.get().last_seen_at > before


class TestForgetting:
    FORGET = '"cache", "storage"'

    @pytest.mark.parametrize("way_out", ["/accounts/logout/", "/admin/logout/"])
    def test_signing_out_has_the_browser_forget(self, person: User, way_out: str) -> None:
        User.objects.update(is_staff=True)
        client = browser(person)
        assert "Clear-Site-Data" not in client.get("/projects/").headers
        assert client.post(way_out).headers["Clear-Site-Data"] == self.FORGET
        assert "Clear-Site-Data" not in client.get("/accounts/login/").headers

    def test_so_does_a_session_at_its_end_and_a_new_password(self, person: User) -> None:
        client = browser(person)
        shift(client, "seen_at", minutes=60)
        assert client.get("/projects/").headers["Clear-Site-Data"] == self.FORGET
        client = browser(person)
        new = "another correct horse"
        posted = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        assert client.post("/accounts/password/change/", posted).headers["Clear-Site-Data"] == self.FORGET


class TestWhereYouAreSignedIn:
    def test_every_session_is_listed_with_device_address_and_time(self, person: User) -> None:
        here, there = browser(person), browser(person, PHONE, "198.51.100.7")
        page = " ".join(here.get(PAGE).content.decode().split())
        assert 'Firefox on Linux <span class="tag tag--blue">This one</span>' in page
        assert "Safari on iPhone" in page
        assert "203.0.113.9" in page
        assert "198.51.100.7" in page
        assert is_in(there)

    def test_nobody_sees_or_ends_those_of_another(self, person: User) -> None:
        other = browser(person)
        stranger = PersonFactory(email="other@example.test")
        stranger.set_password(PASSWORD)
        stranger.save()
        client = browser(stranger, PHONE)
        assert "Firefox" not in client.get(PAGE).content.decode()
        client.post(END, {"session": UserSession.objects.get(user=person).pk})
        assert is_in(other)

    def test_one_is_ended_and_only_that(self, person: User) -> None:
        here, there, third = browser(person), browser(person, PHONE), browser(person)
        wanted = UserSession.objects.get(user_agent=PHONE).pk
        here.post(END, {"session": wanted})
        assert (is_in(here), is_in(there), is_in(third)) == (True, False, True)
        ended = HistoryEntry.objects.about(person).last()
        assert ended
        assert (ended.event, ended.by_id, ended.detail["count"]) == ("session.ended", person.pk, 1)

    def test_all_others_are_ended(self, person: User) -> None:
        here, there, third = browser(person), browser(person, PHONE), browser(person)
        here.post(END)
        assert (is_in(here), is_in(there), is_in(third)) == (True, False, False)

    @pytest.mark.parametrize("named", ["0", "999999999999999999999999", "x", "-1"])
    def test_what_is_no_session_ends_none(self, person: User, named: str) -> None:
        here, there = browser(person), browser(person)
        assert here.post(END, {"session": named}).status_code == 302
        assert is_in(there)

    def test_ending_asks_who_is_there(self, person: User) -> None:
        here, there = browser(person), browser(person)
        entered_password(here, seconds_ago=15 * 60 + 1)
        assert here.post(END).status_code == 403
        assert is_in(there)

    def test_one_that_is_over_is_not_listed(self, person: User) -> None:
        here = browser(person)
        browser(person, PHONE)
        UserSession.objects.filter(user_agent=PHONE).update(
            last_seen_at=timezone.now() - timedelta(minutes=62)
        )
        assert "iPhone" not in here.get(PAGE).content.decode()


class TestEndedByOthers:
    def test_a_person_who_is_switched_off_is_out_at_the_next_request(self, person: User) -> None:
        client = browser(person)
        person.is_active = False
        person.save()
        assert not is_in(client)

    def test_a_new_password_ends_the_other_sessions(self, person: User) -> None:
        here, there = browser(person), browser(person)
        new = "another correct horse"
        here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
        ended = HistoryEntry.objects.about(person).filter(
            event="session.ended", detail__why="ended elsewhere"
        )
        assert ended.get().detail["count"] == 1
        assert not is_in(there)

    def test_turning_two_steps_on_ends_sessions_that_had_one(self, person: User) -> None:
        here, there = browser(person), browser(person)
        setup = "/accounts/two-step/totp/activate/"
        here.get(setup)
        here.post(setup, {"code": code_for(here.session["mfa.totp.secret"])})
        assert (is_in(here), is_in(there)) == (True, False)

    def test_staff_end_all_sessions_of_a_person(self, person: User) -> None:
        one, two = browser(person), browser(person)
        root = User.objects.create_superuser("root@example.test")
        chosen = {"action": "end_sessions", "_selected_action": str(person.pk)}
        signed_in(root).post("/admin/directory/user/", chosen)
        assert (is_in(one), is_in(two)) == (False, False)
        last = HistoryEntry.objects.about(person).last()
        assert last
        assert (last.event, last.by_id, last.detail["count"]) == ("session.ended", root.pk, 2)

    def test_staff_who_may_not_change_a_person_may_not_end_their_sessions(self, person: User) -> None:
        client = browser(person)
        staff = PrivilegeAdminFactory()
        chosen = {"action": "end_sessions", "_selected_action": str(person.pk)}
        signed_in(staff).post("/admin/directory/user/", chosen)
        assert is_in(client)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Chrome/140.0 Safari/537.36", "Chrome on Mac"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown"),
    ],
)
def test_a_device_is_named_in_words(agent: str, device: str) -> None:
    assert get_device_name(agent) == device


def test_a_session_of_an_older_version_ends_once(person: User) -> None:
    client = browser(person)
    session = client.session
    del session["signed_in_at"]
    session.save()
    assert not is_in(client)
