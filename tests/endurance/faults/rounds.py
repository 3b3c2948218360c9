"""One round: people work and things break; then all of it settles, and the judge looks."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.endurance.contracts.office import Office
from tests.endurance.contracts.pages import has_finding
from tests.endurance.contracts.people import Away, Person, Unexpected, words_of
from tests.endurance.contracts.running import Addresses
from tests.endurance.contracts.tally import Tally
from tests.endurance.faults.breaking import Breaking, waits
from tests.endurance.faults.deeds import Deed
from tests.endurance.faults.judge import COUNTS, Complaint, judge, was_refused, without_mail
from tests.endurance.faults.ledger import Kinds, Round
from tests.endurance.faults.schedule import Blow, schedule
from tests.endurance.faults.stage import LEASE, QUIET
from tests.endurance.faults.striking import Striking
from tests.endurance.faults.working import Working

SECONDS_TO_SETTLE = 150.0  # and as long as something still changes, up to four times that
SECONDS_UNCHANGED = LEASE + QUIET + 15.0  # after which an open question stays one
SECONDS_AT_REST = 20.0  # after which a person looks after what stopped half-way
SECONDS_FOR_MAILS = 150.0  # a refused mail waits 30 s for its second try, 60 s for its third
SECONDS_TO_READ_LISTS = 120.0
FAILED_MAILS = "/admin/notifications/outgoingemail/"
PREFIX = "R{:03}-"


class Rounds:
    """Plays rounds on servers that stay up between them."""

    def __init__(
        self, addresses: Addresses, office: Office, sheet: Sequence[dict[str, str]], tally: Tally
    ) -> None:
        self._addresses = addresses
        self._office = office
        self._sheet = sheet
        self._tally = tally

    def wait_for_lists(self) -> None:
        """Until both connections have read Spectrum's master data. Raises Unexpected when they don't."""
        for company in self._office.companies:
            path = next(each["path"] for each in self._sheet if each["company"] == company.slug)
            if not waits(partial(_is_checked, company.sender, path), SECONDS_TO_READ_LISTS):
                raise Unexpected("nobody reads Spectrum's master data")

    def play(self, round_: Round, *, quick: bool) -> None:
        """Fill in what came of it. Raises what the machinery raises when it can't go on."""
        prefix = PREFIX.format(round_.number)
        breaking = Breaking(self._addresses, random.Random(f"{round_.seed} targets"))
        mine = [each for each in self._sheet if each["number"].startswith(prefix)]
        working = Working(self._office, mine, round_.seed, lambda: breaking.kind)
        first = max((call["id"] for call in breaking.recent()), default=0)
        began = time.monotonic()
        blows = schedule(round_.seed, quick=quick, pause=round_.pause)
        striking = Striking(self._addresses, breaking, random.Random(f"{round_.seed} choices"))
        breaking.kind = "nothing yet"
        working.begin()
        for number, blow in enumerate(blows, start=1):
            striking.strike(blow)
            self._say(number, blow, len(blows), working, breaking, began)
        working.end()
        breaking.heal_spectrum()
        self._tally.say("nothing is broken any more; waiting for what is under way")
        answered = self._settle(working, prefix)
        mails = self._addresses.var / "mail"
        self._wait_for_mails(working, prefix)
        calls = breaking.calls(first)
        complaints = working.winners + judge(working.deeds, breaking.records(), calls, mails, prefix=prefix)
        odd = [
            (deed, remark)
            for deed, said, remark in answered
            if said == "failed-to-export" and not was_refused(deed, calls)
        ]
        self._report(round_, blows, working, breaking, complaints)
        round_.unexplained = len(odd)
        round_.answered = len(answered)
        round_.seconds = round(time.monotonic() - began, 1)
        round_.whole = True
        self._print(working, complaints, odd, calls)

    def _say(
        self, number: int, blow: Blow, of: int, working: Working, breaking: Breaking, began: float
    ) -> None:
        decisions = working.deciding.decisions.total()
        minutes = (time.monotonic() - began) / 60
        fault = f": {blow.fault} {blow.method}".rstrip() if blow.fault else ""
        self._tally.say(
            f"{number}/{of} {blow.kind}{fault}; {decisions} decisions, {decisions / minutes:.0f} a minute, "
            f"{breaking.kills.total()} kills{working.crowded}"
        )

    def _settle(self, working: Working, prefix: str) -> list[tuple[Deed, str, str]]:
        """Until everything accepted is in Spectrum, or a person is asked and nothing changes by itself.

        A person answers what failed, or stays half-way; returns those, where they stood, and what was said.
        """
        began = changed = time.monotonic()
        before = list[str]()
        answered: dict[str, tuple[Deed, str, str]] = {}
        while time.monotonic() < min(
            max(began + SECONDS_TO_SETTLE, changed + SECONDS_UNCHANGED), began + 4 * SECONDS_TO_SETTLE
        ):
            working.look_up(prefix)
            accepted = [deed for deed in working.deeds if deed.what == "accepted"]
            stands = [deed.said for deed in accepted]
            if set(stands) <= {"synced"}:
                time.sleep(QUIET)  # a commit that comes late
                working.look_up(prefix)
                break
            # What stopped half-way may go on by itself, when its turn comes.
            rests = time.monotonic() - changed > SECONDS_AT_REST
            for deed in accepted:
                if deed.said == "failed-to-export" or (rests and deed.said == "needs-attention"):
                    said, remark = deed.said, deed.remark
                    if working.deciding.answer(deed):
                        answered.setdefault(deed.submission, (deed, said, remark))
            if stands != before:
                changed, before = time.monotonic(), stands
            elif time.monotonic() - changed > SECONDS_UNCHANGED and "exporting" not in stands:
                break
            time.sleep(3)
        return list(answered.values())

    def _wait_for_mails(self, working: Working, prefix: str) -> None:
        """The administrator sends again what was refused for good."""
        mails = self._addresses.var / "mail"
        working.deciding.surely(lambda: _send_again(self._office.admin.person))
        waits(lambda: not without_mail(working.deeds, mails, prefix=prefix), SECONDS_FOR_MAILS)

    def _report(
        self,
        round_: Round,
        blows: Iterable[Blow],
        working: Working,
        breaking: Breaking,
        complaints: Iterable[Complaint],
    ) -> None:
        kinds: Kinds = {}

        def add(kind: str, name: str, count: int = 1) -> None:
            counted = kinds.setdefault(kind, dict.fromkeys(("times", "kills", "decisions", *COUNTS), 0))
            counted[name] += count

        for blow in blows:
            add(blow.kind, "times")
        for kind, count in breaking.kills.items():
            add(kind, "kills", count)
        for kind, count in working.deciding.decisions.items():
            add(kind, "decisions", count)
        for what, kind, _ in complaints:
            add(kind, what)
        round_.kinds = kinds
        round_.stands = dict(
            Counter(f"{deed.what}: {deed.said or 'with its project'}" for deed in working.deeds)
        )
        round_.questions = sum(deed.said in {"failed-to-export", "needs-attention"} for deed in working.deeds)
        round_.cuts = working.deciding.cuts

    def _print(
        self,
        working: Working,
        complaints: Iterable[Complaint],
        odd: Iterable[tuple[Deed, str]],
        calls: Sequence[Mapping[str, Any]],
    ) -> None:
        for line in working.deciding.refused:
            print(f"not done by a person: {line}")
        for deed in working.deeds:
            if deed.said in {"failed-to-export", "needs-attention"}:
                print(f"open question: {deed.submission} ({deed.step}): {deed.said}: {deed.remark}")
                _tell(deed, calls)
        for deed, remark in odd:
            print(f"UNEXPLAINED ({deed.step}): {deed.submission} {remark}")
            _tell(deed, calls)
        for what, kind, sentence in complaints:
            print(f"{what.upper()} ({kind}): {sentence}")
            for deed in working.deeds:
                if deed.submission in sentence or deed.commitment.number in sentence.split():
                    _tell(deed, calls)


def _is_checked(sender: Person, path: str) -> bool:
    """True if its links are checked by the lists that Spectrum gave."""
    return not has_finding(sender.opens(path), "masters-not-read")


def _tell(deed: Deed, calls: Iterable[Mapping[str, Any]]) -> None:
    """All that is known of it."""
    print("".join(f"    {line}\n" for line in deed.told), end="")
    names = ("id", "received_at", "method", "fault", "outcome", "wire", "milliseconds", "stored")
    for call in calls:
        if call["number"] == deed.commitment.number:
            print(f"    {' '.join(f'{name}={call[name]}' for name in names)}")
    address = f"{deed.submission}"
    page = deed.company.approver.opens(address)
    timeline = page.find(".//*[@id='timeline']")
    if timeline is not None:
        print("".join(f"    history: {words_of(each)}\n" for each in timeline.iter("li")), end="")


def _send_again(admin: Person) -> None:
    """Choose all failed e-mails in Django admin, and the action for them."""
    page = admin.opens(f"{FAILED_MAILS}?status__exact=failed")
    chosen = [box.get("value", "") for box in page.iterfind(".//input[@name='_selected_action']")]
    action = {"action": "send_again", "_selected_action": chosen, "select_across": "1"}  # of all pages
    if chosen and admin.sends(FAILED_MAILS, action) is not None:
        raise Away("the administrator could not send failed e-mails again")


def now() -> str:
    """To the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
