"""What Send would say, beside the form, after a pause."""

import pytest
from playwright.sync_api import expect

from tests.browser.contractor import Contractor
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_issue_shows_after_a_pause_and_leads_to_its_field(
    contractor: Contractor, windows: Windows
) -> None:
    page = windows(contractor.creator)
    page.goto(f"{contractor.project.get_absolute_url()}new/")
    expect(page.get_by_label("Number")).to_have_value("SC-001")
    page.get_by_label("Number").fill("PW-2015-417")
    issue = page.get_by_role("link", name="has 11 characters; Spectrum takes 10")
    expect(issue).to_be_visible()
    expect(page.get_by_text("PW2015-417 can be exported")).to_be_visible()
    expect(page.get_by_label("Number")).to_have_attribute("data-issue", "blocking")
    issue.click()
    expect(page.get_by_label("Number")).to_be_in_viewport()
    page.get_by_label("Number").fill("PW2015-417")
    expect(issue).to_be_hidden()
    expect(page.get_by_label("Number")).not_to_have_attribute("data-issue", "blocking")


def test_an_issue_leads_to_its_line_where_that_has_been_moved(
    contractor: Contractor, windows: Windows
) -> None:
    page = windows(contractor.creator)
    page.goto(f"{contractor.project.get_absolute_url()}new/")
    amounts = page.locator("tbody [data-field=amount] input")
    amounts.first.fill("5.00")
    amounts.first.press("Alt+Shift+Enter")
    issue = page.get_by_role("link", name="Line 2, cost code is missing")
    issue.click()
    named = page.evaluate("document.getElementById(location.hash.slice(1)).name")
    assert named == "lines-1-cost_code"


def test_without_javascript_the_issues_follow_a_save(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.creator, javascript=False)
    page.goto(f"{contractor.project.get_absolute_url()}new/")
    page.get_by_label("Number").fill("PW-2015-417")
    page.get_by_role("button", name="Create subcontract").click()
    page.get_by_role("link", name="The commitment has no title.").click()
    assert page.url.endswith("/edit/#id_title")
    page.go_back()
    page.get_by_role("button", name="Change the number to PW2015-417").click()
    expect(page.get_by_text("Its number is PW2015-417 now.")).to_be_visible()
