"""What Send would say, while a form is filled in."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from commitments.models import Commitment
from directory.models import Draft, HistoryEntry, User
from tests.commitments.posting import as_stored, entry, line
from tests.factories import CreatorFactory, ProjectAdminFactory, lists_know

pytestmark = pytest.mark.django_db


def issues(page: str) -> dict[str, str]:
    """By code, the place that each leads to."""
    found = re.findall(r'data-code="([^"]+)".*?(?:href="#([^"]+)"|</p>)', page, re.DOTALL)
    return dict(found)


def test_a_new_form_is_checked_at_its_fields_and_nothing_is_written(
    deliverable: Commitment, client: Client
) -> None:
    creator: User = CreatorFactory(project=deliverable.project)
    client.force_login(creator)
    lists_know(deliverable)
    code = deliverable.lines.all()[0].cost_code
    assert code
    posted = entry(
        line(),
        line(cost_code=code.code, amount="7"),
        line(cost_code=code.code, cost_type=str(deliverable.lines.all()[0].cost_type_id), amount="no figure"),
        number="PW-2015-417",
        status="approved",
        contract_company=str(deliverable.contract_company_id),
    )
    before = Commitment.objects.count(), HistoryEntry.objects.count()
    page = client.post(reverse("project_erp:check_new", args=[deliverable.project_id]), posted)
    assert issues(page.content.decode()) == {
        "erp-id-too-long": "id_number",
        "title-blank": "id_title",
        "line-cost-type-missing": "id_lines-1-cost_type",
        "line-amount-missing": "id_lines-2-amount",
    }
    assert (Commitment.objects.count(), HistoryEntry.objects.count()) == before
    assert not Draft.objects.exists()


def test_a_stored_one_is_checked_as_it_is_typed_and_stays_as_it_is(
    deliverable: Commitment, sender: User, client: Client
) -> None:
    client.force_login(sender)
    lists_know(deliverable)
    address = reverse("project_erp:check", args=[deliverable.project_id, deliverable.pk])
    assert "Nothing stands in the way" in client.post(address, as_stored(deliverable)).content.decode()
    page = client.post(address, as_stored(deliverable, status="draft", title=""))
    assert issues(page.content.decode()) == {"status-not-approved": "id_status", "title-blank": "id_title"}
    deliverable.refresh_from_db()
    assert deliverable.title
    assert client.get(address).status_code == 405


def test_who_may_not_write_asks_nothing(deliverable: Commitment, client: Client) -> None:
    client.force_login(ProjectAdminFactory())
    address = reverse("project_erp:check", args=[deliverable.project_id, deliverable.pk])
    assert client.post(address, as_stored(deliverable)).status_code == 404


def test_an_issue_on_the_page_leads_into_the_form(
    deliverable: Commitment, sender: User, client: Client
) -> None:
    client.force_login(sender)
    Commitment.objects.update(title="")
    page = client.get(deliverable.get_absolute_url()).content.decode()
    assert f'href="{deliverable.get_absolute_url()}edit/#id_title"' in page
