"""How often one person may ask for what costs much."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from directory.models import Company, User
from directory.web import rate_limits
from tests.clients import signed_in
from tests.factories import ApproverFactory, CompanyFactory, ErpAdminFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ten_a_minute(settings: Settings) -> Iterator[None]:
    settings.COSTLY_PAGES_PER_MINUTE = 10
    rate_limits.purge_usage()
    yield
    rate_limits.purge_usage()


@pytest.fixture
def company() -> Company:
    return CompanyFactory()


def search(client: Client, company: Company) -> int:
    answer = client.get(f"/companies/{company.slug}/erp-integrations/commitments/?q=concrete")
    return answer.status_code


def test_one_more_search_than_allowed_is_put_off_and_says_for_how_long(company: Company) -> None:
    client = signed_in(ApproverFactory(company=company))
    assert [search(client, company) for _ in range(10)] == [200] * 10
    answer = client.get(f"/companies/{company.slug}/erp-integrations/commitments/?q=concrete")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 6
    assert f"Try again in {answer.headers['Retry-After']} second" in answer.content.decode()


def test_the_log_says_who_was_put_off(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    person = ApproverFactory(company=company)
    client = signed_in(person)
    for _ in range(11):
        search(client, company)
    put_off = [message for message in caplog.messages if message.startswith(f"Person {person.pk} asked too")]
    assert len(put_off) == 1
    assert f"/companies/{company.slug}/erp-integrations/commitments/: 429" in put_off[0]


def test_htmx_gets_the_whole_page_which_the_script_shows(company: Company) -> None:
    client = signed_in(ApproverFactory(company=company))
    for _ in range(10):
        search(client, company)
    answer = client.get(
        f"/companies/{company.slug}/erp-integrations/commitments/?q=a", headers={"HX-Request": "true"}
    )
    assert answer.status_code == 429
    assert answer.content.decode().lstrip().lower().startswith("<!doctype html>")


def test_time_gives_room_again(company: Company) -> None:
    client = signed_in(ApproverFactory(company=company))
    with time_machine.travel(0, tick=False) as clock:
        rate_limits.purge_usage()
        for _ in range(10):
            search(client, company)
        clock.shift(5)
        assert search(client, company) == 429
        clock.shift(1.1)
        assert search(client, company) == 200
        assert search(client, company) == 429


def test_another_person_has_room_of_their_own(company: Company) -> None:
    mine, theirs = (signed_in(ApproverFactory(company=company)) for _ in range(2))
    for _ in range(11):
        search(mine, company)
    assert search(theirs, company) == 200


def test_the_plain_list_costs_nothing(company: Company) -> None:
    client = signed_in(ApproverFactory(company=company))
    address = f"/companies/{company.slug}/erp-integrations/commitments/"
    assert {client.get(address).status_code for _ in range(12)} == {200}


def test_a_spreadsheet_weighs_as_much_as_ten_searches(company: Company) -> None:
    client = signed_in(ApproverFactory(company=company))
    address = f"/companies/{company.slug}/erp-integrations/reconciliation/spreadsheet/"
    first = client.get(address)
    list(first)  # to its end, where the test client closes the file
    assert (first.status_code, client.get(address).status_code) == (200, 429)


@pytest.mark.parametrize("name", ["vendors", "jobs", "cost-codes"])
def test_the_searches_of_links_count(company: Company, name: str) -> None:
    person: User = ErpAdminFactory(company=company)
    rate_limits.record_usage(person.pk, 10)
    client = signed_in(person)
    address = f"/companies/{company.slug}/erp-integrations/{name}/"
    assert client.get(address).status_code == 200
    assert client.get(f"{address}?q=a").status_code == 429


def test_what_weighs_more_than_a_minute_is_still_possible(settings: Settings) -> None:
    settings.COSTLY_PAGES_PER_MINUTE = 5
    assert rate_limits.record_usage(1, rate_limits.HEAVY_WEIGHT) == 0
    assert rate_limits.record_usage(1, rate_limits.HEAVY_WEIGHT) > 0


def test_what_is_refused_does_not_count() -> None:
    with time_machine.travel(0, tick=False) as clock:
        rate_limits.purge_usage()
        for _ in range(50):
            rate_limits.record_usage(1, 1)
        clock.shift(60)
        assert rate_limits.record_usage(1, 9) == 0


def test_an_operator_can_switch_it_off(settings: Settings) -> None:
    settings.COSTLY_PAGES_PER_MINUTE = 0
    assert not any(rate_limits.record_usage(1, rate_limits.HEAVY_WEIGHT) for _ in range(100))
