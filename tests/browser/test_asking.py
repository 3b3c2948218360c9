"""Accounting asks, the project answers, accounting decides: in the browser, with and without JavaScript."""

import os

import pytest
from playwright.sync_api import Page, expect

from erp_integrations.models import Question
from tests.browser.contractor import Contractor
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Which bid is this?\nThe first one?"


def show(page: Page, name: str) -> None:
    """For whoever wants to look: a picture at both widths, light and dark."""
    if not (folder := os.environ.get("PICTURES")):
        return
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=width == 390)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.parametrize("javascript", [True, False])
def test_a_question_is_asked_answered_and_read_before_the_decision(
    contractor: Contractor, windows: Windows, javascript: bool
) -> None:
    submission = contractor.sent("SC-1")
    contractor.sent("SC-2")
    page = windows(contractor.approver, javascript=javascript)
    page.goto("/")
    page.get_by_role("link", name="Ask SC-1").click()
    expect(page.get_by_label("To", exact=True)).to_have_value(str(contractor.project_admin.pk))
    page.get_by_label("To", exact=True).select_option(str(contractor.creator.pk))
    page.get_by_label("Question").fill(TEXT)
    show(page, f"ask-{javascript}")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("your question is with Casey Creator")).to_be_visible()
    expect(page.get_by_role("link", name="Accept SC-1")).to_be_visible()
    expect(page.get_by_text("Asked, ")).to_be_visible()
    show(page, f"list-{javascript}")
    page.get_by_role("link", name="Ask SC-1").click()
    expect(page.get_by_text("One question at a time")).to_be_visible()
    show(page, f"open-{javascript}")

    project = windows(contractor.creator, javascript=javascript)
    project.goto("/")
    show(project, f"home-{javascript}")
    project.get_by_role("link", name="Answer SC-1").click()
    expect(project.get_by_text("The first one?").first).to_be_visible()
    show(project, f"answer-{javascript}")
    answer = project.get_by_label("Your answer")
    if javascript:
        with project.expect_response(lambda response: response.status == 204):
            answer.fill("The second.")
        project.goto("/")
        project.get_by_role("link", name="Answer SC-1").click()
        expect(answer).to_have_value("The second.")
    answer.fill("The second.\nSee page 3.")
    project.get_by_role("button", name="Send answer").click()
    expect(project.get_by_text("Your answer is with accounting")).to_be_visible()

    page.goto("/")
    expect(page.get_by_text("Answered, ")).to_be_visible()
    page.get_by_role("link", name="Accept SC-1").click()
    expect(page.get_by_text("See page 3.").first).to_be_visible()
    show(page, f"accept-{javascript}")
    page.goto(submission.get_absolute_url())
    show(page, f"review-{javascript}")
    assert Question.objects.get().answer == "The second.\nSee page 3."
    assert windows.faults == []
