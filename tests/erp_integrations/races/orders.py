"""The orders in which the statements of two acts can follow one another, and playing them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from commitments.errors import CommitmentError
from commitments.models import Commitment
from directory.db.leases import LeaseLost
from directory.rights.permissions import RightMissing
from erp_integrations.connections.pauses import PauseError
from erp_integrations.links.linking import LinkError
from erp_integrations.submissions import DecisionError
from tests.erp_integrations.races.lanes import Lane, Stand
from tests.erp_integrations.races.photograph import photograph

ALL = os.environ.get("RACES") == "all"
SOME = (0.1, 0.25, 0.6)  # in the suite: where a leader is held, as a part of its way

REFUSALS = (
    DecisionError,
    CommitmentError,
    RightMissing,
    PauseError,
    LinkError,
    LeaseLost,
    Commitment.DoesNotExist,  # 404: the other one deleted it
)
"""A person is told of these, or a worker takes them. All else that is raised is a mistake of ours."""

Act = Callable[[], object]


@dataclass(frozen=True)
class Ended:
    """The result of each act, or its refusal."""

    first: Any
    second: Any

    @property
    def refusals(self) -> list[Exception]:
        """In the order of the acts."""
        return [result for result in (self.first, self.second) if isinstance(result, Exception)]


@dataclass(frozen=True)
class Order:
    """The leader runs to a point and is held; the other to a point of its own; then both go on.

    Without a point the other runs to its end, or to where the leader's locks hold it.
    """

    second_leads: bool
    leader: int
    other: int | None


class Race:
    """Two acts, from one state of the database, in every order or in some."""

    def __init__(self, first: Act, second: Act, judge: Callable[[Ended], None]) -> None:
        self._acts = (first, second)
        self._judge = judge
        self._lengths = [0, 0]  # in points, while nothing disturbs
        self.played = 0

    def play(self, *, alike: bool) -> None:
        """Play it; of two that are ``alike`` it does not matter who leads."""
        self._lanes = (Lane(), Lane())
        try:
            with photograph() as before:
                self._restore = before.restore
                for second_leads in (False, True):
                    # Undisturbed, the one after the other.
                    self._play(Order(second_leads, 0, 0))
                    self._lengths[second_leads] = self._lanes[second_leads].points
                for second_leads in (False,) if alike else (False, True):
                    (self._every if ALL else self._some)(second_leads)
        finally:
            for lane in self._lanes:
                lane.close()

    def _every(self, second_leads: bool) -> None:
        for leader in range(1, self._lengths[second_leads] + 1):
            other = 1
            while self._play(Order(second_leads, leader, other)):
                other += 1

    def _some(self, second_leads: bool) -> None:
        length, others = self._lengths[second_leads], self._lengths[not second_leads]
        for part in SOME:
            self._play(Order(second_leads, 1 + int(part * length), None))
        self._play(Order(second_leads, 1, 1 + others // 2))

    def _play(self, order: Order) -> bool:
        """True if the other came to its point; where it did not, later points make no other order."""
        self._restore()
        for lane, act in zip(self._lanes, self._acts, strict=True):
            lane.prepare(act)
        leader, other = self._lanes[::-1] if order.second_leads else self._lanes
        leader.run(to=order.leader)
        arrived = other.run(to=order.other) is Stand.HELD
        leader.run()
        other.run()
        for lane in (leader, other):
            lane.end()
        self.played += 1
        try:
            self._see()
        except BaseException as error:
            error.add_note(f"in the {order}")
            raise
        return arrived

    def _see(self) -> None:
        ended = Ended(self._lanes[0].result, self._lanes[1].result)
        for refusal in ended.refusals:
            if not isinstance(refusal, REFUSALS):
                raise AssertionError("not told, but broken down") from refusal
        self._judge(ended)
