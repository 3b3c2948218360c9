"""Lines from a spreadsheet into the Schedule of Values, and out of it again."""

from decimal import Decimal
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, expect

from commitments.models import Commitment, LineItem
from tests.browser.contractor import CONCRETE, STEEL, Contractor
from tests.browser.test_accessibility import ASK_AXE, DESK, PHONE, RULES, TOO_WIDE
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)

# A paste as the browser gives it to the page.
PASTE = """(control, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  control.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def commitment(contractor: Contractor) -> Commitment:
    return contractor.commitment("SC-1", approved=False)


@pytest.fixture
def page(contractor: Contractor, windows: Windows) -> Page:
    """The form of a new commitment."""
    page = windows(contractor.creator)
    page.goto(f"{contractor.project.get_absolute_url()}new/?kind=subcontract")
    page.get_by_label("Number").fill("SC-9")
    return page


def line(page: Page, number: int) -> Locator:
    return page.locator(".grid tbody tr").nth(number - 1)


def paste(page: Page, text: str, *, at: int = 1, label: str = "Cost code") -> None:
    control = line(page, at).get_by_label(label, exact=True)
    control.focus()
    control.evaluate(PASTE, text)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def rows(page: Page) -> list[list[str]]:
    """The dialog's lines, as they are read."""
    return [
        [cell.strip() for cell in row.locator("th, td").all_inner_texts()]
        for row in page.get_by_role("dialog").locator("tbody tr").all()
    ]


def values(page: Page) -> list[list[str]]:
    """Those of the grid's lines that are not blank."""
    read = """(trs) => trs.map((tr) => [...tr.querySelectorAll("[data-field] :is(input, select)")].map(
      (each) => (each.selectedOptions?.[0].text ?? each.value)))"""
    found: list[list[str]] = page.locator(".grid tbody tr").evaluate_all(read)
    return [each for each in found if any(each)]


def line_ids(page: Page) -> list[str]:
    """Each line's identity, blank where it is new."""
    found: list[str] = page.locator("[name$=-line_id]").evaluate_all("(all) => all.map((each) => each.value)")
    return found


def saved() -> list[tuple[str, Decimal | None, str, Decimal | None, Decimal | None]]:
    found = LineItem.objects.filter(commitment__number="SC-9").order_by("position")
    return [
        (each.description, each.quantity, each.unit_of_measure, each.unit_cost, each.amount) for each in found
    ]


def test_rows_under_headings_are_shown_inserted_and_saved_to_the_cent(page: Page) -> None:
    paste(
        page,
        "Description\tPhase\tQty\tU/M\tUnit price\tExtended\tRemark\r\n"
        '"Footings,\nNorth ""A"""\t03-30000\t10\tCY\t$1,250.005\t$12,500.05\tlate\r\n'
        f"\t\t\t\t\t\t\r\nColumns\t{STEEL}\t\t\t\t(1,000.00)\t\r\n"
        "Total\t\t\t\t\t11,500.05\t\r\n",
    )
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_have_text("2 lines, 11,500.05 in all")
    expect(dialog).to_contain_text("1 blank row left out.")
    assert [row[0].split("\n")[0] for row in rows(page)] == ["1", "2", "Left out"]
    expect(dialog.get_by_label("Remark goes into")).to_have_value("")
    expect(line(page, 1).get_by_label("Description")).to_have_value("")
    press(page, "Insert")
    expect(page.get_by_text("2 lines pasted.")).to_be_visible()
    expect(page.locator("[data-total]")).to_have_text("11,500.05")
    press(page, "Create subcontract")
    expect(page.get_by_text("SC-9 was created.")).to_be_visible()
    assert saved() == [
        ('Footings, North "A"', Decimal(10), "CY", Decimal("1250.005"), Decimal("12500.05")),
        ("Columns", None, "", None, Decimal(-1000)),
    ]


def test_without_headings_columns_go_by_their_content_from_the_cell_on(page: Page) -> None:
    paste(page, "Footings\t10\tCY\t1250.00\nColumns\t3\tEA\t99.995\n", label="Description")
    assert rows(page) == [
        ["1", "Footings", "10", "CY", "1250.00", "12,500.00"],
        ["2", "Columns", "3", "EA", "99.995", "299.99"],
    ]
    press(page, "Insert")
    expect(page.locator("[data-total]")).to_have_text("12,799.99")
    assert [each[3:] for each in values(page)] == [
        ["Footings", "10", "CY", "1,250.00", "12,500.00"],
        ["Columns", "3", "EA", "99.995", "299.99"],
    ]


@pytest.mark.parametrize(
    ("label", "row", "fields"),
    [
        ("Cost code", "03-30000\tConcrete\tS\t$ 100.00", "cost_code description cost_type amount"),
        ("Cost code", "Widgets\t10\tEA\t1.005", "description quantity unit_of_measure unit_cost"),
        ("Cost code", "Widgets\t\t12,5", "description  amount"),
        ("Billing item", "1\tMobilization\t(5,000.00)", "billing_item description amount"),
        ("Quantity", "4\t8\t32", "quantity unit_cost amount"),
    ],
)
def test_what_a_column_is_taken_for(page: Page, label: str, row: str, fields: str) -> None:
    paste(page, f"{row}\n{row}", label=label)
    chosen = (
        page.get_by_role("dialog").locator("select").evaluate_all("(all) => all.map((each) => each.value)")
    )
    assert " ".join(chosen) == fields


def test_another_column_can_be_chosen(page: Page) -> None:
    paste(page, f"{CONCRETE}\t600\n{STEEL}\t250")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Column 2 goes into")).to_have_value("amount")
    dialog.get_by_label("Column 2 goes into").select_option("Quantity")
    expect(dialog.get_by_role("status")).to_have_text("2 lines, 0.00 in all")
    dialog.get_by_label("Column 1 goes into").select_option("Description")
    dialog.get_by_label("Column 2 goes into").select_option("Description")
    expect(dialog.get_by_label("Column 1 goes into")).to_have_value("")


def test_what_is_not_understood_is_marked_and_lands_as_it_was_written(page: Page) -> None:
    paste(page, "Cost code\tCost type\tAmount\n99-1\tMagic\t12,5\n03-30000\tS\t1.005\nTotal\t\t7")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("5 entries marked")
    assert rows(page)[0] == ["1", "99-1 Not in the list", "Magic Not in the list", "12,5 Not understood"]
    assert rows(page)[1][3] == "1.005 Too many decimals"
    expect(dialog).to_contain_text("Not the sum above")
    press(page, "Insert")
    press(page, "Create subcontract")
    problems = page.get_by_role("alert")
    expect(problems).to_contain_text("This project has no cost code 99-1")
    expect(problems).to_contain_text("Choose a cost type from the list")
    expect(problems).to_contain_text("Enter a number such as")
    expect(line(page, 1).get_by_label("Amount")).to_have_value("12,5")


def test_500_rows_are_pasted_undone_and_saved_to_the_cent(
    contractor: Contractor, commitment: Commitment, windows: Windows
) -> None:
    page = windows(contractor.creator)
    page.goto(f"{commitment.get_absolute_url()}edit/")
    before = values(page)
    ids = line_ids(page)
    pasted = "\n".join(f"03-30000\tRow {number}\t2\tEA\t{number}.01" for number in range(1, 501))
    paste(page, pasted)
    press(page, "Insert")
    expect(page.get_by_text("500 lines pasted.")).to_be_visible()
    after = values(page)
    assert [after[0], after[-1]] == before
    assert [after[1][3], after[500][3]] == ["Row 1", "Row 500"]
    press(page, "Undo")
    assert values(page) == before
    paste(page, pasted)
    press(page, "Insert")
    press(page, "Save changes")
    expect(page.get_by_text("Changes saved.")).to_be_visible()
    lines = list(commitment.lines.order_by("position"))
    assert len(lines) == 502
    assert [str(each.line_id) for each in (lines[0], lines[-1])] == ids[:2]
    assert sum(each.amount or 0 for each in lines[1:501]) == Decimal("250510.00")


def test_one_cell_is_pasted_as_ever(page: Page) -> None:
    paste(page, "just words\r\n", label="Description")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_an_amount_typed_by_hand_stays(page: Page) -> None:
    first = line(page, 1)
    first.get_by_label("Quantity").fill("10")
    first.get_by_label("Unit cost").fill("62.833")
    expect(first.get_by_label("Amount")).to_have_value("628.33")
    first.get_by_label("Unit cost").fill("6")
    expect(first.get_by_label("Amount")).to_have_value("60.00")
    first.get_by_label("Amount").fill("600.00")
    first.get_by_label("Unit cost").fill("62.833")
    expect(first.get_by_label("Amount")).to_have_value("600.00")
    expect(first).to_contain_text("Quantity times unit cost is 628.33")
    first.get_by_label("Amount").fill("(600)")
    expect(page.locator("[data-total]")).to_have_text("-600.00")


def test_figures_are_grouped_when_they_are_left_and_none_is_guessed(page: Page) -> None:
    first = line(page, 1)
    for label, typed, shown in (
        ("Quantity", "12500", "12,500"),
        ("Unit cost", "$ 1234.56780", "1,234.5678"),
        ("Amount", "1250.00-", "-1,250.00"),
        ("Amount", "(1,250.5)", "-1,250.50"),
        ("Amount", "1.005", "1.005"),
        ("Amount", "1.250,00", "1.250,00"),
        ("Amount", "1,25", "1,25"),
    ):
        first.get_by_label(label).fill(typed)
        first.get_by_label("Description").focus()
        expect(first.get_by_label(label)).to_have_value(shown)
    expect(page.locator("[data-total]")).to_have_text("0.00")
    press(page, "Create subcontract")
    expect(page.get_by_role("alert")).to_contain_text("commas between thousands, a point before the decimals")
    expect(first.get_by_label("Amount")).to_have_value("1,25")
    first.get_by_label("Amount").fill("1250")
    press(page, "Create subcontract")
    expect(page.get_by_text("was created")).to_be_visible()
    assert saved() == [("", Decimal(12500), "", Decimal("1234.5678"), Decimal(1250))]


def test_lines_that_are_copied_and_pasted_are_equal(
    contractor: Contractor, commitment: Commitment, windows: Windows
) -> None:
    commitment.lines.update(description='"Quoted" words', quantity=None, unit_cost=None)
    page = windows(contractor.creator)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{commitment.get_absolute_url()}edit/")
    before = values(page)
    press(page, "Copy lines")
    expect(page.get_by_text("2 lines copied.")).to_be_visible()
    paste(page, page.evaluate("navigator.clipboard.readText()"), at=2)
    press(page, "Insert")
    assert values(page) == before + before
    assert line_ids(page)[2:] == ["", ""]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dialog_is_accessible(page: Page, scheme: Literal["light", "dark"]) -> None:
    pasted = (
        f"Code\tDescription\tAmount\tRemark\n{CONCRETE}\tFootings\t12x\tlate\nx\tColumns\t5\tno\nTotal\t\t5"
    )
    paste(page, pasted)
    page.evaluate(AXE_SCRIPT)
    page.emulate_media(color_scheme=scheme)
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(ASK_AXE, [RULES, []]) == []
        assert not page.evaluate(TOO_WIDE)
