"""Both life cycles of one commitment as docs/product.md, sections 3, 4 and 7 tell them.

Plain values, no table of the product.

Each act changes the model, or raises Refused and changes nothing.
"""

import os
from dataclasses import dataclass, field
from enum import StrEnum

WALKS = int(os.environ.get("WALKS", "0"))
CALLS = (1, 2, 3)
"""The header and two lines."""


class Refused(Exception):
    """May not be done now."""


class NoRight(Refused):
    """Not by this person."""


class Why(StrEnum):
    """How a delivery meets Spectrum."""

    STORED = "stored"
    REFUSED = "refused"
    WRITTEN_UNANSWERED = "written, and the answer is lost"
    LOST_UNANSWERED = "not written, and no answer"
    NOT_LET_IN = "not let in"
    DOWN = "no connection"


@dataclass
class Model:
    """Where everything stands."""

    reads_back: bool
    creator: str
    approvers: set[str]
    project_admins: set[str]

    decision: str = "none"  # or awaiting, retrieved, rejected, accepted, unlinked
    sent_by: str = ""
    hands: set[str] = field(default_factory=set)  # who sent or retrieved it since it was last exported
    barred: set[str] = field(default_factory=set)  # from deciding on what was sent
    decided_by: str = ""
    title: int = 0  # which version of it the project has
    sent_title: int = 0

    delivery: str = ""  # queued, synced, incomplete, failed, unknown; blank without an accepted submission
    written: set[int] = field(default_factory=set)  # what our books affirm of this job
    begun: bool = False  # whether a worker ever had it
    may_stand: bool = False  # whether a call of it was ever affirmed, or left without an answer
    goes_on: bool = False  # waits for no person
    due: bool = False
    quiet: bool = True  # no late write can come any more
    verified: str = ""

    spectrum: dict[int, int] = field(default_factory=dict)  # call -> version of the title; lines: 0
    holds_erp_id: bool = False
    left_behind: bool = False  # a part was in Spectrum when it was rejected

    paused: bool = False
    stopped: bool = False  # until a probe
    rests: bool = False  # until a while is over
    fault: bool = False

    history: list[str] = field(default_factory=list)
    mails: int = 0
    alarms: int = 0

    # The project

    def send(self, by: str) -> None:
        if by not in self.project_admins:
            raise NoRight
        if self.decision in ("awaiting", "accepted"):
            raise Refused
        self.decision, self.decided_by = "awaiting", ""
        self.sent_title = self.title
        self.sent_by = by
        self.hands.add(by)
        self.barred = {self.creator, *self.hands}
        self.history.append("submission.sent")

    def retrieve(self, by: str) -> None:
        if by not in self.project_admins:
            raise NoRight
        if self.decision != "awaiting":
            raise Refused
        self.decision = "retrieved"
        self.hands.add(by)
        self.history.append("submission.retrieved")

    def edit(self) -> None:
        if self.lock != "none":
            raise Refused
        self.title += 1
        self.history.append("commitment.changed")

    # An approver decides

    def _decides(self, by: str) -> None:
        if by not in self.approvers or by in self.barred:
            raise NoRight

    def accept(self, by: str, *, looked: bool) -> None:
        self._decides(by)
        if self.decision != "awaiting" or not looked:
            raise Refused
        self.decision, self.decided_by, self.holds_erp_id = "accepted", by, True
        self.delivery, self.written, self.verified = "queued", set(), ""
        self.begun = self.may_stand = False
        self.goes_on = self.due = self.quiet = True
        self.history.append("submission.accepted")

    def reject(self, by: str) -> None:
        self._decides(by)
        after_export = self.decision == "accepted" and self.delivery in ("failed", "incomplete")
        if self.decision != "awaiting" and not (after_export and self.quiet):
            raise Refused
        self.left_behind |= bool(self.written)
        self.decision, self.decided_by, self.delivery = "rejected", by, ""
        self.holds_erp_id = self.left_behind
        self.history.append("submission.rejected")
        self.mails += len({self.creator, self.sent_by})

    def undo(self, by: str) -> None:
        self._decides(by)
        if self.decision != "accepted" or self.delivery != "queued" or self.may_stand:
            raise Refused
        self._take_back()
        self.history.append("submission.undone")

    def retry(self, by: str) -> None:
        self._decides(by)
        if self.decision != "accepted" or self.delivery != "failed" or not self.quiet:
            raise Refused
        self.delivery, self.decided_by = "queued", by
        self.goes_on = self.due = True
        self.history.append("export.retried")

    def resume(self, by: str) -> None:
        self._decides(by)
        if self.decision != "accepted" or self.delivery != "incomplete" or not self.quiet:
            raise Refused
        if self.goes_on and self.due:
            raise Refused
        self.goes_on = self.due = True
        self.history.append("export.resumed")

    def resolve(self, by: str, there: set[int]) -> None:
        self._decides(by)
        if self.decision != "accepted" or self.delivery != "unknown" or not self.quiet or self.reads_back:
            raise Refused
        if 1 not in there:  # the header is not as it was sent, so all of it is sent again
            there = set()
            self.decided_by = by
        self._is_known(there, "attested")
        if self.delivery != "queued":
            self.verified = "attested"

    def may_unlink(self, by: str) -> bool:
        """True if it is theirs to say that the record is gone."""
        try:
            self._may_unlink(by)
        except Refused:
            return False
        return True

    def unlink(self, by: str) -> None:
        """``spectrum`` is what it is when the person presses the button."""
        self._may_unlink(by)
        if self.reads_back and self.spectrum:
            raise Refused
        self.decision, self.delivery, self.written = "unlinked", "", set()
        self.holds_erp_id = self.left_behind = False
        self.history.append("submission.unlinked")

    def _may_unlink(self, by: str) -> None:
        self._decides(by)
        if by not in self.project_admins:
            raise NoRight
        if self.decision != "accepted" or self.delivery not in ("synced", "incomplete") or not self.quiet:
            raise Refused

    # Rights, and the connection

    def revoke(self, person: str) -> None:
        if person in self.approvers:
            self.history.append("privilege.revoked")
        self.approvers.discard(person)

    def grant(self, person: str) -> None:
        if person not in self.approvers:
            self.history.append("privilege.granted")
        self.approvers.add(person)

    def sweep(self) -> None:
        if self.delivery == "queued" and self.decided_by not in self.approvers:
            self._take_back()
            self.history.append("submission.returned")

    def pause(self) -> None:
        if self.paused:
            raise Refused
        self.paused = True
        self.history.append("connection.paused")

    def let_go_on(self) -> None:
        if not self.paused:
            raise Refused
        self.paused = False
        self.history.append("connection.resumed")

    def time_passes(self) -> None:
        self.due = self.due or self.goes_on
        self.quiet = True
        self.rests = False

    def probe(self) -> None:
        """Spectrum answers again; a connection that only rests is not probed."""
        if not self.stopped:
            return
        self.stopped = self.fault = False
        self.due = self.due or (self.goes_on and self.begun)
        self.history.append("connection.reopened")

    # The machine

    @property
    def can_deliver(self) -> bool:
        waits = self.delivery in ("queued", "incomplete") and self.goes_on and self.due
        return waits and not (self.paused or self.stopped or self.rests)

    @property
    def missing(self) -> list[int]:
        return [call for call in CALLS if call not in self.written]

    def deliver(self, why: Why, at: int) -> None:
        """A worker takes it up, and meets ``why`` at the ``at``th of the calls that are missing."""
        if not self.can_deliver:
            return
        if not self.written and self.decided_by not in self.approvers:
            self._take_back()
            self.history.append("submission.returned")
            return
        self.begun = True
        self.history.append("export.started")
        missing = self.missing
        for number, call in enumerate(missing, start=1):
            if why is Why.DOWN or (why is not Why.STORED and number == min(at, len(missing))):
                self._stop(call, why)
                return
            self._write(call)
            self.written.add(call)
            self.may_stand = True
            if self.fault:
                self.fault = False
                self.history.append("connection.reopened")
        self.delivery, self.goes_on = "synced", False
        self.hands.clear()
        self.verified = "pending" if self.reads_back else self.verified or "not_configured"
        self.history.append("export.synced")

    def look(self) -> None:
        """Spectrum is read back."""
        if not self.reads_back:
            return
        if self.delivery == "unknown" and self.quiet:
            self._is_known(self.as_sent, "found")
            if self.delivery == "synced":
                self.verified = "match"
        elif self.delivery == "synced" and self.verified == "pending":
            self.verified = "match"
            self.history.append("export.verified")

    @property
    def as_sent(self) -> set[int]:
        """The calls of this job whose content Spectrum has, whoever wrote it."""
        return {call for call, version in self.spectrum.items() if version == self._version(call)}

    def _version(self, call: int) -> int:
        return self.sent_title if call == 1 else 0

    def _write(self, call: int) -> None:
        self.spectrum[call] = self._version(call)

    def _stop(self, call: int, why: Why) -> None:
        match why:
            case Why.WRITTEN_UNANSWERED | Why.LOST_UNANSWERED:
                if why is Why.WRITTEN_UNANSWERED:
                    self._write(call)
                self.delivery, self.quiet, self.goes_on, self.may_stand = "unknown", False, False, True
                self.alarms += not self.reads_back
                self.history.append("export.unknown")
            case Why.REFUSED:
                self.delivery = "incomplete" if self.written else "failed"
                self.goes_on = self.due = False
                self.alarms += 1
                self.history.append(f"export.{self.delivery}")
            case Why.NOT_LET_IN | Why.DOWN:
                if not self.fault:
                    self.alarms += 1
                    self.history.append("connection.stopped")
                self.fault = True
                self.stopped = why is Why.DOWN
                self.rests = not self.stopped
                self.delivery = "incomplete" if self.written else "queued"
                self.goes_on, self.due = True, False
                self.history.append("export.put_off")

    def _is_known(self, there: set[int], how: str) -> None:
        self.written = set(there)
        known = "all" if there == set(CALLS) else "part" if there else "none"
        self.delivery = {"all": "synced", "part": "incomplete", "none": "queued"}[known]
        self.goes_on = self.due = known != "all"
        if known == "all":
            self.hands.clear()
        self.history.append(f"export.{how}_{known}")

    def _take_back(self) -> None:
        self.decision, self.decided_by, self.delivery = "awaiting", "", ""
        self.holds_erp_id = self.left_behind

    # What is shown

    @property
    def lock(self) -> str:
        if self.decision == "accepted" and self.delivery == "synced":
            return "exported"
        return "whole" if self.decision in ("awaiting", "accepted") else "none"

    @property
    def badge(self) -> str:
        if self.decision != "accepted":
            return {"none": "not_sent"}.get(self.decision, self.decision)
        shown = {"queued": "exporting", "incomplete": "needs_attention", "unknown": "needs_attention"}
        return shown.get(self.delivery, self.delivery)

    def buttons(self, person: str) -> set[str]:
        """The offers of the approvers' page to this person."""
        if person not in self.approvers or person in self.barred:
            return set()
        if self.decision == "awaiting":
            return {"accept", "reject"}
        shown = {"accept", "reject"} if self.delivery == "failed" else set()
        if self.delivery == "queued" and not self.begun:
            shown.add("undo")
        if self.delivery == "incomplete" and self.quiet:
            shown |= {"reject", "unlink"} | (set() if self.goes_on and self.due else {"resume"})
        if self.delivery == "unknown" and self.quiet and not self.reads_back:
            shown.add("resolve")
        if self.delivery == "synced" and self.quiet:
            shown.add("unlink")
        return shown
