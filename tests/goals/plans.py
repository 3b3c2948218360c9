"""Who is searched for, from where and how far: the part that runs in the suite, and the whole."""

from dataclasses import dataclass

from directory.models import Level
from tests.goals import people
from tests.goals.search import ROOTS, pairs

UNSENT, AWAITING, ACCEPTED, FAILED = "not sent yet", "awaits accounting", "accepted", "failed"


@dataclass(frozen=True)
class Part:
    """One party, from these beginnings, in at most so many steps; see ``Search.deepen``."""

    party: tuple[str, ...]
    roots: tuple[str, ...]
    depth: int
    to_decide: bool = False
    alone: bool = False


ON_THEIR_OWN = {
    *("staff of accounts", "staff of memberships", "staff who grant", "granting Directory admin"),
    *("company administrator", "approving company administrator"),
    *("granting staff of accounts", "creator with database role"),
    *("staff of companies", "superuser", people.OPERATOR, "granting Directory admin with creator"),
}
"""In the suite's part they have nobody's help: what they do there needs none."""

QUICK = tuple(
    Part(tuple(party.split(" with ")), roots, depth, to_decide=True, alone=party in ON_THEIR_OWN)
    for party, roots, depth in (
        ("approving project admin", (UNSENT,), 3),
        ("ERP admin", (AWAITING,), 2),
        ("approving ERP admin", (AWAITING,), 2),
        ("company administrator", (AWAITING,), 3),
        ("approving company administrator", (UNSENT,), 2),
        ("staff of accounts", (AWAITING,), 4),
        ("granting staff of accounts", (AWAITING,), 3),
        ("staff of memberships", (AWAITING,), 1),
        ("staff who grant", (AWAITING,), 1),
        ("granting Directory admin", (AWAITING,), 2),
        ("staff of links", (AWAITING, ACCEPTED), 2),
        ("staff of connections", (AWAITING, ACCEPTED), 2),
        ("staff of companies", (AWAITING,), 1),
        ("superuser", (AWAITING,), 1),
        (people.OPERATOR, (ACCEPTED, FAILED), 1),
        (people.BROKER, (ACCEPTED,), 2),
        (people.DATABASE, (ACCEPTED,), 2),
        ("creator with database role", (AWAITING,), 3),
        ("staff who grant with creator", (AWAITING,), 1),
        ("granting Directory admin with creator", (AWAITING,), 2),
    )
)
"""A minute at the most."""
QUICK_WALKS, WALKS = (4, 8), (400, 14)
"""How many by lot, and how long each."""


def whole(*, after: str = "") -> list[Part]:
    """Everybody from everywhere, and every two from where most can be done: an hour, more where others work.
    Only those that come ``after`` this party, for a run that was interrupted.
    """
    parts: list[Part] = []
    for name, hand in people.HANDS.items():
        writes = hand.kind is not None and hand.kind.commitments != Level.NONE
        deep: tuple[str, ...] = (UNSENT,) if writes else (AWAITING, ACCEPTED)
        if name == "superuser":
            deep = ()
        parts.append(Part((name,), deep, 3, to_decide=True))
        parts.append(Part((name,), tuple(root for root in ROOTS if root not in deep), 2, to_decide=True))
    parts.append(Part(("approving project admin",), (UNSENT, AWAITING), 4))
    parts.append(Part(("staff of accounts",), (AWAITING,), 4, to_decide=True))
    parts.append(Part((people.DATABASE,), (ACCEPTED,), 4))
    parts += [Part(pair, (AWAITING,), 2, to_decide=True) for pair in pairs()]
    done = max((at for at, part in enumerate(parts, 1) if " with ".join(part.party) == after), default=0)
    return parts[done:]
