"""A company of two, a project admin and an accountant who is approver and ERP admin, does its whole work.

Nothing ends in a commitment that nobody may decide: each time the page says who could help, and they do.
"""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from directory.models import CompanyMembership, HistoryEntry, Level, User
from erp_integrations.models import Job, Submission, UnconfirmedChange, Vendor
from tests.browser.contractor import ACME, CONCRETE, STEEL, stored_password
from tests.browser.product import Product
from tests.browser.test_tour import accounting, badge, enter_line, row, sign_in
from tests.browser.windows import Windows
from tests.factories import (
    CompanyFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CostTypeFactory,
    MemberFactory,
    PrivilegeAdminFactory,
    ProjectFactory,
    join_company,
    join_project,
)
from tests.processes.running import until, where_it_is_noon
from tests.simulator import AUTHORIZATION_ID

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]

UNLIKE = "Steelworks of the Bolt family"
REASON = "The steel is 1,500 in the signed contract."


class Pair:
    """Two people, and whoever installed the product for them: staff who may grant."""

    def __init__(self) -> None:
        self.company = CompanyFactory(name="Dunn & Daughter", slug="dunn")
        self.project = ProjectFactory(company=self.company, name="Library roof", number="24-001")
        ConnectionFactory(
            company=self.company,
            name="Spectrum",
            company_code="PHL",
            credentials__authorization_id=AUTHORIZATION_ID,
        )
        for name in (ACME, UNLIKE):
            ContractCompanyFactory(company=self.company, name=name)
        for text in (CONCRETE, STEEL):
            CostCodeFactory(project=self.project, code=text.split()[0], name=text.partition(" ")[2])
        CostTypeFactory(company=self.company)
        told = {"password": stored_password(), "time_zone": where_it_is_noon(), "summary_hour": 23}
        rights = {"erp_integrations_level": Level.ADMIN, "can_push_to_accounting": True}
        self.builder: User = MemberFactory(
            company=self.company, first_name="Dana", last_name="Dunn", email="dana@dunn.example", **told
        )
        self.accountant: User = MemberFactory(
            company=self.company,
            first_name="Abby",
            last_name="Dunn",
            email="abby@dunn.example",
            **rights,
            **told,
        )
        for person in (self.builder, self.accountant):
            join_project(person, self.project, Level.ADMIN)
        self.staff: User = PrivilegeAdminFactory(
            first_name="Sam", last_name="Support", email="sam@host.example", **told
        )
        join_company(self.staff, self.company)


def write(page: Page, number: str, contract_company: str, *, steel: str = "2,000.00") -> None:
    """A subcontract of two lines."""
    page.get_by_role("link", name="New subcontract").first.click()
    page.get_by_label("Number").fill(number)
    page.get_by_label("Contract Company").fill(contract_company)
    page.get_by_label("Title").fill(f"Works of {number}")
    page.get_by_label("Status").select_option("Approved")
    enter_line(page, 1, CONCRETE, amount="1,000.00")
    enter_line(page, 2, STEEL, amount=steel)
    page.get_by_role("button", name="Create subcontract").click()
    expect(page.get_by_role("status")).to_contain_text(f"{number} was created.")


def send(page: Page, button: str = "Send to ERP") -> None:
    page.get_by_role("button", name=button).click()
    expect(badge(page, "Awaiting accounting")).to_be_visible()


def export(page: Page, pair: Pair, number: str) -> None:
    """The accountant accepts it from her list, and sees it arrive."""
    page.goto(reverse("erp_integrations:commitments", args=[pair.company.slug]))
    row(page, number).get_by_role("link", name=f"Accept {number}").click()
    page.get_by_role("dialog").get_by_role("button", name="Export").click()
    expect(row(page, number)).to_contain_text("Synced")


def exempt(page: Page, pair: Pair, number: str) -> None:
    """Staff who may grant, in Django admin."""
    page.goto(reverse("admin:directory_companymembership_changelist"))
    membership = CompanyMembership.objects.get(user=pair.accountant)
    page.locator(f"input[name=_selected_action][value='{membership.pk}']").check()
    page.get_by_label("Action:").select_option("Exempt the selected approver once, for one commitment…")
    page.get_by_role("button", name=re.compile("Go|Run")).click()
    page.get_by_label("Commitment").select_option(str(Submission.objects.undecided().get(number=number).pk))
    page.get_by_label("Reason").fill("There are two people in all.")
    page.get_by_role("button", name="Exempt once").click()
    expect(page.get_by_text("may decide on it once. Everybody concerned has been notified.")).to_be_visible()


def test_a_company_of_two_does_its_whole_work(product: Product, windows: Windows) -> None:
    pair = Pair()
    builder, accountant, staff = windows(), windows(), windows(pair.staff)
    there = product.simulator.records()  # of other tests
    listed = reverse("erp_integrations:commitments", args=[pair.company.slug])
    vendors = reverse("erp_integrations:vendors", args=[pair.company.slug])
    project = pair.project.get_absolute_url()

    # The project admin writes the first one, and reads whom it waits for.
    sign_in(builder, pair.builder)
    builder.goto(project)
    write(builder, "SC-1", ACME)
    expect(accounting(builder)).to_contain_text(f"{ACME} is not linked to a Spectrum vendor.")
    expect(accounting(builder)).to_contain_text("For an ERP Integrations Admin")
    expect(accounting(builder).get_by_role("button", name="Send to ERP")).to_be_disabled()

    # The accountant links firm and project by names that are equal: that needs nobody else.
    until(lambda: Job.objects.exists() and Vendor.objects.exists(), "Spectrum's lists are read")
    sign_in(accountant, pair.accountant)
    accountant.goto(vendors)
    accountant.get_by_role("button", name=f"Link {ACME}").click()
    expect(accountant.get_by_text(f"{ACME} is linked.")).to_be_visible()
    accountant.goto(reverse("erp_integrations:jobs", args=[pair.company.slug]))
    accountant.get_by_role("button", name="Link Library roof").click()
    expect(accountant.get_by_text("Library roof is linked.")).to_be_visible()
    assert not UnconfirmedChange.objects.exists()
    builder.reload()
    send(builder)
    export(accountant, pair, "SC-1")
    builder.reload()
    expect(badge(builder, "Synced")).to_be_visible()

    # A name that is unlike: whoever linked it is barred, and reads who could help.
    builder.goto(project)
    write(builder, "SC-2", UNLIKE)
    accountant.goto(vendors)
    accountant.get_by_role("link", name=f"Choose the vendor of {UNLIKE}").click()
    accountant.get_by_label("Search Spectrum's vendors").fill("Bolt")
    accountant.get_by_label("Search Spectrum's vendors").press("Enter")
    accountant.get_by_role("button", name="Link BOLT").click()
    expect(accountant.get_by_text(f"{UNLIKE} is linked.")).to_be_visible()
    expect(
        accountant.get_by_role("heading", name="Changes that need a second person's confirmation")
    ).to_be_visible()
    builder.reload()
    send(builder)
    accountant.goto(listed)
    expect(row(accountant, "SC-2")).to_contain_text("You changed where this is exported to")
    expect(row(accountant, "SC-2")).to_contain_text("Otherwise Sam Support can exempt you once.")
    expect(row(accountant, "SC-2").get_by_role("link", name="Accept SC-2")).to_have_count(0)
    expect(row(accountant, "SC-2").get_by_role("link", name="Reject SC-2")).to_be_visible()

    # First way out: the operator's command.
    sent = Submission.objects.get(number="SC-2")
    told = ("--person", pair.accountant.email, "--reason", "There are two people in all.")
    said = product.manage("exempt_approver", "--submission", str(sent.pk), *told)
    assert "may decide on" in said
    export(accountant, pair, "SC-2")
    for person in (pair.builder, pair.accountant):
        product.mail(to=person.email, subject="SC-2")

    # Second way out: the project admin as another ERP admin, who confirms what she linked.
    join_company(pair.builder, pair.company, erp_integrations_level=Level.ADMIN)
    builder.goto(vendors)
    builder.get_by_role("checkbox", name=re.compile(UNLIKE)).check()
    builder.get_by_role("button", name="Confirm ticked changes").click()
    expect(
        builder.get_by_role("heading", name="Changes that need a second person's confirmation")
    ).to_have_count(0)
    builder.goto(project)
    write(builder, "SC-3", UNLIKE)
    send(builder)
    export(accountant, pair, "SC-3")

    # Rejected, sent again with other amounts, which both of them are told, and accepted.
    builder.goto(project)
    write(builder, "SC-4", ACME)
    send(builder)
    accountant.goto(listed)
    row(accountant, "SC-4").get_by_role("link", name="Reject SC-4").click()
    dialog = accountant.get_by_role("dialog", name="Reject SC-4")
    dialog.get_by_label("Reason").fill(REASON)
    dialog.get_by_role("button", name="Reject").click()
    expect(row(accountant, "SC-4")).to_have_count(0)
    builder.reload()
    expect(badge(builder, "Rejected")).to_be_visible()
    expect(builder.get_by_text(REASON).first).to_be_visible()
    builder.get_by_role("link", name="Edit").click()
    builder.get_by_role("row").nth(2).get_by_label("Amount").fill("1,500.00")
    builder.get_by_role("button", name="Save changes").click()
    changed = "the total has changed from 3,000.00 to 2,500.00"
    expect(accounting(builder)).to_contain_text(changed)
    send(builder, "Re-send to ERP")
    accountant.goto(listed)
    row(accountant, "SC-4").get_by_role("link", name="Accept SC-4").click()
    expect(accountant.get_by_role("dialog")).to_contain_text(changed)
    expect(accountant.get_by_role("dialog")).to_contain_text("2,000.00, now 1,500.00")
    export(accountant, pair, "SC-4")

    # She corrected one herself, so nobody may decide on it; the row says who can help, and staff do.
    builder.goto(project)
    write(builder, "SC-5", ACME)
    send(builder)
    accountant.goto(project)
    row(accountant, "SC-5").get_by_role("link").click()
    accountant.get_by_role("button", name="Retrieve from ERP").click()
    expect(badge(accountant, "Retrieved")).to_be_visible()
    accountant.get_by_role("link", name="Edit").click()
    accountant.get_by_role("row").nth(2).get_by_label("Amount").fill("1,500.00")
    accountant.get_by_role("button", name="Save changes").click()
    expect(accountant.get_by_role("status")).to_contain_text("Changes saved.")
    builder.reload()
    send(builder, "Re-send to ERP")
    accountant.goto(listed)
    expect(row(accountant, "SC-5")).to_contain_text(
        "Nobody can decide on this now: everybody with Can Push to Accounting was involved in it. In Django "
        "admin, Sam Support can grant Can Push to Accounting to somebody else, or exempt you once."
    )
    exempt(staff, pair, "SC-5")
    for person in (pair.builder, pair.accountant):
        product.mail(to=person.email, subject="SC-5")
    export(accountant, pair, "SC-5")

    # All of it is in Spectrum, once, and the history says by whose hand.
    arrived = [each for each in product.simulator.records() if each not in there]
    amounts = {each["Subcontract_Number"]: each["Original_Amount"] for each in arrived}
    assert amounts == {
        "SC-1": "3000.00",
        "SC-2": "3000.00",
        "SC-3": "3000.00",
        "SC-4": "2500.00",
        "SC-5": "2500.00",
    }
    exempted = HistoryEntry.objects.filter(event="submission.exempted").order_by("pk")
    assert [entry.by_id for entry in exempted] == [None, pair.staff.pk]
    accepted = HistoryEntry.objects.filter(event="submission.accepted")
    assert set(accepted.values_list("by_id", flat=True)) == {pair.accountant.pk}
