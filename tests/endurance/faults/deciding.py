"""How one person decides, over HTTP, while the product may be away.

What breaks may cut a person off in the middle of a decision: then they look where it stands, and
decide again if it was not done.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias, TypeVar

import requests
from lxml import html

from tests.endurance.contracts.office import Company
from tests.endurance.contracts.pages import Row, blocking, plan, rows
from tests.endurance.contracts.people import Away, Person, Unexpected, form_with, values_of, words_of
from tests.endurance.faults.deeds import VIEWS, Deed

CUT = (Away, requests.RequestException)
SECONDS_TO_RELOAD = 2.0
SECONDS_AWAY = 90.0  # for so long a person tries again
MOST_TRIES = 6
Done = TypeVar("Done")
Told: TypeAlias = html.HtmlElement | None


class Deciding:
    """Notes what was decided. Several threads may use it."""

    def __init__(self, kind: Callable[[], str]) -> None:
        """`kind` tells what was broken last."""
        self.kind = kind
        self._lock = threading.Lock()
        self.decisions = Counter[str]()
        """By what was broken last."""
        self.refused: list[str] = []
        """A person's act that could not be done, as the page said it."""
        self.cuts = 0
        """How often a page did not answer."""

    def surely(self, do: Callable[[], Done]) -> Done:
        """Try again while the product is away. Raises what it raised last."""
        until = time.monotonic() + SECONDS_AWAY
        while True:
            try:
                return do()
            except CUT:
                with self._lock:
                    self.cuts += 1
                if time.monotonic() > until:
                    raise
                time.sleep(SECONDS_TO_RELOAD)

    def send(self, deed: Deed) -> None:
        """Send to ERP, and find out where it waits. Raises Unexpected when it is not sent."""
        company, path = deed.company, deed.commitment.path

        def send() -> Told:
            return company.sender.sends(f"{path}send-to-erp/", {})

        told = self.surely(send)
        found = self._rows(deed, "ready-to-export")
        if not found:  # when it is there, a refusal only says that a try that was cut off has sent it
            raise Unexpected(f"{path} was not sent: {words_of(told)[:600] if told is not None else ''}")
        deed.submission, deed.what = found[-1].path, "sent"
        self._tell(deed, "sent")

    def accept(self, deed: Deed, approver: Person) -> bool:
        """Open the box, press Export. False when somebody else was first."""
        address, cut = f"{deed.submission}accept/", False
        for _ in range(MOST_TRIES):
            page = self.surely(lambda: approver.opens_box(address))
            box = form_of(page)
            if box is None:
                break
            if found := blocking(page):
                raise Unexpected(f"{address} is blocked: {[each.sentence for each in found]}")
            shown = plan(page)
            try:
                told = approver.sends(address, box)
            except CUT:
                cut = True
                time.sleep(1)
                continue
            if told is None:
                deed.shown = shown
                return self.note(deed, "accepted")
        if cut and self.stands(deed) not in {"", "ready-to-export", "rejected"}:
            deed.shown = shown
            return self.note(deed, "accepted")
        self.refused.append(f"accept {deed.submission}: {words_of(page)[:300]}")
        return False

    def reject(self, deed: Deed, approver: Person) -> None:
        """Raises Unexpected when it is not rejected."""
        address = f"{deed.submission}reject/"
        for _ in range(MOST_TRIES):
            box = form_of(self.surely(lambda: approver.opens_box(address)))
            if box is None:
                break
            try:
                if approver.sends(address, {**box, "reason": f"During: {self.kind()}"}) is None:
                    self.note(deed, "rejected")
                    return
            except CUT:
                time.sleep(1)
        if self.stands(deed) != "rejected":
            raise Unexpected(f"{address} was not rejected")
        self.note(deed, "rejected")

    def retrieve(self, deed: Deed) -> bool:
        """False when somebody has decided before."""
        told = self.surely(lambda: deed.company.sender.sends(f"{deed.commitment.path}retrieve-from-erp/", {}))
        if told is None or not self.stands(deed):
            return self.note(deed, "retrieved")
        return False

    def undo(self, deed: Deed, approver: Person) -> bool:
        """False when it came too late."""
        try:
            told = approver.sends(f"{deed.submission}undo/", {})
        except CUT:
            time.sleep(1)
        else:
            if told is not None:
                self._tell(deed, "undo came too late")
                return False
        # Also after a redirect: it says only that the person may look again.
        if self.stands(deed) == "ready-to-export":
            return self.note(deed, "undone")
        return False

    def edit(self, deed: Deed) -> None:
        """Write another description, which goes into Spectrum's comment."""
        address = f"{deed.commitment.path}edit/"
        sender = deed.company.sender

        def edit() -> Told:
            fields = values_of(form_with(sender.opens(address), "version"))
            fields["description"] = f"Corrected in version {fields['version']}"
            return sender.sends(address, fields)

        told = self.surely(edit)
        if told is not None:
            raise Unexpected(f"{address} was not saved: {words_of(told)[:600]}")
        self._tell(deed, "edited")

    def answer(self, deed: Deed) -> bool:
        """A person's answer to one that failed, or stopped half-way: try again, or resume.

        False where nothing can be done, or not yet.
        """
        approver = deed.company.approver
        if deed.said == "failed-to-export":
            address, field = f"{deed.submission}accept/", "expected_hash"
        else:
            address, field = f"{deed.submission}resume/", "expected_version"
        page = self.surely(lambda: approver.opens_box(address))
        box = form_of(page, field)
        if box is None or blocking(page) or page.find(".//button[@type='submit'][@disabled]") is not None:
            return False
        with suppress(*CUT):
            if approver.sends(address, box) is None:
                self._tell(deed, f"answered, because it {deed.said}: {deed.remark}")
                if field == "expected_hash":
                    deed.shown = plan(page)
                return True
        return False

    def stands(self, deed: Deed) -> str:
        """In which of accounting's lists it is now; "" for none."""
        # Twice: between two lists it may have gone from the one to the other.
        for _ in range(2):
            for view in VIEWS:
                if any(row.path == deed.submission for row in self._rows(deed, view)):
                    return view
        return ""

    def note(self, deed: Deed, what: str) -> bool:
        """Count a decision that was made. Always True."""
        deed.what, deed.step = what, self.kind()
        deed.rejections += what == "rejected"
        with self._lock:
            self.decisions[deed.step] += 1
        self._tell(deed, what)
        return True

    def _rows(self, deed: Deed, view: str) -> list[Row]:
        company = deed.company
        found = self.surely(partial(listed, company, view, deed.commitment.number))
        return [row for row in found if row.number == deed.commitment.number]

    def _tell(self, deed: Deed, what: str) -> None:
        deed.told.append(f"{time.strftime('%H:%M:%S')} {what} ({self.kind()})")


def listed(company: Company, view: str, search: str) -> list[Row]:
    """The rows of one of accounting's lists."""
    return list(rows(company.approver, company.tool, view, search))


def form_of(page: html.HtmlElement, field: str = "expected_hash") -> dict[str, str] | None:
    """The fields of the box on a page, or None where it can't be decided any more."""
    try:
        return values_of(form_with(page, field))
    except Unexpected:
        return None
