"""The list as a workplace: many at once, with and without a script, and by keys."""

import re

import pytest
from playwright.sync_api import Page, expect

from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks.row_checks import check_due_submissions
from erp_integrations.models import Submission, SubmissionStatus
from tests.browser.contractor import Contractor
from tests.browser.test_accessibility import Inspection
from tests.browser.windows import Windows
from tests.factories import ErpAdminFactory

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/companies/keystone/erp-integrations/commitments/?view=ready-to-export"
SCRIPTS = pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])


@pytest.fixture
def sent(contractor: Contractor) -> list[Submission]:
    titles = ("Concrete works", "Skylights", "Brick repair on the north side")  # unlike: no near-duplicates
    return [contractor.sent(f"SC-{number}", title) for number, title in enumerate(titles, start=1)]


def list_statuses() -> list[str]:
    return [str(each) for each in Submission.objects.order_by("pk").values_list("status", flat=True)]


def open_list(windows: Windows, person: User, *, javascript: bool = True) -> Page:
    page = windows(person, javascript=javascript)
    page.goto(LIST)
    if javascript:  # a link that the script has not reached yet leads to a page of its own
        page.wait_for_function("document.querySelector('#rows [data-key=a]')._htmx")
    return page


def expect_focus(page: Page, number: str) -> None:
    expect(page.get_by_role("link", name=number, exact=True)).to_be_focused()


@SCRIPTS
def test_two_of_three_are_selected_and_accepted_with_one_press(
    contractor: Contractor, sent: list[Submission], windows: Windows, javascript: bool
) -> None:
    page = open_list(windows, contractor.approver, javascript=javascript)
    for number in ("SC-1", "SC-3"):
        page.get_by_label(f"Select {number}").check()
    page.get_by_role("button", name="Send selected to Spectrum…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Accept 2 commitments")
    expect(page.get_by_role("table")).to_be_visible()
    page.get_by_role("button", name="Export 2").click()
    expect(page.get_by_text("2 done")).to_be_visible()
    accepted, waiting = SubmissionStatus.ACCEPTED, SubmissionStatus.AWAITING
    assert list_statuses() == [accepted, waiting, accepted]


@SCRIPTS
def test_many_are_rejected_for_one_reason(
    contractor: Contractor, sent: list[Submission], windows: Windows, javascript: bool
) -> None:
    page = open_list(windows, contractor.approver, javascript=javascript)
    if javascript:
        page.get_by_label("Select all").check()
    else:
        for each in sent:
            page.get_by_label(f"Select {each.number}").check()
    page.get_by_role("button", name="Send selected back…").click()
    if javascript:
        with page.expect_response(lambda answer: answer.status == 204):  # kept while it is typed
            page.get_by_label("Reason").fill("The contract is not signed.")
        assert set(list_statuses()) == {SubmissionStatus.AWAITING}
        page.reload()
        expect(page.get_by_label("Reason")).to_have_value("The contract is not signed.")
    else:
        page.get_by_label("Reason").fill("The contract is not signed.")
    page.get_by_role("button", name="Reject 3").click()
    expect(page.get_by_text("3 done")).to_be_visible()
    assert set(list_statuses()) == {SubmissionStatus.REJECTED}


def test_keys_move_select_search_and_open_what_they_say(
    contractor: Contractor, sent: list[Submission], windows: Windows
) -> None:
    page = open_list(windows, contractor.approver)
    for key, number in (("j", "SC-1"), ("j", "SC-2"), ("j", "SC-3"), ("j", "SC-3"), ("k", "SC-2")):
        page.keyboard.press(key)
        expect_focus(page, number)
    page.keyboard.press("x")
    expect(page.get_by_label("Select SC-2")).to_be_checked()
    for key, name in (("a", "Accept SC-2"), ("r", "Reject SC-2"), ("q", "Ask about SC-2")):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        page.keyboard.press("Escape")
        expect_focus(page, "SC-2")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("ajr")  # letters, while somebody writes
    expect(page.get_by_role("searchbox")).to_have_value("ajr")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.goto(LIST)
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(rf"/commitments/{sent[0].pk}/\?view$"))
    assert set(list_statuses()) == {SubmissionStatus.AWAITING}


def test_one_after_the_other_takes_two_strokes_each(
    contractor: Contractor, sent: list[Submission], windows: Windows
) -> None:
    page = open_list(windows, contractor.approver)
    for each in sent:
        if each != sent[0]:
            expect_focus(page, each.number)
        page.keyboard.press("a")
        box = page.get_by_role("dialog", name=f"Accept {each.number}")
        expect(box.get_by_role("button", name="Export")).to_be_visible()
        page.keyboard.press("Control+Enter")
        expect(box).to_be_hidden()
    assert set(list_statuses()) == {SubmissionStatus.ACCEPTED}


def test_keys_can_be_switched_off_and_stay_so(
    contractor: Contractor, sent: list[Submission], windows: Windows
) -> None:
    page = open_list(windows, contractor.approver)
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use these keys in this browser").uncheck()
    page.get_by_role("button", name="Close").click()
    for _ in range(2):
        for key in ("j", "a", "?"):
            page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.reload()
    page.evaluate("localStorage.clear()")


def test_the_skip_link_leads_to_the_rows(
    contractor: Contractor, sent: list[Submission], windows: Windows
) -> None:
    page = open_list(windows, contractor.approver)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the commitments")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the headings sort
    expect(page.get_by_role("table")).to_contain_text("SC-1")
    assert page.evaluate("document.activeElement.closest('#rows') !== null")


def test_a_row_is_two_lines_on_a_desk_and_a_card_on_a_phone(
    contractor: Contractor, sent: list[Submission], windows: Windows
) -> None:
    Submission.objects.update(contract_company_name="A vendor whose name is longer than its column " * 2)
    page = open_list(windows, contractor.approver)
    row = page.get_by_role("row").filter(has_text="SC-2")
    assert page.evaluate("document.querySelector('#rows tbody tr').getBoundingClientRect().top") <= 220
    for width, high in ((1280, 45), (390, 132)):
        page.set_viewport_size({"width": width, "height": 800})
        box = row.bounding_box()
        assert box
        assert box["height"] <= high, width


def test_an_open_list_follows_what_others_do_and_takes_nothing_away(
    contractor: Contractor, sent: list[Submission], windows: Windows
) -> None:
    page = open_list(windows, contractor.approver)
    page.get_by_label("Select SC-2").check()
    page.get_by_role("link", name="Accept SC-3").focus()
    other = contractor.another_approver()
    submissions.reject(submission=sent[0], by=other, reason="It is not signed.")
    rows = {each: page.get_by_role("row").filter(has_text=f"SC-{each}") for each in (1, 2, 3)}
    expect(rows[1]).to_contain_text("Blake Approver, ")
    expect(rows[1].get_by_role("link", name="Accept")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="SC-1: Rejected.")).to_have_count(1)
    expect(page.get_by_role("link", name="Accept SC-3")).to_be_focused()
    check_due_submissions()
    expect(rows[2]).to_contain_text("Look")
    expect(page.get_by_label("Select SC-2")).to_be_checked()
    submissions.reject(submission=sent[2], by=other, reason="It is not signed.")
    expect(rows[3]).to_contain_text("Rejected")
    expect_focus(page, "SC-3")  # its Accept is gone
    page.get_by_role("link", name="Reject SC-2").click()
    page.get_by_label("Reason").fill("The contract says 5.")
    submissions.retrieve_from_erp(commitment=sent[1].commitment, by=sent[1].sent_by)
    expect(rows[2]).to_contain_text("Retrieved")
    expect(page.get_by_label("Reason")).to_have_value("The contract says 5.")
    expect(page.get_by_label("Reason")).to_be_focused()


def test_what_a_check_says_stands_on_one_line_and_opens_by_keyboard(
    contractor: Contractor, windows: Windows
) -> None:
    contractor.sent("SC-2024-000117", "Concrete works of the northern wing and its foundations")
    check_due_submissions()
    page = open_list(windows, contractor.approver)
    row, sentence = page.get_by_role("row").nth(1), page.locator(".check-reason > summary")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        before = row.bounding_box()
        sentence.focus()
        page.keyboard.press("Enter")
        after = row.bounding_box()
        assert before
        assert after
        assert after["height"] > before["height"] <= (45 if width == 1280 else 132)
        page.keyboard.press("Enter")


def test_the_pages_of_many_are_judged(
    contractor: Contractor, sent: list[Submission], windows: Windows
) -> None:
    contractor.sent("SC-2024-000117")
    check_due_submissions()
    page = windows(contractor.approver)
    inspection = Inspection(page)
    chosen = "&".join(f"id={each.pk}" for each in Submission.objects.all())
    decide = "/companies/keystone/erp-integrations/commitments/decide/"
    inspection.visit(LIST, f"{LIST}&group=project&check=blocked")
    inspection.visit(f"{decide}?action=accept&{chosen}", f"{decide}?action=reject&{chosen}")
    page.goto(LIST)
    page.keyboard.press("?")
    inspection.look("the keys")
    page.goto(f"{decide}?action=accept&{chosen}")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("3 done")).to_be_visible()
    inspection.look("the result")
    inspection.page = windows(ErpAdminFactory(company=contractor.company))
    inspection.visit("/companies/keystone/erp-integrations/settings/rules/")
    inspection.end()
