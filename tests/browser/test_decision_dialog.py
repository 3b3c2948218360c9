"""The Accept dialog by keyboard: Enter never decides, Ctrl+Enter does; the decision stands before details."""

import pytest
from playwright.sync_api import Locator, Page, expect

from erp_integrations.models import ExportJob, Submission
from tests.browser.contractor import Contractor
from tests.browser.test_accessibility import Inspection
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)


def open_box(page: Page, number: str = "SC-1") -> Locator:
    page.goto("/")
    page.get_by_role("link", name=f"Accept {number}").click()
    box = page.get_by_role("dialog", name=f"Accept {number}")
    expect(box.get_by_role("button", name="Export")).to_be_visible()
    return box


def test_enter_in_the_erp_id_checks_the_number_and_decides_nothing(
    contractor: Contractor, windows: Windows
) -> None:
    contractor.sent("SC-1")
    page = windows(contractor.approver)
    box = open_box(page)
    number = box.get_by_label("ERP ID", exact=True)
    number.fill("PIER-68-TOO-LONG")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        number.press("Enter")
    expect(box.get_by_text("has 16 characters")).to_be_visible()
    expect(box.get_by_role("button", name="Export")).to_have_count(0)
    number.press("Control+Enter")
    number.fill("PIER-68")
    number.press("Enter")
    expect(box.get_by_role("button", name="Export")).to_be_visible()
    assert not ExportJob.objects.exists()


def test_a_number_that_is_changed_is_checked_beside_its_field(
    contractor: Contractor, windows: Windows
) -> None:
    contractor.sent("SC-1")
    box = open_box(windows(contractor.approver))
    box.get_by_label("ERP ID", exact=True).fill("PIER-68-TOO-LONG")
    box.get_by_label("Details").focus()
    issue = box.get_by_text("has 16 characters")
    expect(issue).to_be_visible()
    shown, field = issue.bounding_box(), box.get_by_label("ERP ID", exact=True).bounding_box()
    assert shown
    assert field
    assert shown["y"] > field["y"]


@pytest.mark.parametrize("place", ["Details", "ERP ID", "title", "nothing"])
def test_ctrl_enter_exports_from_anywhere_and_the_button_says_so(
    contractor: Contractor, windows: Windows, place: str
) -> None:
    contractor.sent("SC-1")
    page = windows(contractor.approver)
    box = open_box(page)
    export = box.get_by_role("button", name="Export")
    expect(export).to_contain_text("Ctrl+Enter")
    expect(export).to_have_attribute("aria-keyshortcuts", "Control+Enter")
    if place in ("Details", "ERP ID"):
        box.get_by_label(place, exact=place == "ERP ID").focus()
    elif place == "nothing":
        page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Enter")
    expect(box).to_be_hidden()
    assert ExportJob.objects.get().submission.number == "SC-1"


def test_the_dialog_and_the_page_are_judged_opened_to_the_last_element(
    contractor: Contractor, windows: Windows
) -> None:
    contractor.sent("SC-1")
    contractor.sent("SC-2")
    page = windows(contractor.approver)
    inspection = Inspection(page)
    box = open_box(page)
    order = [
        box.get_by_text("Schedule of Values"),
        box.get_by_label("ERP ID", exact=True),
        box.get_by_text("Other commitments with"),
        box.get_by_text("Technical names"),
    ]
    places = [each.bounding_box() for each in order]
    assert [each["y"] for each in places if each] == sorted(each["y"] for each in places if each)
    expect(box.get_by_text("UpdateSubcontractPhases")).to_be_hidden()
    box.get_by_text("Technical names").click()
    expect(box.get_by_text("UpdateSubcontractPhases")).to_be_visible()
    inspection.look("the dialog")
    inspection.visit(Submission.objects.get(number="SC-1").get_absolute_url())
    assert not inspection.faults, "\n".join(inspection.faults)


def test_on_paper_the_state_stays_and_the_buttons_go(contractor: Contractor, windows: Windows) -> None:
    contractor.sent("SC-1", rejected=True, approver=contractor.approver)
    page = windows(contractor.approver)
    page.goto("/companies/keystone/erp-integrations/commitments/?view=rejected&q=SC-1")
    page.emulate_media(media="print")
    expect(
        page.get_by_role("row").filter(has_text="SC-1").get_by_text("Rejected", exact=True)
    ).to_be_visible()
    expect(page.get_by_text("Keystone Builders ·")).to_contain_text("Search: SC-1")
    expect(page.get_by_role("button", name="Search")).to_be_hidden()
