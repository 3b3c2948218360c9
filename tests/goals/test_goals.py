"""Goals by any sequence: the part of the search that a suite has time for. See docs/goals.md.

``GOALS`` in the environment is how `script/goals` asks for more, and where it wants to be told.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from erp_integrations.models import Submission
from tests.goals import places, plans, rules, search, world
from tests.goals.aims import OWN_CONTENT
from tests.goals.moves import MOVES
from tests.goals.search import Found
from tests.goals.world import World

pytestmark = pytest.mark.django_db

OPEN = Path(__file__).with_name("open_ways.txt")
ASKED = json.loads(os.environ.get("GOALS", "{}"))


def open_ways() -> set[str]:
    """Ways that are known, one a line; what begins with # is a remark."""
    lines = OPEN.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_everything_that_can_be_asked_has_a_place_in_the_search() -> None:
    assert places.without_a_place() == []


def test_nothing_has_a_place_that_is_not_there() -> None:
    assert places.placed_in_vain() == []
    assert places.placed_twice() == []


def test_every_table_is_one_that_steers_or_one_that_does_not() -> None:
    there = world.tables()
    assert there.keys() - world.AUTHORITY.keys() == world.STEERS_NOTHING
    unknown = {label: columns - there[label] for label, columns in world.AUTHORITY.items()}
    assert not any(unknown.values()), unknown


@pytest.mark.parametrize("name", rules.RULES)
def test_a_rule_that_can_be_taken_out_stands_where_its_table_says(name: str) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    for text in rules.RULES[name].texts:
        assert (root / text.file).read_text(encoding="utf-8").count(text.old) == 1, text.file


def test_no_goal_is_reached_but_by_the_ways_that_are_known(
    here: World, record_property: Callable[[str, object], None]
) -> None:
    found = searched(here)
    record_property("sequences towards a goal", found.sequences)
    if ASKED:
        return  # script/goals judges
    reached = {way.line for way in found.ways}
    assert reached - open_ways() == set(), "\n".join(
        str(way) for way in found.ways if way.line not in open_ways()
    )
    assert open_ways() - reached == set(), "These are open no longer: take their lines out."


def test_where_a_rule_is_missing_the_search_finds_the_way(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Submission, "is_own_decision", lambda submission, person: False)
    found = search.run(here, [plans.Part(("approving project admin",), (plans.UNSENT,), 2, to_decide=True)])
    assert {way.goal for way in found.ways} == {OWN_CONTENT}
    shortest = min(found.ways, key=lambda way: len(way.steps))
    assert [str(step) for step in shortest.steps] == [
        "approving project admin: sends it to accounting",
        "approving project admin: accepts it as it is shown",
    ]


def searched(here: World) -> Found:
    """As asked, or the part that belongs to the suite."""
    quick, party = ASKED.get("quick", True), ASKED.get("party", "")
    parts = [part for part in plans.QUICK if party in ("", " with ".join(part.party))]
    walks, length = plans.QUICK_WALKS if quick else plans.WALKS
    found = search.run(
        here,
        parts if quick else plans.whole(after=ASKED.get("after", "")),
        walks=walks if ASKED and not party else 0,
        walkers=() if quick else plans.whole(),
        length=length,
        seed=ASKED.get("seed", 1),
        report=lambda line: _told(f"{line}\n"),
    )
    if ASKED:
        ways = [{"line": way.line, "goal": way.goal, "words": str(way)} for way in found.ways]
        counted = {name: getattr(found, name) for name in ("sequences", "states", "seconds", "busy")}
        counted |= {"moved": len(found.moved), "moves": len(MOVES)}
        Path(ASKED["report"]).write_text(json.dumps({"ways": ways, **counted}), encoding="utf-8")
    return found


def _told(text: str) -> None:
    """How far it is, to whoever runs the script."""
    if ASKED:
        with Path(ASKED["progress"]).open("a", encoding="utf-8") as progress:
            progress.write(text)
