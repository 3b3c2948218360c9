"""What public owners write, and what is copied out, is equal to the cent when it is pasted (tests/data)."""

import csv
import random
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from commitments.figures import to_the_cent
from commitments.models import LineItem
from tests.browser.contractor import Contractor
from tests.browser.test_pasting import line, page, paste, press
from tests.clients import signed_in
from tests.commitments.posting import entry
from tests.commitments.test_line_grid import FIGURES

__all__ = ["page"]

pytestmark = pytest.mark.django_db(transaction=True)

DATA = Path(__file__).parent.parent / "data"
TABLES = 120
SIX = "billing_item description quantity unit_of_measure unit_cost amount"
OWNERS = {
    "indiana": (36, Decimal("506332.84"), SIX, []),
    "portland": (53, Decimal("9919824.16"), SIX, []),
    # "US SHORT TON" is longer than any unit of Spectrum.
    "san-francisco": (
        51,
        Decimal("3941885.60"),
        "billing_item description unit_of_measure quantity unit_cost",
        ["Over 10 characters"] * 4,
    ),
}


def expect_saved(count: int, total: Decimal) -> None:
    amounts = LineItem.objects.values_list("amount", flat=True)
    assert (len(amounts), sum(filter(None, amounts))) == (count, total)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_schedule_of_a_public_owner_is_pasted(page: Page, owner: str) -> None:
    count, total, names, in_the_way = OWNERS[owner]
    paste(page, (DATA / f"{owner}.tsv").read_text())
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_have_text(f"{count} lines, {total:,.2f} in all")
    columns = dialog.locator("select").evaluate_all("(all) => all.map((each) => each.value)")
    assert columns == names.split()
    assert dialog.locator(".tag").all_inner_texts() == in_the_way
    press(page, "Insert")
    expect(page.locator("[data-total]")).to_have_text(f"{total:,.2f}")
    units = page.locator("[name$=-unit_of_measure]").evaluate_all("(all) => all.map((each) => each.value)")
    for number, unit in enumerate(units, start=1):
        if len(unit) > 10:
            line(page, number).get_by_label("Unit", exact=True).fill("TON")
    press(page, "Create subcontract")
    expect(page.get_by_text("was created")).to_be_visible()
    expect_saved(count, total)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_schedule_of_a_public_owner_is_typed(contractor: Contractor, owner: str) -> None:
    count, total, names, _ = OWNERS[owner]
    text = StringIO((DATA / f"{owner}.tsv").read_text().replace("US SHORT TON", "TON"))
    rows = [row for row in csv.reader(text, delimiter="\t") if len(list(filter(None, row))) > 4]
    lines = [
        {name: " ".join(typed.split()) for name, typed in zip(names.split(), row, strict=True)}
        for row in rows[1:]
    ]
    client = signed_in(contractor.creator)
    answer = client.post(f"{contractor.project.get_absolute_url()}new/?kind=subcontract", entry(*lines))
    assert answer.status_code == 302
    expect_saved(count, total)


def write(lot: random.Random, value: Decimal) -> str:
    """As some people write it."""
    size = lot.choice(["", "$", "$ "]) + (f"{abs(value):,f}" if lot.random() < 0.5 else f"{abs(value):f}")
    return lot.choice([f"({size})", f"-{size}", f"{size}-"]) if value < 0 else lot.choice(["", " "]) + size


def build_table(lot: random.Random) -> tuple[list[dict[str, Any]], str]:
    """Lines, and the table that says so, with its columns in any order."""
    lines: list[dict[str, Any]] = []
    for _ in range(lot.randint(1, 6)):
        words = lot.choices(['6" pipe', "a, b", '"all"', "<b>", "1,25", "0012", "(x)", "Übung"], k=3)
        each: dict[str, Any] = {
            "description": " ".join(words),
            "unit_of_measure": lot.choice(["EA", "", '"']),
        }
        for name, field in FIGURES.items():
            size = 10 ** lot.randint(1, field.whole // 2)
            each[name] = Decimal(lot.randint(-size, size)) / 10 ** lot.randint(0, field.decimals)
        lines.append(each | ({"amount": None} if lot.random() < 0.3 else {}))
    names = lot.sample(list(lines[0]), len(lines[0]))
    text = StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\r\n")
    table.writerow(name.replace("_", " ").title() for name in names)
    for each in lines:
        values = (each[name] for name in names)
        table.writerow(write(lot, value) if isinstance(value, Decimal) else value or "" for value in values)
        if each["amount"] is None:
            each["amount"] = to_the_cent(each["quantity"] * each["unit_cost"])
    return lines, text.getvalue()


# Pastes each table, copies the lines out and pastes those; the lines as they stand then, each time.
ROUND_TRIPS = """async (tables) => {
  let copied;
  navigator.clipboard.writeText = (text) => { copied = text; return Promise.resolve(); };
  const grid = document.querySelector("[data-line-grid]");
  const dialog = document.getElementById("dialog");
  const read = (tr) => Object.fromEntries([...tr.querySelectorAll("[data-field]")].map(
    (td) => [td.dataset.field, td.querySelector("input, select").value],
  ));
  const insert = async (text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    const control = grid.querySelector("tbody [data-field=description] input");
    control.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    const closed = new Promise((done) => dialog.addEventListener("close", done, { once: true }));
    dialog.querySelector("form [type=submit]").click();
    await closed;
    const lines = [...grid.querySelectorAll("tbody tr")].map(read);
    grid.querySelector("[data-copy-lines]").click();
    grid.querySelector("[data-undo]").click();
    return lines.filter((line) => Object.values(line).some(Boolean));
  };
  const results = [];
  for (const text of tables) results.push([await insert(text), await insert(copied)]);
  return results;
}"""


def test_what_is_copied_out_and_pasted_again_is_equal_to_the_cent(page: Page) -> None:
    lot = random.Random(17)
    tables = [build_table(lot) for _ in range(TABLES)]
    results = page.evaluate(ROUND_TRIPS, [text for _, text in tables])
    for (lines, text), (pasted, again) in zip(tables, results, strict=True):
        assert again == pasted, text
        understood = [
            {name: FIGURES[name].clean(shown) if name in FIGURES else shown for name, shown in each.items()}
            for each in pasted
        ]
        assert understood == [{**dict.fromkeys(pasted[0], ""), **each} for each in lines], text
