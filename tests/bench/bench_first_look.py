"""What an approver waits for: the list's first byte, and the Accept dialog once its answer is there."""

from collections.abc import Callable
from statistics import median, quantiles

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import browser, contractor, product, windows, windows_of_all_tests
from tests.browser.contractor import Contractor
from tests.browser.windows import Windows

__all__ = ["browser", "contractor", "product", "windows", "windows_of_all_tests"]

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 20
# From the answer's last byte until the frame with the open dialog is painted.
LISTEN = """() => {
  window.waits = [];
  let answered;
  document.addEventListener("htmx:after:request", () => { answered = performance.now(); });
  new MutationObserver(() => {
    if (document.querySelector("dialog[open] form") && answered) {
      const since = answered;
      answered = 0;
      requestAnimationFrame(() => setTimeout(() => window.waits.push(performance.now() - since)));
    }
  }).observe(document.body, { childList: true, subtree: true, attributes: true });
}"""


def test_first_look(contractor: Contractor, windows: Windows, report: Callable[[str], None]) -> None:
    for number in range(50):
        contractor.sent(f"SC-{number}")
    page = windows(contractor.approver)
    waits = []
    for _ in range(TIMES):
        answer = page.goto(f"/companies/{contractor.company.slug}/erp-integrations/commitments/")
        assert answer
        waits.append(answer.request.timing["responseStart"] - answer.request.timing["requestStart"])
    report(f"list of 50, first byte: {median(waits):.0f} ms, p95 {quantiles(waits, n=20)[-1]:.0f}")
    page.evaluate(LISTEN)
    for number in range(TIMES):
        page.get_by_role("link", name=f"Accept SC-{number}", exact=True).click()
        # By nothing else meanwhile: to look for a button by its role takes the page longer than to paint.
        page.wait_for_function("number => window.waits.length > number", arg=number)
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Export")).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    opened = page.evaluate("window.waits")
    assert len(opened) >= TIMES
    report(f"Accept dialog, from its answer to painted: {median(opened):.0f} ms, most {max(opened):.0f}")
