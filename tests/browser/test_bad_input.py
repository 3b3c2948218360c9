"""People's accidents with a page that only a browser can show."""

import re

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from erp_integrations.models import ExportJob, Submission, SubmissionStatus
from tests.browser.contractor import PASSWORD, Contractor
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)

REASON = "The retainage is 10 per cent in the signed contract."


def accept(page: Page, number: str) -> Locator:
    """Open the Accept dialog of a row, and give its Export button."""
    page.get_by_role("link", name=f"Accept {number}").click()
    button = page.get_by_role("button", name="Export")
    expect(button).to_be_visible()
    return button


def test_a_lost_connection_keeps_what_was_typed(contractor: Contractor, windows: Windows) -> None:
    contractor.sent("SC-1")
    page = windows(contractor.approver)
    page.goto("/")
    page.get_by_role("link", name="Reject SC-1").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Reason").fill(REASON)
    page.context.set_offline(True)
    box.get_by_role("button", name="Reject").click()
    expect(box.get_by_role("alert")).to_contain_text("The server could not be reached.")
    expect(box.get_by_label("Reason")).to_have_value(REASON)
    page.context.set_offline(False)
    box.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Nothing is ready to export")).to_be_visible()
    assert Submission.objects.get().reason == REASON


@pytest.mark.parametrize("javascript", [True, False])
def test_a_double_click_on_export_decides_once(
    contractor: Contractor, windows: Windows, javascript: bool
) -> None:
    contractor.sent("SC-1")
    page = windows(contractor.approver, javascript=javascript)
    page.goto("/")
    accept(page, "SC-1").dblclick()
    expect(page.get_by_role("button", name="Export")).to_have_count(0)
    assert Submission.objects.get().status == SubmissionStatus.ACCEPTED
    assert ExportJob.objects.count() == 1


def test_going_back_after_export_shows_what_is_true_now(contractor: Contractor, windows: Windows) -> None:
    submission = contractor.sent("SC-1")
    page = windows(contractor.approver)
    page.goto("/")
    page.get_by_role("link", name="SC-1", exact=True).click()
    page.get_by_role("link", name="Accept", exact=True).click()
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Exporting")
    expect(page).to_have_url(re.compile(f"{submission.get_absolute_url()}$"))
    page.go_back()
    expect(page.get_by_text("Nothing is ready to export")).to_be_visible()


def test_going_back_to_the_box_and_pressing_export_again_decides_nothing(
    contractor: Contractor, windows: Windows
) -> None:
    contractor.sent("SC-1")
    page = windows(contractor.approver, javascript=False)
    page.goto("/")
    accept(page, "SC-1").click()
    expect(page.get_by_text("Nothing is ready to export")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Already decided: SC-1").first).to_be_visible()
    assert ExportJob.objects.count() == 1


def test_a_session_ended_in_another_tab_leads_to_the_front_door_and_back(
    contractor: Contractor, windows: Windows
) -> None:
    contractor.sent("SC-1")
    page = windows(contractor.approver)
    page.goto("/")
    other = page.context.new_page()
    other.goto("/")
    other.get_by_label("Your account: Avery Approver").click()
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Accept SC-1").click()
    page.get_by_label("Email").fill(contractor.approver.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Accept SC-1")).to_be_visible()


def test_leaving_a_half_written_commitment_asks_first(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.creator)
    page.goto(f"{contractor.project.get_absolute_url()}new/")
    page.get_by_label("Title").fill("Concrete works")
    asked: list[str] = []

    def stay(question: Dialog) -> None:
        asked.append(question.type)
        question.dismiss()

    page.on("dialog", stay)
    page.get_by_role("link", name="Cancel").click(no_wait_after=True)
    expect(page.get_by_label("Title")).to_have_value("Concrete works")
    assert asked == ["beforeunload"]
