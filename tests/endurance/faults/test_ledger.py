"""The ledger of `script/faults`: a stopped run goes on, and only whole and clean rounds count as such."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.endurance.faults.judge import COUNTS
from tests.endurance.faults.ledger import Ledger, Round, last_line, table

KIND = {"times": 2, "kills": 2, "decisions": 5} | dict.fromkeys(COUNTS, 0)
ROUND = Round(1, 7, "2026-11-25T20:00:00+00:00", 2.5, whole=True, kinds={"worker killed": KIND})


def test_what_was_written_last_of_a_round_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert ledger.rounds() == []
    ledger.write(replace(ROUND, whole=False, kinds={}))
    ledger.write(ROUND)
    ledger.write(replace(ROUND, number=2, seed=8, whole=False))
    assert [(each.number, each.whole) for each in ledger.rounds()] == [(1, True), (2, False)]
    assert ledger.rounds()[0] == ROUND


def test_a_round_is_clean_when_all_of_it_happened_and_nothing_went_wrong() -> None:
    assert ROUND.is_clean
    assert not replace(ROUND, whole=False).is_clean
    assert not replace(ROUND, unexplained=1).is_clean


@pytest.mark.parametrize("name", ["decisions", "kills", *COUNTS])
def test_a_round_without_decisions_or_kills_or_with_a_complaint_is_not_clean(name: str) -> None:
    kind = {**KIND, name: 0 if name in {"decisions", "kills"} else 1}
    assert not replace(ROUND, kinds={"worker killed": kind}).is_clean


def test_rounds_are_added_by_kind_and_stopped_ones_are_not_in_the_last_line() -> None:
    other = replace(ROUND, number=2, kinds={"worker killed": KIND, "web killed": KIND | {"stuck": 1}})
    assert "| worker killed | 4 | 4 | 10 | 0 | 0 | 0 | 0 | 0 |" in table([ROUND, other])
    assert last_line([ROUND, other, replace(ROUND, number=3, whole=False)]) == (
        "decisions 15 kills 6 lost 0 doubled 0 altered 0 misreported 0 stuck 1"
    )
