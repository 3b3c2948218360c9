"""No sequence of typing, expired session, Back, reload, double click, stale tab and lost network loses words.

Sequences by lot, each word another one; at the end the tabs are closed, and each is saved, in the history, or
given back by the form. SEQUENCES=200 plays more of them, and SEED others.

Both tabs of one form are typed into, whatever the other has that is not saved. Whoever is offline heeds the
browser's warning and stays.
"""

import os
import random
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Dialog, Page, expect

from commitments.models import Commitment
from directory.models import HistoryEntry
from tests.browser.contractor import Contractor
from tests.browser.test_entries_kept import sign_in
from tests.browser.windows import Windows

pytestmark = pytest.mark.django_db(transaction=True)

SEQUENCES, SEED = int(os.environ.get("SEQUENCES", "5")), int(os.environ.get("SEED", "17"))
LENGTH = 14
FIELDS = ("title", "trade", "lines-0-description", "lines-1-description")
VALUES = """() => [...document.querySelectorAll("#entry :is(input, textarea), .notice")].map(
  (each) => each.value ?? each.textContent)"""


class Person:
    """With two tabs on one form; ``typed`` is each word that went in, with the tab."""

    def __init__(self, contractor: Contractor, windows: Windows, lot: random.Random) -> None:
        self.creator, self.lot, self.windows = contractor.creator, lot, windows
        self.commitment: Commitment = contractor.commitment("SC-1", approved=False)
        self.address = f"{self.commitment.get_absolute_url()}edit/"
        self.typed: list[str] = []
        self.told: list[str] = []
        self.is_offline = False
        first = windows(self.creator)
        self.tabs = [first, first.context.new_page()]
        for tab in self.tabs:
            tab.on("dialog", self.decide)
            tab.goto(self.address)

    def decide(self, dialog: Dialog) -> None:
        if self.is_offline:
            dialog.dismiss()
        else:
            dialog.accept()

    def type(self, tab: Page) -> None:
        control = tab.locator(f"#entry [name={self.lot.choice(FIELDS)}]")
        if not control.count():
            return
        self.typed.append(f"w{len(self.typed)}x")
        control.focus()
        tab.keyboard.press("End")
        tab.keyboard.type(f" {self.typed[-1]}")

    def rest(self, tab: Page) -> None:
        """Long enough for the draft."""
        tab.wait_for_timeout(650)

    def save(self, tab: Page) -> None:
        self.press(tab, tab.get_by_role("button", name="Save changes").click)

    def double(self, tab: Page) -> None:
        self.press(tab, tab.get_by_role("button", name="Save changes").dblclick)

    def press(self, tab: Page, act: Callable[..., None]) -> None:
        if tab.locator("#entry").count():
            act(no_wait_after=True)
            tab.wait_for_timeout(150)
            tab.wait_for_load_state()

    def expire(self, _: Page) -> None:
        Session.objects.all().delete()

    def lose(self, tab: Page) -> None:
        self.is_offline = not self.is_offline
        tab.context.set_offline(self.is_offline)

    def reload(self, tab: Page) -> None:
        if not self.is_offline:
            tab.reload()

    def back(self, tab: Page) -> None:
        if not self.is_offline:
            tab.go_back()
            self.open(tab)

    def open(self, tab: Page) -> None:
        """The form again, after signing in where that is asked."""
        if self.is_offline:
            return
        if not tab.locator("#entry").count() and not tab.get_by_label("Password").count():
            tab.goto(self.address)
        if tab.get_by_label("Password").count():
            sign_in(tab, self.creator.email)
            expect(tab.get_by_label("Password")).to_have_count(0)
        if not tab.locator("#entry").count():
            tab.goto(self.address)

    def close(self, tab: Page) -> None:
        """And open another one at the same address."""
        if not self.is_offline:
            self.rest(tab)
            other = tab.context.new_page()
            tab.close()
            self.tabs[self.tabs.index(tab)] = other
            other.on("dialog", self.decide)
            self.open(other)

    def list_saved(self) -> list[str]:
        self.commitment.refresh_from_db()
        described = self.commitment.lines.values_list("description", flat=True)
        history = [str(each.detail) for each in HistoryEntry.objects.all()]
        return [self.commitment.title, self.commitment.trade, *described, *history]

    def list_given_back(self) -> list[str]:
        """By the form where it is opened anew, with all that it offers, once the tabs are closed."""
        self.is_offline = False
        self.tabs[0].context.set_offline(False)
        self.rest(self.tabs[0])
        for tab in self.tabs:
            tab.close()
        fresh = self.windows(self.creator)
        fresh.goto(self.address)
        texts = fresh.evaluate(VALUES)
        for offered in [each.get_attribute("href") for each in fresh.locator(".notice a").all()]:
            fresh.goto(f"{self.address}{offered}")
            texts += fresh.evaluate(VALUES)
        return texts

    def search(self, places: list[str]) -> set[str]:
        """The words that are nowhere there."""
        return {word for word in self.typed if not any(word in place for place in places)}


STEPS = [
    *[Person.type] * 5,
    *[Person.rest, Person.save, Person.open] * 2,
    *[Person.double, Person.expire, Person.lose, Person.reload, Person.back, Person.close],
]


@pytest.mark.parametrize("seed", range(SEED, SEED + SEQUENCES))
def test_nothing_is_lost(contractor: Contractor, windows: Windows, seed: int) -> None:
    lot = random.Random(seed)
    person = Person(contractor, windows, lot)
    for _ in range(LENGTH):
        step, number = lot.choice(STEPS), lot.choice([0, 0, 1])
        person.told.append(f"{step.__name__} in tab {number + 1}")
        step(person, person.tabs[number])
    assert not person.search(person.list_saved() + person.list_given_back()), "\n".join(person.told)
