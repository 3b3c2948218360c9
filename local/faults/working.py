"""What people do meanwhile, over HTTP: send, accept, reject, retrieve, undo, edit and send again.

Several of each company at once. What breaks may cut a person off in the middle of a decision: then
they look where it stands, and decide again if it was not done.
"""

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias, TypeVar

import requests
from lxml import html

from local.contracts.office import Company, Office
from local.contracts.pages import Commitment, Row, blocking, plan, rows
from local.contracts.people import Away, Person, Unexpected, form_with, values_of, words_of
from local.faults.deeds import VIEWS, Deed

CUT = (Away, requests.RequestException)
SECONDS_TO_RELOAD = 2.0
SECONDS_AWAY = 90.0  # for so long a person tries again
TOO_MANY = 45  # exports under way of one company: then its people do what adds none
MOST_TRIES = 6
PEOPLE = 8  # of each company
LIVES = {
    "accept": 24,
    "reject": 8,
    "retrieve": 6,
    "retrieve and accept": 10,
    "undo": 1,
    "undo and accept": 16,
    "undo twice and accept": 8,
    "undo and reject": 5,
    "edit after rejection": 10,
    "two approvers": 8,
    "approver against retrieve": 4,
}
WITHOUT_EXPORT = {"reject": 40, "retrieve": 20, "undo and reject": 40}
Done = TypeVar("Done")
Told: TypeAlias = html.HtmlElement | None


class Working:
    """The people of one round."""

    def __init__(
        self, office: Office, sheet: Sequence[dict[str, str]], seed: int, kind: Callable[[], str]
    ) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._queues = {company.slug: queue.SimpleQueue[Commitment]() for company in office.companies}
        for each in sheet:
            self._queues[each["company"]].put(
                Commitment(each["path"], each["project"], each["kind"], each["number"], "")
            )
        self._crowded = {company.slug: False for company in office.companies}
        self._seed = seed
        self.office = office
        self.stopping = threading.Event()
        self.deeds: list[Deed] = []
        self.decisions = Counter[str]()
        """By what was broken last."""
        self.refused: list[str] = []
        """What a person could not do, as the page said it."""
        self.winners: list[tuple[str, str, str]] = []
        """Races that two people won."""
        self.cuts = 0
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Everybody comes to work; what each does is drawn from the seed."""
        for company in self.office.companies:
            for number in range(PEOPLE):
                draws = random.Random(f"{self._seed} {company.slug} {number}")
                self._thread(self._work, company, draws)
            self._thread(self._watch, company)

    def end(self) -> None:
        """Everybody finishes what they are at."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(SECONDS_AWAY * 2)

    @property
    def crowded(self) -> str:
        """Where too much is under way."""
        return "".join(f", {slug} is crowded" for slug, is_crowded in self._crowded.items() if is_crowded)

    def look_up(self, search: str) -> None:
        """Let the approvers look in which list each of them stands now."""
        stands = {
            row.path: (view, row.remark)
            for company in self.office.companies
            for view in VIEWS
            for row in self.surely(partial(_listed, company, view, search))
        }
        for deed in self.deeds:
            deed.said, deed.remark = stands.get(deed.submission, ("", ""))

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

    def accept(self, deed: Deed, approver: Person) -> bool:
        """Open the box, press Export. False when somebody else was first."""
        address, cut = f"{deed.submission}accept/", False
        for _ in range(MOST_TRIES):
            page = self.surely(lambda: approver.opens_box(address))
            box = _form(page)
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
                return self._note(deed, "accepted")
        if cut and self._stands(deed) not in {"", "ready-to-export", "rejected"}:
            deed.shown = shown
            return self._note(deed, "accepted")
        self.refused.append(f"accept {deed.submission}: {words_of(page)[:300]}")
        return False

    def answer(self, deed: Deed) -> bool:
        """What a person does about one that failed, or stopped half-way: try again, or resume.

        False where nothing can be done, or not yet.
        """
        approver = deed.company.approver
        if deed.said == "failed-to-export":
            address, field = f"{deed.submission}accept/", "seen_hash"
        else:
            address, field = f"{deed.submission}resume/", "round"
        page = self.surely(lambda: approver.opens_box(address))
        box = _form(page, field)
        if box is None or blocking(page) or page.find(".//button[@type='submit'][@disabled]") is not None:
            return False
        with suppress(*CUT):
            if approver.sends(address, box) is None:
                self._tell(deed, f"answered, because it {deed.said}: {deed.remark}")
                if field == "seen_hash":
                    deed.shown = plan(page)
                return True
        return False

    def _work(self, company: Company, draws: random.Random) -> None:
        while not self.stopping.is_set():
            try:
                commitment = self._queues[company.slug].get_nowait()
            except queue.Empty:
                return
            lives = WITHOUT_EXPORT if self._crowded[company.slug] else LIVES
            life = draws.choices(list(lives), list(lives.values()))[0]
            approver = company.approver if draws.random() < 0.6 else _second_approver(company)
            try:
                self._live(life, company, commitment, approver)
            except (Unexpected, LookupError, *CUT) as problem:
                self.refused.append(f"{life}: {commitment.number}: {problem}"[:400])

    def _live(self, life: str, company: Company, commitment: Commitment, approver: Person) -> None:
        deed = Deed("sent", company, commitment, "", self._kind())
        self._send(deed)
        with self._lock:
            self.deeds.append(deed)
        match life:
            case "two approvers":
                self._race(deed, company.approver, _second_approver(company))
                return
            case "approver against retrieve":
                self._race_with_retrieve(deed, approver)
                return
            case "reject":
                self._reject(deed, approver)
                return
            case "edit after rejection":
                self._reject(deed, approver)
                self._edit(deed)
                self._send(deed)
            case "retrieve" | "retrieve and accept":
                self._retrieve(deed)
                if life == "retrieve":
                    return
                self._send(deed)
        self.accept(deed, approver)
        if life == "undo twice and accept" and self._undo(deed, approver):
            self.accept(deed, approver)
        if life.startswith("undo") and self._undo(deed, approver):
            if life.endswith("accept"):
                self.accept(deed, approver)
            elif life.endswith("reject"):
                self._reject(deed, approver)

    def _send(self, deed: Deed) -> None:
        company, path = deed.company, deed.commitment.path

        def send() -> Told:
            return company.sender.sends(f"{path}send-to-erp/", {})

        told = self.surely(send)
        found = self._rows(deed, "ready-to-export")
        if not found:  # when it is there, a refusal only says that a try that was cut off has sent it
            raise Unexpected(f"{path} was not sent: {words_of(told)[:600] if told is not None else ''}")
        deed.submission, deed.what = found[-1].path, "sent"
        self._tell(deed, "sent")

    def _reject(self, deed: Deed, approver: Person) -> bool:
        address = f"{deed.submission}reject/"
        for _ in range(MOST_TRIES):
            box = _form(self.surely(lambda: approver.opens_box(address)))
            if box is None:
                break
            try:
                if approver.sends(address, {**box, "reason": f"During: {self._kind()}"}) is None:
                    return self._note(deed, "rejected")
            except CUT:
                time.sleep(1)
        if self._stands(deed) == "rejected":
            return self._note(deed, "rejected")
        raise Unexpected(f"{address} was not rejected")

    def _retrieve(self, deed: Deed) -> bool:
        """False when somebody has decided before."""
        told = self.surely(lambda: deed.company.sender.sends(f"{deed.commitment.path}retrieve-from-erp/", {}))
        if told is None or not self._stands(deed):
            return self._note(deed, "retrieved")
        return False

    def _undo(self, deed: Deed, approver: Person) -> bool:
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
        if self._stands(deed) == "ready-to-export":
            return self._note(deed, "undone")
        return False

    def _edit(self, deed: Deed) -> None:
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

    def _race(self, deed: Deed, *approvers: Person) -> None:
        """All of them have the box open, and press Export at one moment."""
        address = f"{deed.submission}accept/"
        pages = [self.surely(partial(approver.opens_box, address)) for approver in approvers]
        presses = []
        for approver, page in zip(approvers, pages, strict=True):
            box = _form(page)
            if box is None or blocking(page):
                raise Unexpected(f"{address} can't be accepted")
            presses.append(partial(approver.sends, address, box))
        won = _at_once(presses)
        deed.shown = plan(pages[0])
        if won.count("done") > 1:
            self.winners.append(
                ("doubled", deed.step, f"{deed.submission}: two approvers were told that they accepted it")
            )
        if "done" in won or self._stands(deed) not in {"", "ready-to-export"}:
            self._note(deed, "accepted")
            return
        self.accept(deed, approvers[0])

    def _race_with_retrieve(self, deed: Deed, approver: Person) -> None:
        address = f"{deed.submission}accept/"
        page = self.surely(lambda: approver.opens_box(address))
        box = _form(page)
        if box is None or blocking(page):
            raise Unexpected(f"{address} can't be accepted")
        retrieve = f"{deed.commitment.path}retrieve-from-erp/"
        won = _at_once(
            [lambda: approver.sends(address, box), lambda: deed.company.sender.sends(retrieve, {})]
        )
        if won == ["done", "done"]:
            self.winners.append(
                (
                    "misreported",
                    deed.step,
                    f"{deed.submission}: accepted and retrieved, and both were told so",
                )
            )
        if won[0] == "done":
            stands = "exporting"
        elif won[1] == "done":
            stands = ""
        else:
            stands = self._stands(deed)
        if stands == "ready-to-export":  # both were cut off
            self.accept(deed, approver)
        elif stands:
            deed.shown = plan(page)
            self._note(deed, "accepted")
        else:
            self._note(deed, "retrieved")

    def _stands(self, deed: Deed) -> str:
        """In which of accounting's lists it is now; "" for none."""
        # Twice: between two lists it may have gone from the one to the other.
        for _ in range(2):
            for view in VIEWS:
                if any(row.path == deed.submission for row in self._rows(deed, view)):
                    return view
        return ""

    def _rows(self, deed: Deed, view: str) -> list[Row]:
        company = deed.company
        found = self.surely(partial(_listed, company, view, deed.commitment.number))
        return [row for row in found if row.number == deed.commitment.number]

    def _watch(self, company: Company) -> None:
        """Notice when too much is under way."""
        while not self.stopping.wait(4):
            try:
                page = company.approver.opens(f"{company.tool}commitments/?view=exporting")
            except (Unexpected, *CUT):
                continue
            self._crowded[company.slug] = len(page.findall(".//tbody/tr")) >= TOO_MANY

    def _note(self, deed: Deed, what: str) -> bool:
        deed.what, deed.step = what, self._kind()
        deed.rejections += what == "rejected"
        with self._lock:
            self.decisions[deed.step] += 1
        self._tell(deed, what)
        return True

    def _tell(self, deed: Deed, what: str) -> None:
        deed.told.append(f"{time.strftime('%H:%M:%S')} {what} ({self._kind()})")

    def _thread(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)


def _second_approver(company: Company) -> Person:
    """Where there is only one, it is that one at a second browser."""
    return company.writers.get("Blake Approver", company.approver)


def _listed(company: Company, view: str, search: str) -> list[Row]:
    return list(rows(company.approver, company.tool, view, search))


def _form(page: html.HtmlElement, field: str = "seen_hash") -> dict[str, str] | None:
    """The fields of the box on a page, or None where it can't be decided any more."""
    try:
        return values_of(form_with(page, field))
    except Unexpected:
        return None


def _at_once(presses: Sequence[Callable[[], Told]]) -> list[str]:
    """What each got: `done`, `told` why not, or `cut` off."""
    barrier = threading.Barrier(len(presses))
    got = ["cut"] * len(presses)

    def press(number: int) -> None:
        barrier.wait()
        with suppress(Unexpected, requests.RequestException):
            got[number] = "done" if presses[number]() is None else "told"

    threads = [threading.Thread(target=press, args=(number,)) for number in range(len(presses))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got
