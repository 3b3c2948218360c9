"""Addresses that were called otherwise before: bookmarks and open pages still lead to what they showed."""

import pytest
from django.test import Client

from tests.clients import signed_in
from tests.factories.directory import ErpAdminFactory
from tests.factories.erp_integrations import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("former", "current"),
    [
        ("activity/", "history/"),
        ("activity/export/", "history/export/"),
        ("lists/{key}/", "master-data/{key}/"),
        ("deliveries/", ""),
        ("deliveries/{key}/pause/", "settings/{key}/pause/"),
        ("deliveries/{key}/resume/", "settings/{key}/resume/"),
        ("deliveries/{key}/let-go-on/", "settings/{key}/resume/"),
    ],
)
def test_a_former_address_leads_to_the_one_of_today(former: str, current: str) -> None:
    connection = ConnectionFactory()
    tool = f"/companies/{connection.company.slug}/erp-integrations/"
    former, current = (tool + each.format(key=connection.pk) for each in (former, current))
    client = signed_in(ErpAdminFactory(company=connection.company))
    answer = client.get(f"{former}?q=SC%20301&person=7")
    assert (answer.status_code, answer["Location"]) == (301, f"{current}?q=SC%20301&person=7")
    assert client.get(former, follow=True).status_code == 200
    assert client.post(former, follow=True).status_code == 200  # which asks to press the button again
    assert Client().get(former)["Location"].startswith("/accounts/login/")
    stranger = signed_in(ErpAdminFactory())
    assert stranger.get(former, follow=True).status_code == 404
