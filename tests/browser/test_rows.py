"""Lines are inserted, moved, filled down and removed by keys, buttons and mouse; each can be undone."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from commitments.models import Commitment
from tests.browser.contractor import Contractor
from tests.browser.test_accessibility import ASK_AXE, DESK, PHONE, RULES, TOO_WIDE
from tests.browser.test_pasting import line, press
from tests.browser.windows import Windows
from tests.factories import LineItemFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def commitment(contractor: Contractor) -> Commitment:
    commitment = contractor.commitment("SC-1", approved=False)
    commitment.lines.all().delete()
    for position, text in enumerate("ABC", start=1):
        LineItemFactory(commitment=commitment, position=position, description=text, amount=position)
    return commitment


@pytest.fixture
def page(contractor: Contractor, commitment: Commitment, windows: Windows) -> Page:
    page = windows(contractor.creator)
    page.goto(f"{commitment.get_absolute_url()}edit/")
    return page


def texts(page: Page) -> str:
    """The descriptions in order; a new one is a dot."""
    found = page.locator("[name$=-description]:not(template *)").evaluate_all(
        "(all) => all.map((each) => each.value || '.').join('')"
    )
    return str(found)


@pytest.mark.parametrize(
    ("keys", "button", "after", "words"),
    [
        ("Alt+Shift+Enter", "Insert above", "A.BC", "Line 2 is new."),
        ("Alt+Enter", "Insert below", "AB.C", "Line 3 is new."),
        ("Control+Shift+D", "Duplicate", "ABBC", "Line 3 is a duplicate."),
        ("Alt+Shift+ArrowUp", "Move up", "BAC", "Line 2 is now line 1."),
        ("Alt+Shift+ArrowDown", "Move down", "ACB", "Line 2 is now line 3."),
        ("Control+D", "Fill down", "AAC", "Description filled down."),
    ],
)
def test_each_works_by_key_and_by_button_and_is_undone(
    page: Page, keys: str, button: str, after: str, words: str
) -> None:
    for by_key in (True, False):
        line(page, 2).get_by_label("Description").focus()
        if by_key:
            page.keyboard.press(keys)
        else:
            press(page, button)
        expect(page.get_by_text(words)).to_be_visible()
        assert texts(page) == after
        assert "-description" in str(page.locator(":focus").get_attribute("name"))
        page.keyboard.press("Alt+Z")
        expect(page.get_by_text("Undone.")).to_be_visible()
        assert texts(page) == "ABC"
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


def test_several_are_undone_one_by_one_and_what_stays_is_saved(page: Page, commitment: Commitment) -> None:
    ids = list(commitment.lines.values_list("pk", flat=True))
    line(page, 1).get_by_label("Amount").focus()
    for keys in ("Alt+Shift+ArrowDown", "Alt+Shift+ArrowDown", "Control+Shift+D", "Alt+Delete"):
        page.keyboard.press(keys)
    assert texts(page) == "BCAA"
    expect(page.locator("[data-total]")).to_have_text("6.00")
    press(page, "Undo")
    expect(page.locator("[data-total]")).to_have_text("7.00")
    press(page, "Undo")
    assert texts(page) == "BCA"
    line(page, 1).get_by_label("Amount").focus()
    page.keyboard.press("Alt+Delete")
    expect(page.get_by_text("Line 1 is removed when you save.")).to_be_visible()
    press(page, "Save changes")
    expect(page.get_by_text("Changes saved.")).to_be_visible()
    assert list(commitment.lines.order_by("position").values_list("pk", flat=True)) == [ids[2], ids[0]]


def test_a_line_is_dragged_by_its_number(page: Page) -> None:
    page.locator(".grid-number").nth(0).drag_to(page.locator(".grid-number").nth(2))
    assert texts(page) == "BCA"
    page.locator(".grid-number").nth(2).drag_to(line(page, 2).get_by_label("Amount"))
    assert texts(page) == "BAC"
    press(page, "Undo")
    press(page, "Undo")
    assert texts(page) == "ABC"


def test_what_sticks_covers_no_field_that_has_the_focus(page: Page, commitment: Commitment) -> None:
    for position in range(4, 24):
        LineItemFactory(commitment=commitment, position=position)
    page.reload()
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        line(page, 12).get_by_label("Amount").focus()
        for key in ["Tab"] * 12 + ["Shift+Tab"] * 40:
            page.keyboard.press(key)
            assert page.evaluate(
                "() => { const it = document.activeElement, { left, top } = it.getBoundingClientRect();"
                " return document.elementFromPoint(left + 5, top + 5) === it; }"
            )
        expect(page.locator("[data-total]")).to_be_in_viewport()
    page.set_viewport_size({"width": DESK, "height": 800})
    line(page, 20).get_by_label("Amount").focus()
    expect(page.get_by_role("columnheader", name="Amount")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_buttons_are_accessible(page: Page, scheme: str) -> None:
    line(page, 2).get_by_label("Description").focus()
    page.evaluate(AXE_SCRIPT)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its two
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(ASK_AXE, [RULES, []]) == []
        assert not page.evaluate(TOO_WIDE)
