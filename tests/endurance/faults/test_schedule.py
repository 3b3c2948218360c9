"""The schedule of `script/faults` comes from its seed, and every blow in it is known."""

from dataclasses import replace

import pytest

from local.spectrum.faults import KINDS
from local.spectrum.layouts import LAYOUTS
from tests.endurance.faults.schedule import OF_MAIL, OF_SPECTRUM, OF_THE_REST, OF_WORKERS, schedule

EVERYTHING = (*OF_WORKERS, *OF_SPECTRUM, *OF_THE_REST, *OF_MAIL)


@pytest.mark.parametrize("quick", [True, False])
def test_a_seed_gives_the_same_schedule_again_and_another_seed_another(quick: bool) -> None:
    assert schedule(7, quick=quick) == schedule(7, quick=quick)
    assert schedule(7, quick=quick) != schedule(8, quick=quick)


def test_another_pause_changes_no_blow_and_no_order() -> None:
    slow, fast = schedule(7, quick=False, pause=6), schedule(7, quick=False, pause=3)
    assert [replace(blow, delay=0) for blow in slow] == [replace(blow, delay=0) for blow in fast]
    assert [blow.delay for blow in slow] == pytest.approx([2 * blow.delay for blow in fast])


@pytest.mark.parametrize("quick", [True, False])
def test_every_kind_falls_in_every_round(quick: bool) -> None:
    assert {blow.kind for blow in schedule(3, quick=quick)} == {blow[0] for blow in EVERYTHING}


def test_what_the_simulator_is_asked_for_is_known_to_it() -> None:
    asked = [(fault, method) for _, fault, method, _ in (*OF_WORKERS, *OF_SPECTRUM) if fault]
    assert {fault for fault, _ in asked} <= set(KINDS)
    assert {method for _, method in asked} <= {"", *LAYOUTS}
