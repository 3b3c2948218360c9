"""Every page by WCAG 2.2 AA as far as axe can judge it: light and dark, on a desk and on a phone.

Each page is judged twice: on a light desk and a dark phone, and the next one on a dark desk and a
light phone. What pages are made of is on many of them, and so is judged in all four. The window
itself fails a test for an error in the console, a breach of the Content-Security-Policy, or a part
of the page that is not there.
"""

from collections.abc import Sequence
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from directory.models import CompanyMembership, Level, User
from directory.rights.memberships import grant_push_to_accounting
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    ConnectionState,
    MastersPull,
    Submission,
    SyncStatus,
)
from erp_integrations.pages.submission_list import FILTERS
from tests.browser.contractor import ACME, NEWCOMER, Contractor
from tests.browser.windows import Windows
from tests.directory.signing_in import PASSWORD, turn_on_two_step
from tests.factories import (
    ErpAdminFactory,
    ExportJobFactory,
    PersonFactory,
    ProjectFactory,
    have_been_read,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db(transaction=True)

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
DESK, PHONE = 1280, 390
# Without preload: axe would copy style sheets into the page, which the page's policy refuses.
ASK_AXE = """async ([rules, ignored]) => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  const moving = document.getAnimations().filter((each) => each instanceof CSSTransition);
  await Promise.allSettled(moving.map((each) => each.finished));
  await frame();
  const options = {runOnly: rules, resultTypes: ["violations"], preload: false};
  const found = await axe.run({include: [["html"]], exclude: ignored}, options);
  const words = (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.html}`);
  return found.violations.flatMap(words);
}"""
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Inspection:
    """Goes from page to page and gathers what is wrong, so that one run tells all of it."""

    def __init__(self, page: Page, *, ignored: Sequence[str] = ()) -> None:
        self.page = page
        self.faults: list[str] = []
        self._ignored = [[selector] for selector in ignored]
        self._looks = 0

    def visit(self, *paths: str) -> None:
        """Open each page and look at it."""
        for path in paths:
            self.page.goto(path)
            self.look(path)

    def look(self, name: str) -> None:
        """Judge the page as it stands."""
        self.page.evaluate(AXE_SCRIPT)
        # In turn, and the first as the page was opened: setting the window costs as much as judging.
        self._looks += 1
        for width in (DESK, PHONE) if self._looks % 2 else (PHONE, DESK):
            scheme: Literal["light", "dark"] = "light" if (width == DESK) == (self._looks % 4 < 2) else "dark"
            self._judge(f"{name}, {width} px, {scheme}", width, scheme)

    def _judge(self, name: str, width: int, scheme: Literal["light", "dark"]) -> None:
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme=scheme)
        self.faults += [f"{name}: {fault}" for fault in self.page.evaluate(ASK_AXE, [RULES, self._ignored])]
        if self.page.evaluate(TOO_WIDE):
            self.faults.append(f"{name}: wider than the window")

    def end(self) -> None:
        """Say all that was found."""
        assert not self.faults, "\n".join(self.faults)


def test_the_way_in(windows: Windows, contractor: Contractor) -> None:
    inspection = Inspection(windows())
    page = inspection.page
    inspection.visit("/accounts/login/")
    page.get_by_label("Email").fill(contractor.creator.email)
    page.get_by_label("Password").fill("something else")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    inspection.look("sign-in refused")
    inspection.visit("/accounts/password/reset/", "/accounts/signup/", "/nothing/")
    inspection.end()


def test_how_a_person_signs_in(windows: Windows, contractor: Contractor) -> None:
    person = contractor.creator
    person.set_password(PASSWORD)
    person.save()
    inspection = Inspection(windows(person))
    page = inspection.page
    inspection.visit("/accounts/two-step/", "/accounts/two-step/totp/activate/", "/accounts/sessions/")
    turn_on_two_step(person)
    inspection.visit("/accounts/two-step/", "/accounts/two-step/recovery-codes/")
    inspection.visit("/accounts/two-step/recovery-codes/generate/", "/accounts/two-step/totp/deactivate/")
    inspection.visit("/accounts/reauthenticate/", "/accounts/two-step/reauthenticate/")
    inspection.page = page = windows()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    inspection.look("the code")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    inspection.look("a wrong code")
    inspection.end()


def test_what_a_person_has_anywhere(windows: Windows, contractor: Contractor) -> None:
    person = contractor.project_admin
    join_company(person, contractor.company, erp_integrations_level=Level.READ_ONLY)
    with transaction.atomic():
        contractor.sent("SC-1")
        ExportJobFactory(failed=True, submission=accepted(contractor, "SC-2"))
    elsewhere = ProjectFactory(name="Fire station", number="24-002")
    join_company(person, elsewhere.company, erp_integrations_level=Level.READ_ONLY)
    join_project(person, elsewhere, Level.READ_ONLY)
    inspection = Inspection(windows(person))
    page = inspection.page
    inspection.visit("/", "/projects/", elsewhere.get_absolute_url())
    inspection.visit(*(f"/accounts/{path}/" for path in ("profile", "password/change", "logout")))
    page.goto("/")
    page.get_by_label("Your account: Parker Admin").click()
    inspection.look("the person's menu")
    page.route("**/broken/", broken)
    inspection.visit("/broken/")
    inspection.page = windows(PersonFactory())
    inspection.visit("/", "/projects/")
    inspection.end()


def broken(route: Route) -> None:
    """The page that the product shows when it fails, which no address leads to."""
    route.fulfill(status=500, content_type="text/html", body=render_to_string("500.html"))


def test_the_commitments_tool(windows: Windows, contractor: Contractor) -> None:
    draft = contractor.commitment("SC-1", approved=False, contract_company=contractor.vendors[NEWCOMER])
    with transaction.atomic():
        sent = [
            contractor.sent("SC-2"),
            contractor.sent("SC-3", rejected=True, approver=contractor.approver),
            ExportJobFactory(synced=True, submission=accepted(contractor, "SC-4")).submission,
            ExportJobFactory(unknown=True, submission=accepted(contractor, "SC-5")).submission,
        ]
    rejected, synced = sent[1].commitment, sent[2].commitment
    tool = contractor.project.get_absolute_url()
    inspection = Inspection(windows(contractor.project_admin))
    page = inspection.page
    inspection.visit(tool, f"{tool}?search=nothing", draft.get_absolute_url())
    inspection.visit(*(submission.commitment.get_absolute_url() for submission in sent))
    file = {"name": f"{'Contract' * 18}.pdf", "size": 1, "sha256": "0" * 64, "stored_as": "lost"}
    draft.attachments.create(**file, added_by=contractor.creator)
    inspection.visit(draft.get_absolute_url(), f"{tool}send-to-erp/?id={draft.pk}&id={rejected.pk}")
    inspection.visit(f"{tool}cost-codes/{contractor.cost_codes[0].pk}/merge/?q=")
    inspection.visit(f"{tool}cost-codes/", f"{tool}?sort=-amount&status=approved&from=1", f"{tool}?from=much")
    inspection.visit(f"{tool}new/?kind=purchase_order", f"{rejected.get_absolute_url()}edit/")
    page.get_by_label("Default Retainage").fill("a tenth")
    page.get_by_role("row").nth(1).get_by_label("Cost code").fill("no such code")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved: 2 entries need correction")
    inspection.look("a form with errors")
    inspection.visit(f"{synced.get_absolute_url()}edit/", f"{draft.get_absolute_url()}delete/")
    inspection.page = windows(contractor.creator)
    inspection.visit(draft.get_absolute_url())
    inspection.end()


def test_the_erp_integrations_tool(windows: Windows, contractor: Contractor) -> None:
    with transaction.atomic():
        awaiting = contractor.sent("SC-1", "Concrete and a title that is longer than what Spectrum takes")
        contractor.sent("SC-1", kind="purchase_order")  # has the number that the first one will take
        blocked = contractor.sent("SC-2024-000117")
        rejected = contractor.sent("SC-3", rejected=True, approver=contractor.approver)
        situations = ("exporting", "failed", "incomplete", "unknown", "synced")
        jobs = [
            ExportJobFactory(submission=accepted(contractor, f"SC-1{number}"), **{situation: True})
            for number, situation in enumerate(situations)
        ]
    tool = f"/companies/{contractor.company.slug}/erp-integrations/"
    inspection = Inspection(windows(contractor.approver))
    inspection.visit(tool, *(f"{tool}commitments/?view={view}" for view in FILTERS))
    inspection.visit(f"{tool}commitments/?q=nothing", f"{tool}commitments/?view=no-such-filter")
    submissions = [awaiting, blocked, rejected, *(job.submission for job in jobs)]
    inspection.visit(*(submission.get_absolute_url() for submission in submissions))
    boxes = [f"{awaiting.get_absolute_url()}{box}/" for box in ("accept", "reject")]
    inspection.visit(*boxes, f"{blocked.get_absolute_url()}accept/", f"{rejected.get_absolute_url()}reject/")
    inspection.visit(f"{jobs[1].submission.get_absolute_url()}accept/")
    inspection.visit(
        f"{jobs[2].submission.get_absolute_url()}resume/", f"{jobs[3].submission.get_absolute_url()}resolve/"
    )
    inspection.end()


def test_the_settings_of_connections(windows: Windows, contractor: Contractor) -> None:
    connection = contractor.company.connections.get()
    Connection.objects.filter(pk=connection.pk).update(client_id="ledgergate")
    ConnectionCredentials.objects.filter(pk=connection.pk).update(
        client_secret_expires_on=timezone.now().date()
    )
    ConnectionState.objects.filter(pk=connection.pk).update(
        awaits_probe=True,
        can_adopt=True,
        not_before=timezone.now(),
        fault="Spectrum's description of UpdateSubcontract has changed: its elements have another order "
        "or namespace now.",
    )
    page = windows(ErpAdminFactory(company=contractor.company))
    tool = f"/companies/{contractor.company.slug}/erp-integrations/settings/"
    inspection = Inspection(page)
    inspection.visit(tool, f"{tool}{connection.pk}/")
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("button", name="Save settings").click()
    inspection.look("settings that are not saved")
    history = f"/companies/{contractor.company.slug}/erp-integrations/history/"
    inspection.visit(history, f"{history}?event=settings", f"{history}?q=nothing+like+it")
    inspection.end()


def test_the_boxes_in_place(windows: Windows, contractor: Contractor) -> None:
    contractor.sent("SC-1")
    inspection = Inspection(windows(contractor.approver))
    page = inspection.page
    page.goto("/")
    page.get_by_role("link", name="Accept SC-1").click()
    expect(page.get_by_role("button", name="Export")).to_be_visible()
    inspection.look("the Accept dialog")
    page.get_by_label("ERP ID").fill(" ")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    inspection.look("the Accept dialog with an error")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Reject SC-1").click()
    page.get_by_label("Reason").fill(" ")
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    inspection.look("the Reject box with an error")
    inspection.end()


def test_what_somebody_sees_who_may_only_look(windows: Windows, contractor: Contractor) -> None:
    submission = contractor.sent("SC-1")
    inspection = Inspection(windows(contractor.viewer))
    inspection.visit("/", submission.get_absolute_url(), f"{submission.get_absolute_url()}accept/")
    expect(inspection.page.get_by_role("heading", name="You can't do this")).to_be_visible()
    inspection.end()


def test_where_the_privilege_is_granted(
    windows: Windows, contractor: Contractor, administrator: User
) -> None:
    membership = CompanyMembership.objects.get(user=contractor.viewer)
    grant_push_to_accounting(membership=membership, by=administrator, reason="Joins accounting")
    inspection = Inspection(windows(administrator))
    inspection.visit(f"/admin/directory/companymembership/{membership.pk}/change/")
    inspection.end()


@pytest.fixture
def administrator() -> User:
    """Who may do everything in Django admin."""
    person: User = PersonFactory(is_staff=True, is_superuser=True)
    return person


def accepted(contractor: Contractor, number: str) -> Submission:
    """Sent, and accepted by the approver."""
    return contractor.sent(number, accepted=True, approver=contractor.approver)


def test_the_links_of_the_erp_integrations_tool(windows: Windows, contractor: Contractor) -> None:
    connection = Connection.objects.get()
    with transaction.atomic():
        have_been_read(
            connection,
            vendors={"ACME": ACME, "BOLT": "-", "NEWCOMER": NEWCOMER},
            jobs={"24-001": {("0330000", "S"): "C"}},
        )
        contractor.commitment("SC-1", contract_company=contractor.vendors[NEWCOMER])
        alone = ProjectFactory(company=contractor.company, name="Fire station", number="24-002")
        contractor.commitment("SC-2", project=alone)
    tool = f"/companies/{contractor.company.slug}/erp-integrations/"
    newcomer = contractor.vendors[NEWCOMER]
    inspection = Inspection(windows(ErpAdminFactory(company=contractor.company)))
    page = inspection.page
    inspection.visit(
        *(f"{tool}{name}/?view={view}" for name in ("vendors", "jobs") for view in ("all", "not-linked"))
    )
    inspection.visit(f"{tool}vendors/same-names/", f"{tool}jobs/{alone.pk}/?q=24", f"{tool}cost-codes/")
    page.goto(f"{tool}vendors/{newcomer.pk}/")
    page.get_by_label("Or enter the vendor's code").fill("NOBODY")
    page.get_by_role("button", name="Link", exact=True).last.click()
    expect(page.get_by_role("alert")).to_contain_text("has no vendor NOBODY")
    inspection.look("a link that was refused")
    MastersPull.objects.update(
        status=SyncStatus.FAILED, problem="The vendors could not be synced: no answer."
    )
    inspection.visit(f"{tool}vendors/?q=nothing")
    companies = f"/companies/{contractor.company.slug}/contract-companies/"
    inspection.page.goto(companies)
    page.get_by_label("Names, one a line").fill(f"Name\n{'x' * 201}\nA, Inc.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Row 2: Name: At most 200 characters fit")
    inspection.look("rows that were refused")
    one = f"{companies}{newcomer.pk}/"
    inspection.visit(companies, one, f"{one}merge/?q=", f"{one}merge/?into={contractor.vendors[ACME].pk}")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text(f"{NEWCOMER} was merged into {ACME}.")).to_be_visible()
    inspection.look("one that others were merged into")
    inspection.page = windows(contractor.viewer)
    inspection.visit(f"{tool}vendors/", f"{tool}jobs/", companies)
    inspection.end()
