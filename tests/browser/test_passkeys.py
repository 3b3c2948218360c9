"""From a mail to the decision by passkey, in a browser with a phone's authenticator of its own."""

import pytest
from playwright.sync_api import Page, expect

from erp_integrations.models import Submission, SubmissionStatus
from tests.browser.contractor import PASSWORD, Contractor
from tests.browser.product import Product
from tests.browser.test_accessibility import Inspection
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)


def give_authenticator(page: Page) -> None:
    """One that its person unlocks whenever it asks."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_mail_s_link_leads_by_passkey_to_the_decision(
    contractor: Contractor, windows: Windows, product: Product
) -> None:
    submission = contractor.sent("SC-1")
    link = f"{submission.get_absolute_url()}?from=mail"
    page = windows()
    site = product.url.replace("127.0.0.1", "localhost")  # an address in figures has no passkeys
    give_authenticator(page)
    inspection = Inspection(page)
    page.goto(f"{site}/accounts/two-step/")
    page.get_by_label("Email").fill(contractor.approver.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    inspection.look("two-step verification")
    page.get_by_role("link", name="Add a passkey").click()
    inspection.look("a new passkey")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey was added.")).to_be_visible()
    page.goto(f"{site}/accounts/two-step/")
    inspection.look("passkeys")
    page.goto(f"{site}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site}{link}")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"**{link}")
    expect(page.get_by_role("heading", name="SC-1")).to_be_visible()
    assert Submission.objects.get().status == SubmissionStatus.AWAITING
    assert not inspection.faults, "\n".join(inspection.faults)
