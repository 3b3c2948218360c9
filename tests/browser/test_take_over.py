"""An ERP admin takes over what Spectrum has, and an approver sees what is running there."""

import pytest
from playwright.sync_api import expect

from erp_integrations.links import take_over
from erp_integrations.models import Connection, TakeOver, TakeOverKind, TakeOverStatus
from tests.browser.contractor import NEWCOMER, Contractor
from tests.browser.test_accessibility import Inspection
from tests.browser.test_asking import show
from tests.browser.windows import Windows
from tests.factories import ErpAdminFactory, have_been_read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_new_in_spectrum_is_shown_and_taken_over(
    windows: Windows, contractor: Contractor, javascript: bool
) -> None:
    names = {f"V{number:02}": f"Vendor {number}" for number in range(60)}
    have_been_read(
        Connection.objects.get(),
        vendors=names | {"NEWCOMER": NEWCOMER, "GONE": "-"},
        jobs={"24-001": {}, "24-002": {}},
    )
    page = windows(ErpAdminFactory(company=contractor.company), javascript=javascript)
    page.goto(f"/companies/{contractor.company.slug}/erp-integrations/vendors/")
    page.get_by_role("link", name="Take over from Spectrum").click()
    page.get_by_label("Vendor codes").fill("V*, NEW*, GONE")
    page.get_by_role("button", name="Show what would be made").click()
    expect(page.get_by_text(f"{NEWCOMER} is here, and is not linked")).to_be_visible()
    expect(page.get_by_text("Makes 60 Contract Companies and 1 project")).to_be_visible()
    show(page, f"take-over-{javascript}")
    if javascript:
        inspection = Inspection(page)
        inspection.look("take over")
        inspection.end()
    page.get_by_role("button", name="Take these over").click()
    expect(page.get_by_text("You may leave this page")).to_be_visible()
    take_over.run_due_take_overs()
    if javascript:
        page.get_by_text("Show what is left").click()
    else:
        page.reload()
    expect(page.get_by_text("contract companies 60")).to_be_visible()
    show(page, f"taken-over-{javascript}")
    page.get_by_label("close here what is closed in Spectrum").check()
    page.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_text("The rule is saved")).to_be_visible()


def test_running_commitments_are_shown(windows: Windows, contractor: Contractor) -> None:
    row = {"found": [3, "1200.00"], "comes in": [1, "1000.00"], "here": [1, "0.00"], "left": [1, "200.00"]}
    rows = {"left rows": [["BOLT", "R-1", "200.00", "Vendor BOLT is not linked"]]}
    rows |= {"comes in rows": [["ACME", "R-2", "1000.00", ""]]}
    TakeOver.objects.create(
        connection=Connection.objects.get(),
        kind=TakeOverKind.COMMITMENTS,
        status=TakeOverStatus.SHOWN,
        finished_at="2026-01-02T03:04Z",
        report=row | rows,
    )
    inspection = Inspection(windows(contractor.approver))
    inspection.visit(f"/companies/{contractor.company.slug}/erp-integrations/running/")
    expect(inspection.page.get_by_text("Vendor BOLT is not linked")).to_be_visible()
    show(inspection.page, "running")
    inspection.end()
