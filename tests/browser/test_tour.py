"""The whole way of a commitment, from its creator to Spectrum or back again, as each person meets it."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from commitments.models import Commitment
from directory.models import HistoryEntry, User
from erp_integrations.models import ExportJob, JobStatus, Submission, SubmissionStatus
from tests.browser.contractor import ACME, BOLT, CONCRETE, PASSWORD, STEEL, Contractor
from tests.browser.product import Product
from tests.browser.windows import Windows
from tests.processes.running import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]

READY = "Commitments - Ready to Be Exported to Viewpoint® Spectrum®"
SUMMARY = "ERP Integrations Daily Summary"
REASON = "The retainage is 10 per cent in the signed contract."


def sign_in(page: Page, person: User) -> None:
    """Through the front door."""
    page.goto("/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def enter_line(page: Page, number: int, cost_code: str, *, amount: str = "", **figures: str) -> None:
    """Fill in one line of the Schedule of Values."""
    line = page.get_by_role("row").nth(number)
    line.get_by_label("Cost code").fill(cost_code)
    line.get_by_label("Cost type").select_option("S Subcontract")
    line.get_by_label("Description").fill(f"Part {number}")
    if amount:
        line.get_by_label("Amount").fill(amount)
    for label, value in figures.items():
        line.get_by_label(label.replace("_", " ").capitalize(), exact=True).fill(value)


def row(page: Page, number: str) -> Locator:
    """The row of the list that begins with this commitment's number."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=number, exact=True))


def accounting(page: Page) -> Locator:
    """Where a commitment's page says how it stands with accounting."""
    return page.get_by_role("region", name="Accounting")


def badge(page: Page, words: str) -> Locator:
    """The status beside the heading."""
    return page.get_by_role("heading", level=1).get_by_text(words, exact=True)


def follow(link: Locator) -> None:
    """Go where a link of a mail leads, in the same window: the mail catcher would open another."""
    address = link.get_attribute("href")
    assert address
    link.page.goto(address)


def test_the_whole_way_of_two_commitments(contractor: Contractor, product: Product, windows: Windows) -> None:
    creator, admin, approver = windows(), windows(), windows()

    # The creator writes a subcontract, and begins a purchase order.
    sign_in(creator, contractor.creator)
    expect(creator.get_by_role("heading", name="Commitments", exact=True)).to_be_visible()
    creator.get_by_role("link", name="New subcontract").first.click()
    creator.get_by_label("Number").fill("SC-101")
    creator.get_by_label("Contract Company").fill(ACME)
    creator.get_by_label("Title").fill("Concrete works")
    creator.get_by_label("Status").select_option("Approved")
    enter_line(creator, 1, CONCRETE, quantity="12.5", unit="CY", unit_cost="100.10")
    enter_line(creator, 2, STEEL, amount="2,000.00")
    expect(creator.get_by_role("row").nth(1).get_by_label("Amount")).to_have_value("1,251.25")
    expect(creator.locator(".grid-total")).to_contain_text("3,251.25")
    creator.get_by_role("button", name="Create subcontract").click()
    expect(creator.get_by_role("status")).to_contain_text("SC-101 was created.")
    expect(accounting(creator)).to_contain_text("Ask Parker Admin.")
    expect(accounting(creator).get_by_role("button")).to_have_count(0)
    creator.get_by_role("link", name="Library roof").click()
    creator.get_by_role("link", name="New purchase order").click()
    creator.get_by_label("Number").fill("PO-7")
    enter_line(creator, 1, CONCRETE, amount="480")
    creator.get_by_role("button", name="Create purchase order").click()
    expect(badge(creator, "Not sent")).to_be_visible()

    # The project admin reads why the purchase order can't be sent; the creator puts it right.
    sign_in(admin, contractor.project_admin)
    row(admin, "PO-7").get_by_role("link").click()
    expect(admin.get_by_role("button", name="Send to ERP")).to_be_disabled()
    expect(accounting(admin)).to_contain_text("3 issues to resolve")
    for words in ("status", "title", "contract company"):
        expect(
            accounting(admin).get_by_role("listitem").filter(has_text=re.compile(words, re.IGNORECASE)).first
        ).to_be_visible()
    creator.get_by_role("link", name="Edit").click()
    creator.get_by_label("Title").fill("Ready-mix concrete")
    creator.get_by_label("Contract Company").fill(BOLT)
    creator.get_by_label("Status").select_option("Approved")
    creator.get_by_role("button", name="Save changes").click()
    expect(creator.get_by_role("status")).to_contain_text("Changes saved.")
    admin.reload()
    admin.get_by_role("button", name="Send to ERP").click()
    expect(badge(admin, "Awaiting accounting")).to_be_visible()

    # The subcontract is sent, retrieved while nobody has decided, and sent again.
    admin.get_by_role("link", name="Library roof").click()
    row(admin, "SC-101").get_by_role("link").click()
    admin.get_by_role("button", name="Send to ERP").click()
    expect(badge(admin, "Awaiting accounting")).to_be_visible()
    expect(admin.get_by_text("Locked while accounting has it")).to_be_visible()
    expect(admin.get_by_role("link", name="Edit")).to_have_count(0)
    admin.get_by_role("button", name="Retrieve from ERP").click()
    expect(badge(admin, "Retrieved")).to_be_visible()
    expect(admin.get_by_role("link", name="Edit")).to_be_visible()
    admin.get_by_role("button", name="Re-send to ERP").click()
    expect(badge(admin, "Awaiting accounting")).to_be_visible()

    # The approver accepts it, and watches it arrive.
    sign_in(approver, contractor.approver)
    approver.get_by_role("link", name="Overview").click()
    tabs = approver.get_by_role("navigation", name="ERP Integrations")
    tabs.get_by_role("link", name="Commitments").click()
    approver.get_by_role("link", name="Ready to Export").click()
    expect(approver).to_have_title(READY)
    expect(approver.get_by_role("heading", name=READY, exact=True)).to_be_visible()
    approver.evaluate("window.wasNotReloaded = true")
    product.simulator.set_faults({"kind": "slow", "seconds": 1, "times": 1})
    goes_to = row(approver, "SC-101").locator("code").all_text_contents()
    assert len(goes_to) == 2
    row(approver, "SC-101").get_by_role("link", name="Accept SC-101").click()
    box = approver.get_by_role("dialog", name="Accept SC-101")
    expect(box).to_contain_text("Technical names")
    box.get_by_label("Details").fill("As agreed with the owner.")
    box.get_by_role("button", name="Export").click()
    expect(box).to_be_hidden()
    expect(row(approver, "SC-101")).to_contain_text("Exporting")
    assert row(approver, "SC-101").locator("code").all_text_contents() == goes_to
    expect(approver.get_by_role("link", name="Exporting 1")).to_be_visible()
    expect(row(approver, "SC-101")).to_contain_text("Synced")
    expect(row(approver, "SC-101")).to_contain_text("ERP ID SC-101")
    expect(approver.get_by_role("link", name="Exporting", exact=True)).to_be_visible()
    assert approver.evaluate("window.wasNotReloaded") is True
    admin.reload()
    expect(badge(admin, "Synced")).to_be_visible()
    expect(accounting(admin)).to_contain_text("SC-101")

    # The simulator's own page shows it with its lines.
    spectrum = windows()
    spectrum.goto(product.simulator.url)
    spectrum.get_by_role("link", name="SC-101").click()
    expect(spectrum.get_by_role("heading", name="Subcontract SC-101")).to_be_visible()
    expect(spectrum.get_by_role("row", name="0330000")).to_contain_text("1,251.25")
    expect(spectrum.get_by_role("row", name="0510000")).to_contain_text("2,000.00")

    # The purchase order is rejected: it leaves the list, and its creator reads why.
    row(approver, "PO-7").get_by_role("link", name="Reject PO-7").click()
    box = approver.get_by_role("dialog", name="Reject PO-7")
    box.get_by_label("Reason").fill(REASON)
    box.get_by_role("button", name="Reject").click()
    expect(row(approver, "PO-7")).to_have_count(0)
    expect(approver.get_by_role("status").first).to_contain_text("PO-7 is rejected and back with its project")
    assert approver.evaluate("window.wasNotReloaded") is True
    mail = product.mail(to=contractor.creator.email, subject="PO-7")
    creator.goto(product.mail_url)
    caught = creator.get_by_role("row", name=contractor.creator.email)
    caught.get_by_role("link", name=mail["subject"]).click()
    text = creator.get_by_role("region", name="Text part")
    expect(text).to_contain_text(REASON)
    follow(text.get_by_role("link").first)
    expect(creator.get_by_role("heading", name="Edit purchase order PO-7")).to_be_visible()
    expect(creator.get_by_text(REASON)).to_be_visible()
    creator.get_by_label("Default Retainage").fill("10")
    creator.get_by_role("button", name="Save changes").click()
    expect(creator.get_by_role("status")).to_contain_text("Changes saved.")

    # And back to accounting.
    admin.get_by_role("link", name="Library roof").click()
    row(admin, "PO-7").get_by_role("link").click()
    expect(badge(admin, "Rejected")).to_be_visible()
    admin.get_by_role("button", name="Re-send to ERP").click()
    expect(badge(admin, "Awaiting accounting")).to_be_visible()
    approver.get_by_role("link", name="Ready to Export").click()
    expect(row(approver, "PO-7")).to_be_visible()
    expect(row(approver, "SC-101")).to_have_count(0)


def test_the_same_way_without_javascript(contractor: Contractor, product: Product, windows: Windows) -> None:
    creator = windows(contractor.creator, javascript=False)
    creator.goto(contractor.project.get_absolute_url())
    creator.get_by_role("link", name="New subcontract").first.click()
    creator.get_by_label("Number").fill("SC-201")
    creator.get_by_label("Contract Company").fill(ACME)
    creator.get_by_label("Title").fill("Concrete works")
    creator.get_by_label("Status").select_option("Approved")
    enter_line(creator, 1, CONCRETE, quantity="3", unit="CY", unit_cost="99.999")
    creator.get_by_role("button", name="Add a line").click()
    enter_line(creator, 4, STEEL, amount="50")
    creator.get_by_role("button", name="Create subcontract").click()
    expect(creator.get_by_role("status")).to_contain_text("SC-201 was created.")
    contractor.sent("SC-202")

    admin = windows(contractor.project_admin, javascript=False)
    admin.goto(contractor.project.get_absolute_url())
    row(admin, "SC-201").get_by_role("link").click()
    admin.get_by_role("button", name="Send to ERP").click()
    expect(badge(admin, "Awaiting accounting")).to_be_visible()

    approver = windows(contractor.approver, javascript=False)
    approver.goto("/")
    expect(approver).to_have_title(READY)
    row(approver, "SC-201").get_by_role("link", name="Accept SC-201").click()
    approver.get_by_label("Details").fill("As agreed with the owner.")
    approver.get_by_role("button", name="Export").click()
    expect(approver).to_have_title(READY)
    expect(approver.get_by_role("status").first).to_contain_text("SC-201 is being exported to Spectrum.")
    job = ExportJob.objects.get()
    until(lambda: ExportJob.objects.get(pk=job.pk).status == JobStatus.SYNCED, "it is in Spectrum")
    row(approver, "SC-202").get_by_role("link", name="Reject SC-202").click()
    approver.get_by_label("Reason").fill(REASON)
    approver.get_by_role("button", name="Reject").click()
    expect(approver.get_by_text("Nothing is ready to export")).to_be_visible()
    approver.get_by_role("link", name="Synced").click()
    expect(row(approver, "SC-201")).to_contain_text("ERP ID SC-201")
    product.mail(to=contractor.creator.email, subject="SC-202")
    record = product.simulator.record("SC-201")
    assert record
    assert [line["Original_Contract_Amount"] for line in record["lines"]] == ["300.00", "50.00"]


def test_a_viewer_has_nothing_to_press_and_a_forged_decision_is_refused(
    contractor: Contractor, windows: Windows
) -> None:
    submission = contractor.sent("SC-301")
    viewer = windows(contractor.viewer)
    viewer.goto("/")
    expect(viewer).to_have_title(READY)
    expect(row(viewer, "SC-301")).to_contain_text("Awaiting accounting")
    expect(row(viewer, "SC-301").get_by_role("link")).to_have_count(1)
    expect(viewer.get_by_role("main").get_by_role("button")).to_have_count(0)
    expect(viewer.get_by_role("main")).to_contain_text("the privilege Can Push to Accounting")
    answers = viewer.evaluate(
        """async (address) => {
          const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
          const post = (what, fields) => fetch(address + what, {
            method: "POST", body: new URLSearchParams({csrfmiddlewaretoken: token, ...fields}),
          });
          const saw = {expected_version: 0, expected_hash: "0"};
          const accepted = await post("accept/", {...saw, erp_id: "SC-301"});
          const rejected = await post("reject/", {...saw, reason: "Because"});
          return [accepted.status, rejected.status, await rejected.text()];
        }""",
        submission.get_absolute_url(),
    )
    assert answers[:2] == [403, 403]
    assert "Only an accounting approver can do this" in answers[2]
    assert Submission.objects.get().status == SubmissionStatus.AWAITING
    assert HistoryEntry.objects.get(event="right.refused").by_id == contractor.viewer.pk


def test_the_approver_who_comes_second_is_told_who_was_first(
    contractor: Contractor, product: Product, windows: Windows
) -> None:
    contractor.sent("SC-401")
    contractor.sent("SC-402")
    first, second = windows(contractor.approver), windows(contractor.another_approver())
    for page in (first, second):
        page.goto("/")
    row(second, "SC-401").get_by_role("link", name="Accept SC-401").click()
    expect(second.get_by_role("button", name="Export")).to_be_visible()
    for number in ("SC-401", "SC-402"):
        row(first, number).get_by_role("link", name=f"Reject {number}").click()
        first.get_by_label("Reason").fill(REASON)
        first.get_by_role("dialog").get_by_role("button", name="Reject").click()
        expect(row(first, number)).to_have_count(0)

    with second.expect_response(re.compile("accept")) as answered:
        second.get_by_role("button", name="Export").click()
    assert answered.value.status == 409
    box = second.get_by_role("dialog", name="Already decided: SC-401")
    sentence = r"Avery Approver rejected this commitment on .+, so nothing was changed"
    expect(box).to_contain_text(re.compile(sentence))
    box.get_by_role("link", name="Close").click()
    expect(row(second, "SC-401")).to_contain_text("Rejected")
    expect(row(second, "SC-401").get_by_role("link")).to_have_count(1)

    row(second, "SC-402").get_by_role("link", name="Accept SC-402").click()
    expect(second.get_by_role("dialog")).to_contain_text("Rejected by Avery Approver on")
    assert not ExportJob.objects.exists()
    product.mail(to=contractor.creator.email, subject="SC-402")


def test_the_daily_summary_comes_once_and_lists_all_that_waits(
    contractor: Contractor, product: Product, windows: Windows
) -> None:
    # The catcher is one for all tests, and so are these people's addresses.
    approver_had, viewer_had = (
        len(product.mails(to=person.email)) for person in (contractor.approver, contractor.viewer)
    )
    numbers = ["SC-501", "SC-502", "SC-503"]
    for number in numbers:
        contractor.sent(number, f"Part {number}")
    contractor.sent("SC-504", rejected=True, approver=contractor.approver)
    said = [product.manage("send_daily_summaries", "--now") for _ in range(2)]
    assert said == [
        "1 new summary for today.",
        "No new summary: everyone who is due has today's already.",
    ]
    product.mail(to=contractor.approver.email, subject=SUMMARY)
    mails = product.mails(to=contractor.approver.email)
    assert [mail["subject"] for mail in mails[: len(mails) - approver_had]] == [SUMMARY]
    assert len(product.mails(to=contractor.viewer.email)) == viewer_had

    approver = windows(contractor.approver)
    approver.goto(product.mail_url)
    approver.get_by_role("link", name=SUMMARY, exact=True).click()
    text = approver.get_by_role("region", name="Text part")
    for number in numbers:
        expect(text).to_contain_text(f"{number} Part {number}")
    expect(text).not_to_contain_text("SC-504")
    address = product.url + Submission.objects.get(number="SC-502").get_absolute_url()
    follow(text.get_by_role("link", name=address, exact=True))
    expect(approver.get_by_role("heading", name="SC-502 Part SC-502")).to_be_visible()
    assert Commitment.objects.filter(submissions__status=SubmissionStatus.AWAITING).count() == 3
