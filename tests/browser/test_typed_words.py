"""Words typed into a dialog are never lost, whatever ends the session, the page or the connection."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, expect

from directory.models import Draft
from erp_integrations import submissions
from erp_integrations.models import Submission
from tests.browser.contractor import PASSWORD, Contractor
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)

REASON = "The retainage is 10 per cent.\nThe contract says 5."
both_ways = pytest.mark.parametrize("javascript", [True, False])


@pytest.fixture(autouse=True)
def submission(contractor: Contractor) -> Submission:
    return contractor.sent("SC-1")


def open_box(page: Page) -> Locator:
    """Open the Reject dialog from the list, and give its reason."""
    page.get_by_role("link", name="Reject SC-1").click()
    reason = page.get_by_label("Reason")
    expect(reason).to_be_visible()
    return reason


def press_reject(page: Page) -> None:
    page.get_by_role("button", name="Reject").click()


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def expect_rejected(page: Page) -> None:
    expect(page.get_by_text("Nothing is ready to export")).to_be_visible()
    assert Submission.objects.get().reason == REASON
    assert not Draft.objects.exists()


@both_ways
def test_the_session_has_ended(contractor: Contractor, windows: Windows, javascript: bool) -> None:
    page = windows(contractor.approver, javascript=javascript)
    page.goto("/")
    open_box(page).fill(REASON)
    Session.objects.all().delete()
    press_reject(page)
    sign_in(page, contractor.approver.email)
    expect(page.get_by_text("What you typed is back.")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value(REASON)
    press_reject(page)
    expect_rejected(page)


def test_the_session_ends_before_anything_is_pressed(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.approver)
    page.goto("/")
    reason = open_box(page)
    Session.objects.all().delete()
    reason.fill(REASON)
    page.goto("/")
    sign_in(page, contractor.approver.email)
    expect(open_box(page)).to_have_value(REASON)


def test_a_row_that_asks_for_itself_takes_nobody_away_from_an_open_box(
    contractor: Contractor, windows: Windows
) -> None:
    contractor.sent("SC-2")
    page = windows(contractor.approver)
    page.goto("/")
    page.get_by_role("link", name="Accept SC-2").click()
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    reason = open_box(page)
    Session.objects.all().delete()
    with page.expect_response(lambda answer: "hx-redirect" in answer.headers):
        reason.fill(REASON)
    expect(reason).to_have_value(REASON)
    press_reject(page)
    sign_in(page, contractor.approver.email)
    expect(page.get_by_label("Reason")).to_have_value(REASON)


@both_ways
def test_a_token_is_too_old(contractor: Contractor, windows: Windows, javascript: bool) -> None:
    page = windows(contractor.approver, javascript=javascript)
    page.goto("/")
    open_box(page).fill(REASON)
    page.context.clear_cookies(name=re.compile("csrf$"))
    press_reject(page)
    expect(page.get_by_text("What you typed is back.")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value(REASON)
    press_reject(page)
    expect_rejected(page)


def test_escape_and_open_again(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.approver)
    page.goto("/")
    open_box(page).press_sequentially(REASON)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(open_box(page)).to_have_value(REASON)
    page.keyboard.press("Escape")
    page.reload()
    expect(open_box(page)).to_have_value(REASON)
    press_reject(page)
    expect_rejected(page)


@both_ways
def test_back_and_open_again(
    contractor: Contractor, windows: Windows, submission: Submission, javascript: bool
) -> None:
    page = windows(contractor.approver, javascript=javascript)
    page.goto(submission.get_absolute_url())
    page.goto(f"{submission.get_absolute_url()}reject/")
    page.get_by_label("Reason").fill(REASON)
    page.go_back()
    if javascript:
        page.goto(f"{submission.get_absolute_url()}reject/")
    else:
        page.go_forward()  # nothing but the browser knows of it
    expect(page.get_by_label("Reason")).to_have_value(REASON)


@both_ways
def test_somebody_else_was_first(
    contractor: Contractor, windows: Windows, submission: Submission, javascript: bool
) -> None:
    page = windows(contractor.approver, javascript=javascript)
    page.goto("/")
    open_box(page).fill(REASON)
    submissions.reject(submission=submission, by=contractor.another_approver(), reason="Mine.")
    press_reject(page)
    expect(page.get_by_role("heading", name="Already decided: SC-1").last).to_be_visible()
    expect(page.get_by_label("What you typed")).to_have_value(REASON)


def test_without_a_connection_even_a_closed_box_is_not_emptied(
    contractor: Contractor, windows: Windows
) -> None:
    page = windows(contractor.approver)
    page.goto("/")
    reason = open_box(page)
    page.context.set_offline(True)
    reason.fill(REASON)
    press_reject(page)
    expect(page.get_by_role("alert")).to_contain_text("press the button again")
    expect(reason).to_have_value(REASON)
    page.keyboard.press("Escape")
    page.context.set_offline(False)
    expect(open_box(page)).to_have_value(REASON)
    press_reject(page)
    expect_rejected(page)


def test_without_a_connection_and_without_a_script_the_browser_sends_it_again(
    contractor: Contractor, windows: Windows
) -> None:
    page = windows(contractor.approver, javascript=False)
    page.goto("/")
    open_box(page).fill(REASON)
    page.context.set_offline(True)
    page.get_by_role("button", name="Reject").click(no_wait_after=True)
    expect(page).to_have_url(re.compile("^chrome-error:"))
    page.context.set_offline(False)
    page.reload()
    expect_rejected(page)


def test_on_a_shared_machine_nobody_else_finds_it(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.approver)
    page.goto("/")
    with page.expect_response(lambda answer: answer.status == 204):
        open_box(page).fill(REASON)
    page.keyboard.press("Escape")
    page.get_by_label("Your account: Avery Approver").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, contractor.another_approver().email)
    expect(open_box(page)).to_have_value("")
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert REASON not in page.content()
