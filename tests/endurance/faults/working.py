"""People's work meanwhile: send, accept, reject, retrieve, undo, edit and send again, several at once."""

import queue
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.endurance.contracts.office import Company, Office
from tests.endurance.contracts.pages import Commitment, Row
from tests.endurance.contracts.people import Person, Unexpected
from tests.endurance.faults.deciding import CUT, SECONDS_AWAY, Deciding, listed
from tests.endurance.faults.deeds import VIEWS, Deed
from tests.endurance.faults.judge import Complaint
from tests.endurance.faults.racing import race, race_with_retrieve

TOO_MANY = 45  # exports under way of one company: then its people do what adds none
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
LISTS_AT_ONCE = 4


class Working:
    """The people of one round."""

    def __init__(
        self, office: Office, sheet: Sequence[dict[str, str]], seed: int, kind: Callable[[], str]
    ) -> None:
        """`kind` tells what was broken last."""
        self._lock = threading.Lock()
        self._queues = {company.slug: queue.SimpleQueue[Commitment]() for company in office.companies}
        for each in sheet:
            self._queues[each["company"]].put(
                Commitment(each["path"], each["project"], each["kind"], each["number"], "")
            )
        self._crowded = {company.slug: False for company in office.companies}
        self._seed = seed
        self._office = office
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.deciding = Deciding(kind)
        self.deeds: list[Deed] = []
        self.winners: list[Complaint] = []
        """Races that two people won."""

    def begin(self) -> None:
        """Everybody comes to work; what each does is drawn from the seed."""
        for company in self._office.companies:
            for number in range(PEOPLE):
                draws = random.Random(f"{self._seed} {company.slug} {number}")
                self._thread(self._work, company, draws)
            self._thread(self._watch, company)

    def end(self) -> None:
        """Everybody finishes what they are at."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(SECONDS_AWAY * 2)

    @property
    def crowded(self) -> str:
        """Where too much is under way."""
        return "".join(f", {slug} is crowded" for slug, is_crowded in self._crowded.items() if is_crowded)

    def look_up(self, search: str) -> None:
        """Let the approvers look in which list each of them stands now."""
        wanted = [(company, view) for company in self._office.companies for view in VIEWS]

        def rows_of(each: tuple[Company, str]) -> list[Row]:
            return self.deciding.surely(partial(listed, *each, search))

        with ThreadPoolExecutor(LISTS_AT_ONCE) as pool:
            found = list(pool.map(rows_of, wanted))
        stands = {
            row.path: (view, row.remark)
            for (_, view), rows in zip(wanted, found, strict=True)
            for row in rows
        }
        for deed in self.deeds:
            deed.said, deed.remark = stands.get(deed.submission, ("", ""))

    def _work(self, company: Company, draws: random.Random) -> None:
        while not self._stopping.is_set():
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
                self.deciding.refused.append(f"{life}: {commitment.number}: {problem}"[:400])

    def _live(self, life: str, company: Company, commitment: Commitment, approver: Person) -> None:
        deciding = self.deciding
        deed = Deed("sent", company, commitment, "", deciding.kind())
        deciding.send(deed)
        with self._lock:
            self.deeds.append(deed)
        match life:
            case "two approvers":
                self.winners += race(deciding, deed, company.approver, _second_approver(company))
                return
            case "approver against retrieve":
                self.winners += race_with_retrieve(deciding, deed, approver)
                return
            case "reject":
                deciding.reject(deed, approver)
                return
            case "edit after rejection":
                deciding.reject(deed, approver)
                deciding.edit(deed)
                deciding.send(deed)
            case "retrieve" | "retrieve and accept":
                deciding.retrieve(deed)
                if life == "retrieve":
                    return
                deciding.send(deed)
        deciding.accept(deed, approver)
        if life == "undo twice and accept" and deciding.undo(deed, approver):
            deciding.accept(deed, approver)
        if life.startswith("undo") and deciding.undo(deed, approver):
            if life.endswith("accept"):
                deciding.accept(deed, approver)
            elif life.endswith("reject"):
                deciding.reject(deed, approver)

    def _watch(self, company: Company) -> None:
        """Notice when too much is under way."""
        while not self._stopping.wait(4):
            try:
                page = company.approver.opens(f"{company.tool}commitments/?view=exporting")
            except (Unexpected, *CUT):
                continue
            self._crowded[company.slug] = len(page.findall(".//tbody/tr")) >= TOO_MANY

    def _thread(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)


def _second_approver(company: Company) -> Person:
    """Where there is only one, it is that one at a second browser."""
    return company.writers.get("Blake Approver", company.approver)
