"""`script/morning`: prints what each way took, and one last line of the groups, which are the quick way."""

import csv
import io
import re
import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from local.demo.planning import bad_commitments
from tests.endurance.contracts import running

APPROVER = "approver@demo.example"
BAD = bad_commitments()
REASON = "Please correct"
COMPANY = "keystone"
MOST_STROKES, MOST_SECONDS = 60, 180
SECONDS_TO_CHECK = 60


@dataclass
class Morning:
    """One approver at one keyboard. A stroke is a key, or keys pressed together; text: a letter each."""

    page: Page
    address: str
    strokes: int = 0
    accepts: list[int] = field(default_factory=list)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.strokes += 1
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.strokes += len(text)
        self.page.keyboard.type(text)

    def open_list(self) -> list[str]:
        """The numbers that wait, once a worker has checked them all. Opening it is no stroke."""
        until = time.monotonic() + SECONDS_TO_CHECK
        while True:
            self.page.goto(f"{self.address}/companies/{COMPANY}/erp-integrations/commitments/")
            if "Being checked" not in self.page.content():
                return self.numbers()
            assert time.monotonic() < until, "the worker checks nothing"
            time.sleep(1)

    def numbers(self) -> list[str]:
        return [each.strip() for each in self.page.locator("#rows tr[id] th a").all_inner_texts()]

    def current(self) -> str:
        """The number of the row that has the focus; the first one that can be accepted where none has."""
        found: str = self.page.evaluate(
            """() => {
                const row = document.activeElement.closest("#rows tr[id]")
                    ?? document.querySelector("#rows tr[id]:has([data-key=a])")
                    ?? document.querySelector("#rows tr[id]");
                return row?.querySelector("th a").textContent.trim() ?? "";
            }"""
        )
        return found

    def decide_in_dialog(self, key: str, text: str = "") -> None:
        dialog = self.page.locator("#dialog[open] form.decision")
        before = self.strokes
        self.press(key)
        expect(dialog).to_be_visible()
        if text:
            self.type(text)
        self.press("Control+Enter")
        expect(self.page.locator("#dialog[open]")).to_have_count(0, timeout=15_000)
        if key == "a":
            self.accepts.append(self.strokes - before)

    def decide_on_page(self, key: str, text: str = "") -> None:
        """On a page that lists many; its result is waited for."""
        self.press(key)
        expect(self.page.locator("form#decide")).to_be_visible()
        if text:
            self.type(text)
        self.press("Control+Enter")
        self.page.wait_for_url(re.compile("/batches/"))
        expect(self.page.locator("#batch [role=status]")).not_to_contain_text("to do", timeout=60_000)


def clear_by_groups(morning: Morning) -> None:
    """The clean ones together, what a look shows to be right by itself, and the others with one reason."""
    morning.decide_on_page("g")
    morning.press("b")
    expect(morning.page.locator("#rows, .empty").first).to_be_visible()
    for number in [each for each in morning.numbers() if each not in BAD]:
        while morning.current() != number:
            morning.press("j")
        morning.decide_in_dialog("a")
    if [each for each in morning.numbers() if each in BAD]:
        morning.press("*")
        morning.decide_on_page("R", REASON)


def clear_one_by_one(morning: Morning) -> None:
    for _ in range(2 * len(morning.numbers())):
        waiting = morning.page.locator("#rows tr[id]:has([data-key=r])")
        if not waiting.count():
            return
        number = morning.current()
        if number in BAD:
            morning.decide_in_dialog("r", REASON)
        else:
            morning.decide_in_dialog("a")


def judge(morning: Morning, waited: list[str]) -> tuple[int, int]:
    """How many are left, and how many bad ones are not back with their project, by the list's own file."""
    address = (
        f"{morning.address}/companies/{COMPANY}/erp-integrations/commitments/spreadsheet/?view=all&format=csv"
    )
    text = morning.page.evaluate(
        "async (address) => await (await fetch(address)).text()", f"{address}?view=all&format=csv"
    )
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    status = {row["Commitment"]: row["Status"] for row in reversed(rows)}
    left = sum(status[number] == "Awaiting accounting" for number in waited)
    bad = sum(number in BAD and status[number] != "Rejected" for number in waited)
    wrongly_rejected = [number for number in waited if number not in BAD and status[number] == "Rejected"]
    assert not wrongly_rejected, wrongly_rejected
    return left, bad


def find_chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        raise SystemExit("No Chromium on this machine: install Debian's package chromium.")
    return found


def spend(way: Any) -> tuple[int, Morning, float, int]:
    """A morning in a fresh demo: rows, the morning, its seconds and the bad ones that went through."""
    with running.everything() as addresses, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{addresses.product}/accounts/login/")
        page.fill("input[name=login]", APPROVER)
        page.fill("input[name=password]", running.PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/accounts/" not in url)
        morning = Morning(page, addresses.product)
        waited = morning.open_list()
        begun = time.monotonic()
        way(morning)
        seconds = time.monotonic() - begun
        left, bad = judge(morning, waited)
        browser.close()
    assert not left, f"{left} are left"
    assert waited, "nothing waits"
    return len(waited), morning, seconds, bad


def main() -> int:
    rows, one_by_one, seconds, bad = spend(clear_one_by_one)
    each = max(one_by_one.accepts)
    took = f"rows {rows} strokes {one_by_one.strokes} seconds {seconds:.0f} bad {bad}"
    print(f"one by one: {took}; an Accept took {each}")
    rows, groups, group_seconds, group_bad = spend(clear_by_groups)
    print(f"rows {rows} strokes {groups.strokes} seconds {group_seconds:.0f} bad {group_bad}")
    is_quick = groups.strokes <= MOST_STROKES and group_seconds <= MOST_SECONDS and each <= 2
    return int(bool(bad or group_bad) or not is_quick)


if __name__ == "__main__":
    sys.exit(main())
