"""A reason that is kept is chosen by keyboard, changed and sent; what was typed stays."""

import pytest
from playwright.sync_api import expect

from erp_integrations.models import KeptReason, Submission
from tests.browser.contractor import Contractor
from tests.browser.test_accessibility import Inspection
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def submission(contractor: Contractor) -> Submission:
    sent = contractor.sent("SC-1")
    for text in ("Not signed.\nSend it again.", "Wrong job."):
        KeptReason.objects.create(company=sent.company, text=text)
    return sent


def test_choosing_fills_the_box_and_takes_nothing_away(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.approver)
    inspection = Inspection(page)
    page.goto("/")
    page.get_by_role("link", name="Reject SC-1").click()
    reason, chosen = page.get_by_label("Reason"), page.get_by_label("Kept before")
    chosen.focus()
    for shown in ("Not signed.\nSend it again.", "Wrong job."):
        page.keyboard.press("ArrowDown")
        expect(reason).to_have_value(shown)
    inspection.look("the dialog")
    reason.fill("The job is closed.")
    chosen.select_option(index=1)
    expect(reason).to_have_value("The job is closed.\nNot signed.\nSend it again.")
    chosen.select_option(index=2)
    expect(reason).to_have_value("The job is closed.\nWrong job.")
    reason.press("End")
    reason.press_sequentially(" Ask us.")
    chosen.select_option(index=0)
    expect(reason).to_have_value("The job is closed.\nWrong job. Ask us.")
    page.get_by_label("Keep this for next time").check()
    reason.press("Control+Enter")
    expect(page.get_by_text("Nothing is ready to export")).to_be_visible()
    assert Submission.objects.get().reason == "The job is closed.\nWrong job. Ask us."
    inspection.visit("/companies/keystone/erp-integrations/reasons/")
    expect(page.get_by_text("Wrong job. Ask us.")).to_be_visible()
    assert not inspection.faults, "\n".join(inspection.faults)


def test_without_a_script_the_chosen_one_is_sent(contractor: Contractor, windows: Windows) -> None:
    page = windows(contractor.approver, javascript=False)
    page.goto("/")
    page.get_by_role("link", name="Reject SC-1").click()
    page.get_by_label("Kept before").select_option(label="Wrong job.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Nothing is ready to export")).to_be_visible()
    assert Submission.objects.get().reason == "Wrong job."
