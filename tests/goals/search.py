"""Every sequence up to a length, shortest first, and then long ones by lot.

One world is made; each step happens in a savepoint and is undone. What was seen before, with as many steps
left, is not looked at again: a state is what the tables hold but numbers and times, and what the judge knows.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from django.db import connection as database
from django.db import transaction

from commitments.models import LineItem
from directory.models import CompanyMembership, ProjectMembership, User
from erp_integrations.models import ExportJob
from tests.factories import ExportJobFactory
from tests.goals import people, world
from tests.goals.aims import APPROVER, ELSEWHERE, OWN_CONTENT
from tests.goals.judging import Book, Judge, Moment, Step, approvers_of
from tests.goals.moves import MOVES, Desk, Impossible, Move
from tests.goals.world import Rows, World, undone
from tests.rights.world import LONG_AGO, Browser

WORKER = "worker"
TRIES_PER_STEP = 4
"""By lot, much is chosen for which there is no form."""
ACCEPTS = "accepts it as it is shown"
AFTER_ACCEPT = ("accepted", "failed", "incomplete", "unknown", "synced")
ABOUT = {move.what: move.about for move in MOVES}
ENDS = {OWN_CONTENT, ELSEWHERE, APPROVER}
"""Goals after which there is nothing more to want."""


@dataclass(frozen=True)
class Way:
    """A goal, and the steps by which these people reached it."""

    goal: str
    party: tuple[str, ...]
    shown_by: str
    root: str
    steps: tuple[Step, ...]

    @property
    def own(self) -> frozenset[tuple[str, str]]:
        """Their own acts."""
        return frozenset((step.hand, step.what) for step in self.steps if step.hand in self.party)

    @property
    def is_late(self) -> bool:
        """True if money was turned after somebody had accepted: that other rules have to stop."""
        if self.goal != ELSEWHERE or self.root in AFTER_ACCEPT:
            return self.goal == ELSEWHERE
        first = next(step for step in self.steps if step.hand in self.party or step.what == ACCEPTS)
        return first.hand not in self.party

    def is_in(self, other: "Way") -> bool:
        """True if the other one does all of this and more."""
        alike = (self.goal, self.is_late) == (other.goal, other.is_late)
        return alike and self.own <= other.own

    @property
    def line(self) -> str:
        """By which a list names it."""
        did = "; ".join(f"{step.hand}: {step.what}" for step in self.steps if step.hand in self.party)
        return f"{self.goal} | {did}{'; after Accept' if self.is_late else ''}"

    def __str__(self) -> str:
        head = f"goal {self.goal}, {' with '.join(self.party)}, from “{self.root}”: {self.shown_by}"
        return "\n".join([head, *(f"  {number}. {step}" for number, step in enumerate(self.steps, 1))])


@dataclass
class Found:
    """The result of a search."""

    sequences: int = 0
    states: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    """Of these, how long this process worked: the rest it waited for the database and for others."""
    ways: list[Way] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    """Somebody's move that changed anything: by what it lacks, a move whose form has changed is seen."""

    def __str__(self) -> str:
        size = f"{self.sequences:,} sequences, {self.states:,} states"
        return f"{size}, {len(self.ways)} ways, {self.seconds:.0f} s"

    def add(self, way: Way) -> None:
        """Only what no shorter one is a part of."""
        if not any(known.is_in(way) for known in self.ways):
            self.ways = [known for known in self.ways if not way.is_in(known)] + [way]


# Where it begins

Root = Callable[[World, Book, "Search"], None]


def _unsent(there: World, book: Book, search: "Search") -> None:
    pass


def _awaiting(there: World, book: Book, search: "Search") -> None:
    search.honestly("sends it to accounting", people.SENDER, book)


def _accepted(there: World, book: Book, search: "Search") -> None:
    _awaiting(there, book, search)
    search.honestly(ACCEPTS, people.APPROVER, book)


def _stopped(**trait: object) -> Root:
    def make(there: World, book: Book, search: "Search") -> None:
        _accepted(there, book, search)
        ExportJobFactory(submission=ExportJob.objects.get().submission, **trait)

    return make


def _synced(there: World, book: Book, search: "Search") -> None:
    _accepted(there, book, search)
    search.honestly("exports what is due", WORKER, book)


def _doubled(there: World, book: Book, search: "Search") -> None:
    first, second = LineItem.objects.filter(commitment=there.commitment).order_by("position")
    second.cost_code = first.cost_code
    second.save()


ROOTS: dict[str, Root] = {
    "not sent yet": _unsent,
    "awaits accounting": _awaiting,
    "accepted": _accepted,
    "failed": _stopped(failed=True),
    "incomplete": _stopped(incomplete=True),
    "unknown": _stopped(unknown=True, quiet_until=LONG_AGO),
    "synced": _synced,
    "two lines alike": _doubled,
}


@dataclass
class Search:
    """By one party, in one world."""

    there: World
    party: tuple[str, ...]
    found: Found
    judge: Judge = field(init=False)
    seen: dict[object, int] = field(default_factory=dict)
    known: dict[object, object] = field(default_factory=dict)
    """Where each step leads to; None: nowhere, so that it is not taken a second time."""
    to_decide: bool = False
    alone: bool = False

    def __post_init__(self) -> None:
        for name in self.party:
            self.there.add(people.HANDS[name])
        self.judge = Judge(self.there, self.party, approvers_of(self.there, self.party))

    def honestly(self, what: str, hand: str, book: Book) -> None:
        """One step of the honest people, which has to succeed."""
        move = next(each for each in MOVES if each.what == what)
        before = world.signature(world.rows())
        _, after = self.take(move, hand, hand, book, world.rows())
        assert world.signature(after) != before, f"{hand} could not: {what}"

    def begin(self, root: str) -> Book:
        """The book of what was before anybody tried anything."""
        book = Book(wrote=frozenset({people.CREATOR, people.SENDER}))
        for name in (*people.HONEST, *self.party):
            if name in self.there.accounts:
                account = self.there.accounts[name]
                book.sessions[(name, name)] = Browser(account)
                book.reads[account.email] = name
        ROOTS[root](self.there, book, self)
        book.steps = ()
        return book

    def take(
        self, move: Move, hand: str, account: str, book: Book, before: Rows
    ) -> tuple[list[tuple[str, str]], Rows]:
        """Make a move; what it reached, and how it is then. Raises Impossible."""
        since = Moment.now()
        step = Step(hand, move.what, account)
        move.act(Desk(self.there, book, hand, account))
        after = world.rows()
        if move.writes and _content(before) != _content(after):
            book.wrote |= {hand}
        book.steps = (*book.steps, step)
        return self.judge.after(step, book, since, before, after), after

    # The moves there are

    def offered(self, book: Book) -> Iterator[tuple[Move, str, str]]:
        """Each with the hand and the account: those of the party first."""
        for hand in self.party:
            for (whose, account), _ in sorted(book.sessions.items()):
                if whose == hand:
                    areas, permissions = _areas(self.there.accounts[account])
                    yield from (
                        (move, hand, account)
                        for move in MOVES
                        if move.area in areas and (not move.permission or move.permission in permissions)
                    )
            without_browser = {
                people.OPERATOR: "operator",
                people.BROKER: "broker",
                people.DATABASE: "database",
            }
            area = without_browser.get(hand)
            yield from ((move, hand, "") for move in MOVES if move.area == area)
            for target in (people.FORMER, people.INVITED, people.APPROVER, people.ROOT):
                email = User.objects.get(pk=self.there.accounts[target].pk).email
                if (hand, target) in book.knows or book.reads.get(email) == hand:
                    yield from ((move, hand, target) for move in MOVES if move.area == "stranger's account")
        for move in () if self.alone else MOVES:
            yield from ((move, hand, hand) for hand in move.honest)
            if move.area == "worker":
                yield move, WORKER, ""

    # Every one

    def deepen(
        self, roots: Iterable[str], depth: int, *, to_decide: bool = False, alone: bool = False
    ) -> None:
        """Every sequence of at most so many steps, the shorter ones first.

        ``to_decide``: of those of more than one step, the ones that are about one account and end where
        something may leave. ``alone``: the honest people do nothing meanwhile.
        """
        self.to_decide, self.alone = to_decide, alone
        for limit in range(1, depth + 1):
            for root in roots:
                with undone():
                    book = self.begin(root)
                    self._further(book, limit, root, world.rows())

    def _further(self, book: Book, left: int, root: str, before: Rows) -> None:
        here = (world.signature(before), book.key)
        if left <= self.seen.get(here, 0):
            return
        if here not in self.seen:
            self.found.states += 1
        self.seen[here] = left
        for move, hand, account in list(self.offered(book)):
            if self.to_decide and self._leads_away(move, book, left):
                continue
            step = (here, move.what, hand, account)
            if step in self.known:
                there = self.known[step]
                if there is None or left - 1 <= self.seen.get(there, 0):
                    continue
            with undone():
                copy, accounts = book.copy(), dict(self.there.accounts)
                after = self._step(move, hand, account, copy, root, before)
                there = (world.signature(after), copy.key) if after is not None else None
                self.known[step] = there if there != here else None
                if after is not None and there != here and left > 1:
                    self._further(copy, left - 1, root, after)
                self.there.accounts = accounts

    @staticmethod
    def _leads_away(move: Move, book: Book, left: int) -> bool:
        """True where it does not decide at the end, or is done to another account than the one before."""
        if left == 1 and book.steps and not move.decides:
            return True
        before = {ABOUT.get(step.what) for step in book.steps} - {"", None}
        return bool(move.about and before - {move.about})

    def _step(self, move: Move, hand: str, account: str, book: Book, root: str, before: Rows) -> Rows | None:
        """How it is then, if it is worth going on from there."""
        self.found.sequences += 1
        try:
            reached, after = self.take(move, hand, account, book, before)
        except Impossible:
            return None
        if after != before:
            self.found.moved.add(move.what)
        for goal, shown_by in reached:
            self.found.add(Way(goal, self.party, shown_by, root, book.steps))
        return None if any(goal in ENDS for goal, _ in reached) else after

    # By lot

    def wander(self, lot: random.Random, length: int) -> None:
        """One long sequence; what changes nothing is no step of it."""
        root = lot.choice(list(ROOTS))
        with undone():
            accounts = dict(self.there.accounts)
            book = self.begin(root)
            rows = world.rows()
            for _ in range(length * TRIES_PER_STEP):
                move, hand, account = lot.choice(list(self.offered(book)))
                copy, before_it = book.copy(), transaction.savepoint()
                after = self._step(move, hand, account, copy, root, rows)
                if after is None and copy.steps != book.steps:
                    break  # there is nothing more to want
                if after is None:
                    transaction.savepoint_rollback(before_it)
                elif after != rows or copy.key != book.key:
                    book, rows = copy, after
                if len(book.steps) == length:
                    break
            self.there.accounts = accounts


def _content(rows: Rows) -> object:
    """The lines of every commitment, and whether accounting is asked to pay them."""
    names = ("commitment_id", "cost_code_id", "billing_item", "quantity", "amount")
    lines = [tuple(row[name] for name in names) for row in rows["commitments.lineitem"].values()]
    heads = [
        (key, row["contract_company_id"], row["badge"]) for key, row in rows["commitments.commitment"].items()
    ]
    return lines, heads


def _areas(account: User) -> tuple[set[str], set[str]]:
    """Which moves are offered to an account at all, as it is now, and its permissions in Django admin."""
    person = User.objects.get(pk=account.pk)
    areas: set[str] = set()
    if ProjectMembership.objects.filter(user=person).exclude(commitments_level="none").exists():
        areas.add("project")
    held = CompanyMembership.objects.filter(user=person).first()
    if held is not None:
        if held.erp_integrations_level != "none":
            areas |= {"erp"}
        if held.erp_integrations_level == "admin":
            areas |= {"erp admin"}
        if "admin" in (held.erp_integrations_level, held.directory_level):
            areas |= {"directory"}
        if held.is_administrator:
            areas |= {"company"}
        if held.can_push_to_accounting:
            areas |= {"own"}
    if person.is_staff:
        areas.add("staff")
    return areas, person.get_all_permissions()


class Planned(Protocol):
    """See ``tests/goals/plans.py``."""

    @property
    def party(self) -> tuple[str, ...]: ...

    @property
    def roots(self) -> tuple[str, ...]: ...

    @property
    def depth(self) -> int: ...

    @property
    def to_decide(self) -> bool: ...

    @property
    def alone(self) -> bool: ...


def run(
    there: World,
    parts: Sequence[Planned],
    *,
    walks: int = 0,
    walkers: Sequence[Planned] = (),
    length: int = 0,
    seed: int = 1,
    report: Callable[[str], object] = lambda _: None,
) -> Found:
    """All of it, and so many sequences by lot; everything is undone."""
    found, begun, worked = Found(), time.monotonic(), time.process_time()
    with database.cursor() as cursor:
        # All of it is one transaction, which may rest for minutes on a busy machine.
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
    for part in parts:
        with undone():
            Search(_alone(there), part.party, found).deepen(
                part.roots, part.depth, to_decide=part.to_decide, alone=part.alone
            )
        found.seconds = time.monotonic() - begun
        report(f"{' with '.join(part.party)}: {found}")
    lot = random.Random(seed)
    for _ in range(walks):
        with undone():
            Search(_alone(there), lot.choice(walkers or parts).party, found).wander(lot, length)
    found.seconds, found.busy = time.monotonic() - begun, time.process_time() - worked
    return found


def _alone(there: World) -> World:
    """The world, with accounts of its own to add to."""
    return World(
        there.company,
        there.project,
        there.connection,
        there.elsewhere,
        there.commitment,
        dict(there.accounts),
    )


def pairs() -> list[tuple[str, ...]]:
    return list(itertools.combinations(people.HANDS, 2))
