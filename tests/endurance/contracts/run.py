"""One run: look, send and correct, accept, follow the worker, and hold Spectrum against what was shown."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.endurance.contracts.accepting import Accepting, ForTheProject
from tests.endurance.contracts.comparing import differences
from tests.endurance.contracts.mending import Mending
from tests.endurance.contracts.office import Company, Office
from tests.endurance.contracts.pages import Commitment, Row, commitments, has_finding, plan, projects, rows
from tests.endurance.contracts.people import Unexpected, words_of
from tests.endurance.contracts.running import Addresses
from tests.endurance.contracts.sending import Sending
from tests.endurance.contracts.tally import Tally

SENDERS, APPROVERS, READERS = 3, 3, 4
BETWEEN_LOOKS, BETWEEN_LINES = 1.0, 5.0  # seconds
SECONDS_TO_READ_BACK = 60.0
SECONDS_TO_READ_LISTS = 120.0
SECONDS_WITHOUT_PROGRESS = 120.0
MATCHES = "it matches what was accepted"

Work = dict[Company, list[Commitment]]


class Run:
    """The work on one set of commitments."""

    def __init__(self, addresses: Addresses, password: str, tally: Tally) -> None:
        self._simulator = addresses.simulator
        self._tally = tally
        self._office = Office(addresses.product, password)
        self._sending = Sending(self._office, tally)
        self._accepting = Accepting(tally)
        self._mending = Mending(self._office, self._sending, self._accepting, tally, self._let_at_job)
        # A proxy must not see local traffic.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._last_call = 0
        self._accepted: set[str] = set()  # submissions
        self._accepted_before: set[str] = set()  # numbers
        self.synced: dict[str, str] = {}
        """The address of its submission, by the commitment's."""

    def look(self, first: int | None) -> Work:
        """The commitments of both companies; only so many, taken evenly, where `first` says so."""
        found = {
            company: [each for path in projects(company.sender) for each in commitments(company.sender, path)]
            for company in self._office.companies
        }
        for company, all_of_it in found.items():
            accepted = [each for each in all_of_it if each.badge in {"Exporting", "Synced"}]  # with the demo
            self._accepted_before |= {each.number for each in accepted}
            found[company] = [each for each in all_of_it if each not in accepted]
        total = sum(map(len, found.values()))
        if first is not None and first < total:
            chosen = {number * total // first for number in range(first)}
            numbers = iter(range(total))
            found = {
                company: [each for each in all_of_it if next(numbers) in chosen]
                for company, all_of_it in found.items()
            }
        return found

    def wait_for_lists(self, work: Work) -> None:
        """Until Spectrum's vendors, jobs and phases are read: what is sent before is not checked by them."""
        for company, chosen in work.items():
            of_each_project = {each.project: each for each in chosen}
            for commitment in of_each_project.values():
                until = time.monotonic() + SECONDS_TO_READ_LISTS
                while has_finding(company.sender.opens(commitment.path), "masters-not-read"):
                    if time.monotonic() > until:
                        raise Unexpected("nobody reads Spectrum's master data")
                    time.sleep(BETWEEN_LOOKS)

    def deliver(self, work: Work) -> None:
        """Bring all of it into Spectrum. Raises Unexpected when nothing moves any more."""
        wanted = {each.path for chosen in work.values() for each in chosen}
        self._ask("faults", "DELETE")  # the demo's own story would move a record
        with ThreadPoolExecutor(SENDERS) as senders, ThreadPoolExecutor(APPROVERS) as approvers:
            sending = [senders.submit(self._send, *pair) for pair in _in_turn(work)]

            def all_sent() -> bool:
                for each in sending:
                    if each.done():
                        each.result()  # what went wrong stops everything
                return all(each.done() for each in sending)

            try:
                self._follow(work, wanted, all_sent, approvers)
            finally:
                for each in sending:
                    each.cancel()

    def compare(self, work: Work) -> dict[str, list[str]]:
        """Differences of the synced from what was shown, by commitment; the others are left out."""
        key = ("Company_Code", "Vendor_Code", "Subcontract_Number")
        stored = {
            tuple(each[name] for name in key): each for each in self._ask("records.json")["subcontracts"]
        }

        def look(pair: tuple[Company, Commitment]) -> tuple[str, list[str]]:
            company, commitment = pair
            return commitment.path, self._differences_of(company, commitment, stored)

        with ThreadPoolExecutor(READERS) as readers:
            ended = [pair for pair in _in_turn(work) if pair[1].path in self.synced]
            found = dict(readers.map(look, ended))
        shown = {each.key for each in self._accepting.seen.values()}
        foreign = [each for each in stored if each not in shown and each[2] not in self._accepted_before]
        found["Spectrum"] = [f"nobody accepted {' '.join(each)}" for each in foreign]
        return {path: each for path, each in found.items() if each}

    def _send(self, company: Company, commitment: Commitment) -> None:
        if commitment.badge == "Awaiting accounting":
            self._tally.count("sent")  # it was sent when the demo was loaded
        else:
            self._sending.send(company, commitment)

    def _follow(
        self,
        work: Work,
        wanted: set[str],
        all_sent: Callable[[], bool],
        approvers: ThreadPoolExecutor,
    ) -> None:
        """Accept what comes, until all of it is in Spectrum."""
        moved = said = time.monotonic()
        before = ""
        while not wanted <= self.synced.keys():
            sent = all_sent()
            decided = [self._decide(company, work[company], approvers) for company in work]
            self._tally.counts["begun in Spectrum"] += self._headers()
            if sent and not any(decided) and not self._is_exporting(work):
                self._mend(work)
                self._gather(work)
            now, time_is = self._tally.progress(), time.monotonic()
            if now != before:
                moved, before = time_is, now
            elif time_is - moved > SECONDS_WITHOUT_PROGRESS:
                raise Unexpected(f"nothing moves any more: {now}; {self._stuck(work)}")
            if time_is - said > BETWEEN_LINES:
                said = time_is
                self._tally.say(now)
            time.sleep(BETWEEN_LOOKS)

    def _decide(self, company: Company, chosen: Sequence[Commitment], approvers: ThreadPoolExecutor) -> bool:
        """Accept what waits; whether there was anything."""
        waiting = [
            (row, commitment)
            for row, commitment in _known(company, chosen, "ready-to-export")
            if row.path not in self._accepted
        ]
        accepting = [
            approvers.submit(self._accept, company, commitment, row.path) for row, commitment in waiting
        ]
        for each in accepting:
            each.result()
        self._accepted |= {row.path for row, _ in waiting}
        return bool(waiting)

    def _accept(self, company: Company, commitment: Commitment, submission: str) -> None:
        try:
            self._accepting.accept(company, commitment, submission)
        except ForTheProject as blocked:
            self._mending.send_back(company, commitment, submission, blocked.findings)

    def _headers(self) -> int:
        """How many subcontracts came to Spectrum since the last look."""
        calls = self._ask(f"calls.json?after={self._last_call}")["calls"]
        self._last_call = calls[-1]["id"] if calls else self._last_call
        return sum(call["method"] == "UpdateSubcontract" and call["stored"] for call in calls)

    def _is_exporting(self, work: Work) -> bool:
        return any(
            next(_known(company, chosen, "exporting"), None) is not None for company, chosen in work.items()
        )

    def _mend(self, work: Work) -> None:
        for company, chosen in work.items():
            for row, commitment in list(_known(company, chosen, "failed-to-export")):
                self._mending.mend(company, commitment, row)

    def _gather(self, work: Work) -> None:
        for company, chosen in work.items():
            self.synced |= {c.path: row.path for row, c in _known(company, chosen, "synced")}
        self._tally.counts["synced"] = len(self.synced)

    def _stuck(self, work: Work) -> str:
        views = ("ready-to-export", "exporting", "failed-to-export", "needs-attention")
        return "; ".join(
            f"{view}: {row.number} {row.remark}"
            for company, chosen in work.items()
            for view in views
            for row, _ in list(_known(company, chosen, view))[:5]
        )

    def _differences_of(
        self, company: Company, commitment: Commitment, stored: Mapping[tuple[str, ...], Mapping[str, Any]]
    ) -> list[str]:
        shown = self._accepting.seen[commitment.path]
        found = differences(shown, stored.get(shown.key))
        page = company.approver.opens(self.synced[commitment.path])
        until = time.monotonic() + SECONDS_TO_READ_BACK
        while MATCHES not in words_of(page) and time.monotonic() < until:
            time.sleep(BETWEEN_LOOKS)
            page = company.approver.opens(self.synced[commitment.path])
        if MATCHES not in words_of(page):
            found.append("the product does not say that it was read back and matches what was accepted")
        if plan(page) != shown:
            found.append("the product keeps another plan than it showed")
        return found

    def _let_at_job(self, company: Company, job: str) -> None:
        path = f"job-security/{company.code}/{job}/{self._office.admin.authorization_id(company)}"
        self._ask(path, "DELETE")

    def _ask(self, path: str, verb: str = "GET") -> Any:
        request = urllib.request.Request(f"{self._simulator}/simulator/{path}", method=verb)
        with self._opener.open(request, timeout=60) as answer:
            return json.load(answer)


def _known(company: Company, chosen: Sequence[Commitment], view: str) -> Iterator[tuple[Row, Commitment]]:
    """The rows of a view that are about the chosen commitments, with these."""
    of = {(each.project, each.kind, each.number): each for each in chosen}
    for row in rows(company.approver, company.tool, view):
        if commitment := of.get((row.project, row.kind, row.number)):
            yield row, commitment


def _in_turn(work: Work) -> list[tuple[Company, Commitment]]:
    """All of it, those of the companies mixed, so that both of their Spectrums have something to do."""
    each_with_place = [
        (number / len(chosen), company, commitment)
        for company, chosen in work.items()
        for number, commitment in enumerate(chosen)
    ]
    return [pair[1:] for pair in sorted(each_with_place, key=lambda each: each[0])]
