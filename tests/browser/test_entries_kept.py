"""Nothing that is typed into a commitment's form is lost, in the real browser."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from commitments.models import Commitment
from directory.models import Draft
from tests.browser.contractor import PASSWORD, Contractor
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def fill(page: Page) -> None:
    page.get_by_label("Title").fill("Concrete works")
    page.get_by_label("Amount").first.fill("1,250.00")


def expect_filled(page: Page) -> None:
    expect(page.get_by_text("What you typed is back")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("Concrete works")
    expect(page.get_by_label("Amount").first).to_have_value("1,250.00")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_session_has_ended(contractor: Contractor, windows: Windows, javascript: bool) -> None:
    page = windows(contractor.creator, javascript=javascript)
    page.goto(f"{contractor.project.get_absolute_url()}new/")
    fill(page)
    Session.objects.all().delete()
    page.get_by_role("button", name="Create subcontract").click()
    sign_in(page, contractor.creator.email)
    expect_filled(page)
    page.get_by_role("button", name="Create subcontract").click()
    expect(page.get_by_text("was created")).to_be_visible()
    assert Commitment.objects.get(title="Concrete works").lines.get().amount == 1250
    assert not Draft.objects.exists()


def test_the_page_was_closed(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.creator)
    address = f"{contractor.project.get_absolute_url()}new/"
    page.goto(address)
    with page.expect_response(lambda answer: answer.status == 204):
        fill(page)
    page.close(run_before_unload=False)
    again = windows(contractor.creator)
    again.goto(address)
    expect_filled(again)
    again.get_by_role("button", name="Start over").click()
    expect(again.get_by_label("Title")).to_have_value("")
    assert not Draft.objects.exists()
