"""The Schedule of Values with 500 lines, in a browser whose processor is slowed four times."""

from collections.abc import Callable
from statistics import median

import pytest
from playwright.sync_api import Page, expect

from commitments.models import LineItem
from tests.browser.conftest import browser, contractor, product, windows, windows_of_all_tests
from tests.browser.contractor import Contractor
from tests.browser.test_pasting import line, paste, press
from tests.browser.windows import Windows

__all__ = ["browser", "contractor", "product", "windows", "windows_of_all_tests"]

pytestmark = pytest.mark.django_db(transaction=True)

SLOWER = 4
# From a key until the total is another one, and until the frame with it is painted.
LISTEN = """() => {
  window.waits = [];
  let pressed;
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    const summed = performance.now() - pressed;
    requestAnimationFrame(() => setTimeout(() => window.waits.push([summed, performance.now() - pressed])));
  }).observe(document.querySelector("[data-total]"), { childList: true });
}"""


def save(page: Page) -> float:
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        press(page, "Save changes")
    expect(page.get_by_text("Changes saved.")).to_be_visible()
    return answer.value.request.timing["responseStart"]


def test_500_lines(contractor: Contractor, windows: Windows, report: Callable[[str], None]) -> None:
    commitment = contractor.commitment("SC-1", approved=False)
    first = commitment.lines.all()[0]
    places = {"commitment": commitment, "cost_code": first.cost_code, "cost_type": first.cost_type}
    LineItem.objects.bulk_create(
        LineItem(
            position=position, description=f"Row {position}", quantity=2, unit_cost=3, amount=6, **places
        )
        for position in range(3, 501)
    )
    page = windows(contractor.creator)
    page.goto(f"{commitment.get_absolute_url()}edit/")
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.evaluate(LISTEN)
    line(page, 250).get_by_label("Unit cost").focus()
    for key in ["1", "Backspace"] * 8:
        page.keyboard.press(key)
        page.wait_for_timeout(200)
    summed, painted = map(median, zip(*page.evaluate("window.waits"), strict=True))
    report(f"keystroke to total: {summed:.0f} ms, painted after {painted:.0f} ms")
    page.keyboard.press("1")
    report(f"save of one changed line of 500: {save(page):.0f} ms")
    page.goto(f"{commitment.get_absolute_url()}edit/")
    line(page, 1).get_by_label("Description").focus()
    page.keyboard.press("Alt+Shift+ArrowDown")
    line(page, 1).get_by_label("Description").focus()
    page.keyboard.press("Alt+Delete")
    report(f"save of 499 moved lines: {save(page):.0f} ms")
    page.goto(f"{contractor.project.get_absolute_url()}new/")
    paste(page, "\n".join(f"03-30000\tRow {number}\t2\tEA\t{number}.01" for number in range(1, 501)))
    took = page.evaluate(
        "() => new Promise((done) => { const began = performance.now(); "
        "document.querySelector('dialog form [type=submit]').click(); "
        "requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))); })"
    )
    report(f"insertion of 500 pasted rows: {took:.0f} ms")
    assert summed < 50
