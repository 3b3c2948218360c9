"""Being asked once more who sits there, before a sensitive act."""

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django import Settings

from directory.models import CompanyMembership, User
from erp_integrations.models import Connection
from tests.clients import entered_password, signed_in
from tests.directory.signing_in import PASSWORD, code_of, turn_on_two_step
from tests.factories import (
    ConnectionFactory,
    ErpAdminFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db

LONG_AGO = 15 * 60 + 1


def with_password(person: User) -> User:
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def admin() -> User:
    return with_password(PrivilegeAdminFactory())


@pytest.fixture
def membership(admin: User) -> CompanyMembership:
    found: CompanyMembership = ViewerFactory().company_memberships.get()
    join_company(admin, found.company)
    return found


@pytest.fixture
def client(admin: User) -> Client:
    """Of an administrator who entered their password too long ago."""
    client = signed_in(admin)
    entered_password(client, seconds_ago=LONG_AGO)
    return client


def granting(membership: CompanyMembership) -> tuple[str, dict[str, str]]:
    address = f"/admin/directory/companymembership/{membership.pk}/change/?_changelist_filters=q%3Da"
    posted = {"erp_integrations_level": "standard", "directory_level": "none", "can_push_to_accounting": "on"}
    return address, {**posted, "reason": 'Asked by "Finance" <&>\r\non Monday'}


def carried(page: str) -> dict[str, str]:
    """The hidden fields of the page that asks."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"}


def test_a_grant_waits_for_the_password_and_then_goes_on_where_it_was(
    client: Client, membership: CompanyMembership
) -> None:
    address, posted = granting(membership)
    answer = client.post(address, posted)
    page = answer.content.decode()
    membership.refresh_from_db()
    assert answer.status_code == 403
    assert "no-store" in answer.headers["Cache-Control"]
    assert not membership.can_push_to_accounting
    assert f'action="{address}"' in page
    assert carried(page) == posted
    wrong = client.post(address, {**carried(page), "confirm_password": "wrong"})
    assert "This is not your password." in wrong.content.decode()
    assert carried(wrong.content.decode()) == posted
    right = client.post(address, {**carried(page), "confirm_password": PASSWORD})
    assert right.status_code == 302
    assert CompanyMembership.objects.get(pk=membership.pk).can_push_to_accounting
    assert client.post(address, {**posted, "erp_integrations_level": "admin"}).status_code == 302


def test_a_code_does_as_well(client: Client, admin: User, membership: CompanyMembership) -> None:
    turn_on_two_step(admin)
    address, posted = granting(membership)
    assert client.post(address, {**posted, "confirm_code": "000000"}).status_code == 403
    assert client.post(address, {**posted, "confirm_code": code_of(admin)}).status_code == 302


def test_looking_is_not_held_up(client: Client, membership: CompanyMembership) -> None:
    assert client.get(granting(membership)[0]).status_code == 200


def test_signing_out_is_not_held_up(client: Client) -> None:
    client.post("/admin/logout/")
    assert client.get("/accounts/profile/").status_code == 302


def test_how_long_it_lasts_is_a_setting(
    client: Client, membership: CompanyMembership, settings: Settings
) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = LONG_AGO + 60
    assert client.post(*granting(membership)).status_code == 302


def test_guessing_the_password_there_is_stopped(client: Client, membership: CompanyMembership) -> None:
    address, posted = granting(membership)
    answers = [client.post(address, {**posted, "confirm_password": "wrong"}).status_code for _ in range(9)]
    assert answers == [403] * 7 + [429] * 2
    assert client.post(address, {**posted, "confirm_password": PASSWORD}).status_code == 429


def test_a_connection_s_settings_wait_too_and_its_secrets_are_not_kept_meanwhile() -> None:
    connection: Connection = ConnectionFactory()
    person = with_password(ErpAdminFactory(company=connection.company))
    client = signed_in(person)
    entered_password(client, seconds_ago=LONG_AGO)
    base = f"/companies/{connection.company.slug}/erp-integrations/settings/{connection.pk}/"
    for address in (base, f"{base}accept-wsdl/", f"{base}rotate/"):
        assert client.post(address, {"authorization_id": "new-secret"}).status_code == 403
    assert "new-secret" not in str(dict(client.session))
    stored = Connection.objects.get().credentials.authorization_id
    assert stored == connection.credentials.authorization_id
    assert client.get(base).status_code == 200


def test_taking_the_history_away_waits_too() -> None:
    person = with_password(ErpAdminFactory())
    company = person.company_memberships.get().company
    client = signed_in(person)
    entered_password(client, seconds_ago=LONG_AGO)
    address = f"/companies/{company.slug}/erp-integrations/history/export/"
    assert client.post(address, {"format": "csv"}).status_code == 403
    assert client.post(address, {"format": "csv", "confirm_password": PASSWORD}).status_code == 200


def test_strangers_are_not_asked_but_find_nothing() -> None:
    connection: Connection = ConnectionFactory()
    client = signed_in(PersonFactory())
    entered_password(client, seconds_ago=LONG_AGO)
    base = f"/companies/{connection.company.slug}/erp-integrations/settings/{connection.pk}/"
    assert client.post(base, {}).status_code == 404


class TestAdministrationAsksForTwoSteps:
    @pytest.fixture(autouse=True)
    def required(self, settings: Settings) -> None:
        settings.ADMIN_REQUIRES_TWO_STEP = True

    def test_without_them_nothing_is_shown_or_done(self, admin: User, membership: CompanyMembership) -> None:
        client = signed_in(admin)
        address, posted = granting(membership)
        for answer in (client.get("/admin/"), client.get(address), client.post(address, posted)):
            assert answer.headers["Location"] == "/accounts/two-step/"
        membership.refresh_from_db()
        assert not membership.can_push_to_accounting
        assert (
            "Administration requires two-step verification"
            in client.get("/accounts/two-step/").content.decode()
        )

    def test_with_them_it_is_open(self, admin: User, membership: CompanyMembership) -> None:
        turn_on_two_step(admin)
        assert signed_in(admin).get("/admin/").status_code == 200
        assert signed_in(admin).post(*granting(membership)).status_code == 302

    def test_staff_do_not_turn_them_off(self, admin: User) -> None:
        kept = turn_on_two_step(admin)
        page = signed_in(admin).post("/accounts/two-step/totp/deactivate/")
        assert "It must stay on" in page.content.decode()
        assert type(kept).objects.filter(pk=kept.pk).exists()
