"""Who is searched for, from where and how far: the part that runs in the suite, and the whole."""

from dataclasses import dataclass

from tests.goals import people
from tests.goals.search import ROOTS, pairs, singles

UNSENT, AWAITING, ACCEPTED, FAILED = "not sent yet", "awaits accounting", "accepted", "failed"


@dataclass(frozen=True)
class Part:
    """One party, from these beginnings, in at most so many steps; see ``Search.deepen``."""

    party: tuple[str, ...]
    roots: tuple[str, ...]
    depth: int
    to_decide: bool = False


QUICK = tuple(
    Part(tuple(party.split(" with ")), roots, depth, to_decide=True)
    for party, roots, depth in (
        ("approving project admin", (UNSENT,), 3),
        ("ERP admin", (AWAITING,), 2),
        ("staff of accounts", (AWAITING,), 4),
        ("staff of memberships", (AWAITING,), 1),
        ("staff who grant", (AWAITING,), 1),
        ("granting Directory admin", (AWAITING,), 2),
        ("staff of links", (AWAITING, ACCEPTED), 2),
        ("staff of connections", (AWAITING,), 2),
        ("staff of companies", (AWAITING,), 1),
        ("superuser", (AWAITING,), 1),
        (people.OPERATOR, (ACCEPTED, FAILED), 1),
        (people.BROKER, (ACCEPTED,), 2),
        (people.DATABASE, (ACCEPTED,), 2),
        ("staff who grant with creator", (AWAITING,), 2),
        ("granting Directory admin with creator", (AWAITING,), 2),
    )
)
"""A minute at the most."""
DEEPER = {"approving project admin": 5, "staff of accounts": 4, people.DATABASE: 4, people.BROKER: 4}
QUICK_WALKS, WALKS = (4, 8), (400, 14)
"""How many by lot, and how long each."""


def whole() -> list[Part]:
    """Everybody from everywhere, and every two from where most can be done."""
    everywhere = tuple(ROOTS)
    alone = [Part(party, everywhere, 2 if party == ("superuser",) else 3) for party in singles()]
    alone += [Part((name,), (UNSENT, AWAITING, ACCEPTED), depth) for name, depth in DEEPER.items()]
    return alone + [Part(party, (AWAITING,), 1 if "superuser" in party else 2) for party in pairs()]
