"""Words typed into a dialog are never cut without a word."""

import pytest
from playwright.sync_api import expect

from erp_integrations.models import Submission
from tests.browser.contractor import Contractor
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)

REASON = "The retainage is 10 per cent.\nThe contract says 5."


def test_what_is_too_long_is_counted_and_never_cut(contractor: Contractor, windows: Windows) -> None:
    contractor.sent("SC-1")
    page = windows(contractor.approver)
    page.goto("/")
    page.get_by_role("link", name="Reject SC-1").click()
    reason = page.get_by_label("Reason")
    long = "123456789\n" * 519 + "1234567890"
    reason.fill(long)
    counter = page.get_by_role("dialog").locator(".field-count")
    expect(counter).to_have_text("5,200 of 4,000: 1,200 too many")
    expect(counter).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="Reject").click()
    expect(
        page.get_by_role("link", name="Reason: At most 4,000 characters fit; this has 5,200.")
    ).to_be_visible()
    expect(reason).to_have_value(long)
    expect(counter).to_have_text("5,200 of 4,000: 1,200 too many")
    reason.fill(REASON)
    expect(counter).to_be_empty()
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Nothing is ready to export")).to_be_visible()
    assert Submission.objects.get().reason == REASON
