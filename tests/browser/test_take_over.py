"""An ERP admin takes over what Spectrum has, and an approver sees what is running there."""

import pytest
from playwright.sync_api import expect

from erp_integrations.links.take_over import HERE, LEFT, MADE, PROPOSED
from erp_integrations.models import Connection, TakeOver, TakeOverKind, TakeOverStatus
from erp_integrations.submissions import take_overs
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
    page.get_by_role("button", name="Look into Spectrum").click()
    expect(page.get_by_text("You may leave this page")).to_be_visible()
    take_overs.run_due_take_overs()
    if not javascript:
        page.get_by_text("Look again").click()
    expect(page.get_by_text(f"{NEWCOMER} is here, and is not linked")).to_be_visible()
    expect(page.get_by_role("row", name="Vendors")).to_contain_text("60")
    show(page, f"take-over-{javascript}")
    if javascript:
        inspection = Inspection(page)
        inspection.look("take over")
        inspection.end()
    page.get_by_role("button", name="Take these over").click()
    expect(page.get_by_text("You may leave this page")).to_be_visible()
    take_overs.run_due_take_overs()
    if not javascript:
        page.get_by_text("Look again").click()
    expect(page.get_by_text("contract companies 60")).to_be_visible()
    show(page, f"taken-over-{javascript}")
    page.get_by_label("close here what is closed in Spectrum").check()
    page.get_by_role("button", name="Look into Spectrum").click()
    expect(page.get_by_text("You may leave this page")).to_be_visible()
    assert TakeOver.objects.get().closes
    page.get_by_role("link", name="First steps").click()
    expect(page.get_by_role("navigation", name="Sections").get_by_text("First steps")).to_be_visible()
    show(page, f"first-steps-{javascript}")


def test_running_commitments_are_shown(windows: Windows, contractor: Contractor) -> None:
    counts = {MADE: [1, "1000.00"], PROPOSED: [0, "0.00"], LEFT: [1, "200.00"], HERE: [1, "0.00"]}
    rows = [
        ["Subcontracts", "R-1", "BOLT", LEFT, "Vendor BOLT is not linked", "200.00"],
        ["Subcontracts", "R-2", "ACME", MADE, "", "1000.00"],
    ]
    TakeOver.objects.create(
        connection=Connection.objects.get(),
        kind=TakeOverKind.COMMITMENTS,
        status=TakeOverStatus.SHOWN,
        finished_at="2026-01-02T03:04Z",
        plan={"groups": {"Subcontracts": counts}, "rows": rows},
        shown=["x"],
    )
    inspection = Inspection(windows(contractor.approver))
    inspection.visit(f"/companies/{contractor.company.slug}/erp-integrations/running/")
    expect(inspection.page.get_by_text("Vendor BOLT is not linked")).to_be_visible()
    show(inspection.page, "running")
    inspection.end()
