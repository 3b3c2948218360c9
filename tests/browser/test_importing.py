"""A file is brought in, with and without scripts, on a desk and on a phone."""

import os
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from commitments.models import Commitment, Import
from tests.browser.contractor import ACME, CONCRETE, Contractor
from tests.browser.test_accessibility import ASK_AXE, DESK, PHONE, RULES, TOO_WIDE
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)

PICTURES = os.environ.get("IMPORT_PICTURES")


def judge(page: Page, name: str) -> None:
    page.evaluate(AXE_SCRIPT)
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(ASK_AXE, [RULES, []]) == []
            assert not page.evaluate(TOO_WIDE)
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_is_brought_in(
    windows: Windows, contractor: Contractor, tmp_path: Path, scripts: bool
) -> None:
    file = tmp_path / "last-year.csv"
    file.write_text(
        "Subcontracts of last year,,,,\nContract No.,Vendor,Cost code,Scope,Amount\n"
        f'IM-1,"{ACME}",{CONCRETE},Walls,$1.50\nIM-2,Nobody,{CONCRETE},Roof,2.00\nTotal,,,,3.50\n'
    )
    page = windows(contractor.creator, javascript=scripts)
    page.goto(contractor.project.get_absolute_url())
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("File", exact=True).set_input_files(file)
    if scripts:
        judge(page, "start")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("The headings are in row 2")).to_be_visible()
    expect(page.get_by_label("Scope")).to_have_value("title")
    page.get_by_label("Project of rows that name none").select_option(label=contractor.project.name)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("alert")).to_contain_text("Row 4, Contract Company (column B): Nobody")
    if scripts:
        judge(page, "problems")
    page.get_by_role("button", name="Remove the file").click()
    file.write_text(file.read_text().replace("Nobody", f'"{ACME}"'))
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Scope")).to_have_value("title")
    page.get_by_label("Project of rows that name none").select_option(label=contractor.project.name)
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Rehearse against Spectrum").click()
    expect(page.get_by_text("written 0")).to_be_visible()
    if scripts:
        judge(page, "rehearsal")
    page.get_by_role("button", name="Import 2").click()
    expect(page.get_by_role("heading", name="What was imported")).to_be_visible()
    assert Commitment.objects.filter(number__startswith="IM-", status="draft").count() == 2
    if scripts:
        judge(page, "done")
        Import.objects.update(
            state="checking", content=b"x", progress=12_000, lease_until="2099-01-01T00:00Z"
        )
        page.reload()
        judge(page, "working")
