"""What people do meanwhile, over HTTP: send, accept, reject, retrieve and undo."""

import queue
import threading
from dataclasses import dataclass
from functools import partial

from local.contracts.accepting import Accepting, ForTheProject
from local.contracts.office import Company, Office
from local.contracts.pages import Commitment, Plan, commitments, has_finding, projects, rows
from local.contracts.people import Unexpected
from local.contracts.sending import Sending
from local.contracts.tally import Tally
from local.faults.breaking import waits

SECONDS_TO_READ_LISTS = 120.0
VIEWS = ("ready-to-export", "exporting", "failed-to-export", "needs-attention", "synced", "rejected")


@dataclass
class Deed:
    """What people decided about one commitment, and what they were shown."""

    what: str  # accepted, rejected, retrieved or undone
    company: Company
    commitment: Commitment
    submission: str
    step: str
    shown: Plan | None = None
    said: str = ""
    """In which of accounting's lists it stands in the end; "" for none."""
    remark: str = ""
    """What that list says of it."""


class Working:
    """The people of the demo. Several threads may work at once."""

    def __init__(self, address: str, password: str, tally: Tally) -> None:
        self._office = Office(address, password)
        self._tally = tally
        self._sending = Sending(self._office, tally)
        self._accepting = Accepting(tally)
        self._waiting = queue.Queue[tuple[Company, Commitment, str]]()
        self._lock = threading.Lock()
        self.deeds: list[Deed] = []
        self.decisions = 0
        self.rejected_before: set[str] = set()
        """Numbers that the demo's data rejected before anybody came; their mails are sent all the same."""
        self.refused: list[str] = []
        """What a person could not do, as the page said it."""

    def look(self, wanted: int) -> list[tuple[Company, Commitment]]:
        """So many commitments that were not sent yet, of both companies in turn, no number twice."""
        for company in self._office.companies:
            self.rejected_before |= {row.number for row in rows(company.approver, company.tool, "rejected")}
        chosen: list[tuple[Company, Commitment]] = []
        numbers: set[str] = set()
        for company in self._office.companies:
            mine = 0
            for path in projects(company.sender):
                for each in commitments(company.sender, path):
                    if mine >= wanted // len(self._office.companies):
                        break
                    if (
                        each.number
                        and each.number not in numbers | self.rejected_before
                        and each.badge != "Awaiting accounting"
                    ):
                        numbers.add(each.number)
                        chosen.append((company, each))
                        mine += 1
        for pair in chosen:
            if not waits(partial(_is_checked, *pair), SECONDS_TO_READ_LISTS):
                raise Unexpected("nobody reads Spectrum's lists")
        return sorted(chosen, key=lambda pair: (pair[1].path[::-1], pair[1].path))

    def send_all(self, chosen: list[tuple[Company, Commitment]]) -> None:
        """Send one after the other; each then waits for a decision."""
        for company, commitment in chosen:
            try:
                self._sending.send(company, commitment)
                found = [
                    row
                    for row in rows(company.approver, company.tool, "ready-to-export")
                    if row.number == commitment.number
                ]
                self._waiting.put((company, commitment, found[-1].path))
            except (Unexpected, LookupError) as problem:
                self.refused.append(f"send {commitment.path}: {problem}"[:200])

    def accept(self, step: str) -> Deed | None:
        """Accept the next one that can be; None when there is none left."""
        while (taken := self._next()) is not None:
            company, commitment, submission = taken
            try:
                self._accepting.accept(company, commitment, submission)
            except (ForTheProject, Unexpected) as problem:
                self.refused.append(f"accept {submission}: {problem}"[:200])
                continue
            shown = self._accepting.seen[commitment.path]
            return self._note(Deed("accepted", company, commitment, submission, step, shown))
        return None

    def other(self, what: str, step: str) -> None:
        """Reject, retrieve, or accept and undo the next one."""
        if what == "undo":
            deed = self.accept(step)
            if deed is not None and deed.company.approver.sends(f"{deed.submission}undo/", {}) is None:
                deed.what = "undone"
                self.decisions += 1
            return
        if (taken := self._next()) is None:
            return
        company, commitment, submission = taken
        try:
            if what == "reject":
                self._accepting.reject(company, submission, f"Rejected during: {step}")
                self._note(Deed("rejected", company, commitment, submission, step))
            elif company.sender.sends(f"{commitment.path}retrieve-from-erp/", {}) is None:
                self._note(Deed("retrieved", company, commitment, submission, step))
        except Unexpected as problem:
            self.refused.append(f"{what} {submission}: {problem}"[:200])

    def look_up(self) -> None:
        """Let the approvers look in which list each of them stands now."""
        stands = {
            row.path: (view, row.remark)
            for company in self._office.companies
            for view in VIEWS
            for row in rows(company.approver, company.tool, view)
        }
        for deed in self.deeds:
            deed.said, deed.remark = stands.get(deed.submission, ("", ""))

    def _next(self) -> tuple[Company, Commitment, str] | None:
        try:
            return self._waiting.get(timeout=30)
        except queue.Empty:
            return None

    def _note(self, deed: Deed) -> Deed:
        with self._lock:
            self.deeds.append(deed)
            self.decisions += 1
        return deed


def _is_checked(company: Company, commitment: Commitment) -> bool:
    """Whether its links are checked by the lists that Spectrum gave."""
    return not has_finding(company.sender.opens(commitment.path), "masters-not-read")
