"""An ERP admin links a vendor, and has Spectrum's master data read again, without leaving the page."""

import pytest
from playwright.sync_api import expect

from erp_integrations.models import Connection, MastersPull
from tests.browser.contractor import NEWCOMER, Contractor
from tests.browser.windows import Windows
from tests.factories import ErpAdminFactory, have_been_read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]


def test_a_vendor_is_linked_and_the_lists_are_read_again_in_place(
    windows: Windows, contractor: Contractor
) -> None:
    have_been_read(Connection.objects.get(), vendors={"NEWCOMER": NEWCOMER})
    MastersPull.objects.update(not_before="2100-01-01T00:00Z")
    page = windows(ErpAdminFactory(company=contractor.company))
    page.goto(f"/companies/{contractor.company.slug}/erp-integrations/vendors/")
    page.get_by_role("button", name=f"Link {NEWCOMER}").click()
    expect(page.get_by_text(f"{NEWCOMER} is linked.")).to_be_visible()
    expect(page.get_by_text("All vendors are linked")).to_be_visible()
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("Show the new data")).to_be_visible()
    page.get_by_text("Show the new data").click()
    expect(page.get_by_role("button", name="Sync now")).to_be_visible()
