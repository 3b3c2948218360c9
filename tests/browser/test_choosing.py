"""Vendors and phases are searched where they are typed, and only what can be booked is offered."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.utils import timezone
from playwright.sync_api import Page, expect

from commitments.models import Commitment
from erp_integrations.models import Job, Phase, VendorLink
from tests.browser.contractor import ACME, BOLT, CONCRETE, STEEL, Contractor
from tests.browser.test_accessibility import ASK_AXE, DESK, PHONE, RULES, TOO_WIDE
from tests.browser.windows import Windows
from tests.factories import ContractCompanyFactory, CostTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(contractor: Contractor, windows: Windows) -> Page:
    for number in range(50):
        ContractCompanyFactory(company=contractor.company, name=f"Vendor {number:02}")
    page = windows(contractor.creator)
    page.goto(f"{contractor.project.get_absolute_url()}new/")
    return page


def test_a_vendor_is_searched_by_name_and_code(page: Page, contractor: Contractor) -> None:
    options = page.locator("#vendors option")
    vendor = page.get_by_role("combobox", name="Contract Company")
    vendor.focus()
    expect(options).to_have_count(20)
    vendor.press_sequentially(ACME[:4].lower())
    expect(options).to_have_count(1)
    expect(options).to_have_attribute("value", ACME)
    code = VendorLink.objects.get(contract_company=contractor.vendors[BOLT]).vendor_code
    vendor.fill("")
    vendor.press_sequentially(code)
    expect(options.first).to_have_attribute("value", BOLT)
    expect(options.first).to_have_text(code)
    page.get_by_label("Number").fill("SC-9")
    page.get_by_role("button", name="Create subcontract").click()
    expect(page.get_by_text("SC-9 was created.")).to_be_visible()
    assert Commitment.objects.get(number="SC-9").contract_company == contractor.vendors[BOLT]


def test_the_cost_type_follows_the_phase(page: Page, contractor: Contractor) -> None:
    CostTypeFactory(company=contractor.company, code="M", name="Material")
    now = timezone.now()
    seen = {"seen_at": now, "connection": VendorLink.objects.all()[0].connection}
    job = Job.objects.create(number="24-001", phases_seen_at=now, **seen)
    for code, cost_type, status in (("0330000", "M", "A"), ("0330000", "S", "C"), ("0510000", "S", "C")):
        Phase.objects.create(job=job, code=code, cost_type=cost_type, status=status, seen_at=now)
    page.reload()
    expect(page.locator("#cost-codes option")).to_have_count(1)
    first = page.locator(".grid tbody tr").first
    select = first.get_by_label("Cost type")
    first.get_by_label("Cost code").fill(CONCRETE)
    first.get_by_label("Description").focus()
    expect(select.locator("option:checked")).to_have_text("M Material")
    hidden = "(all) => all.filter((each) => each.hidden).map((each) => each.value && each.text[0])"
    assert select.locator("option").evaluate_all(hidden) == ["S"]
    first.get_by_label("Cost code").fill(STEEL)
    select.focus()
    assert select.locator("option").evaluate_all(hidden) == []
    page.get_by_role("button", name="Create subcontract").click()
    page.get_by_role("link", name="Edit").first.click()
    expect(first).to_contain_text("Not on the job in Spectrum")
    select.select_option(label=select.locator("option").nth(2).inner_text())
    expect(first).not_to_contain_text("in Spectrum")


def test_the_form_is_accessible_and_narrow_enough(page: Page) -> None:
    page.get_by_label("Contract Company").fill("Vendor")
    page.get_by_role("button", name="Create subcontract").click()
    expect(page.get_by_role("alert")).to_contain_text("Close to it: Vendor 00")
    page.evaluate(AXE_SCRIPT)
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(ASK_AXE, [RULES, []]) == []
        assert not page.evaluate(TOO_WIDE)
