"""A worker is killed at every step of a delivery; another one goes on.

Here at the steps beside commits and the wire; `script/every-step` takes all of them and makes
docs/every-step.md.
"""

import os
from collections import Counter

import pytest

from erp_integrations.models import JobStatus
from tests.erp_integrations.every_step.judging import (
    World,
    a_person_looks_and_says,
    another_worker_goes_on,
    ended,
    faults_of,
    it_comes_to_rest,
)
from tests.erp_integrations.every_step.reporting import report
from tests.erp_integrations.every_step.ways import ACCEPTED, LINES, WAYS, Way
from tests.erp_integrations.every_step.worlds import Database, look
from tests.simulator import Simulator
from tests.stepping import Step, killed_at, steps_of

pytestmark = pytest.mark.django_db(transaction=True)
HOW_MANY = os.environ.get("EVERY_STEP", "")
"""Blank: a few; "effects": one for all that leave the same world behind; "lines": each line of ours."""
EACH = {WAYS[0]: 4, WAYS[1]: 8, WAYS[5]: 8}
"""In every run of the suite: one in so many steps beside a commit or a write, and each beside an answer."""


def undisturbed(way: Way, world: World) -> list[Step]:
    """The steps of a work that nobody disturbs; and what Spectrum holds then is as it was accepted."""
    world.put_back()
    steps = steps_of(way.work)
    world.faults = ()
    world.put_back()
    look()
    it_comes_to_rest(world)
    world.complete = world.spectrum.record() or {}
    world.faults = way.faults
    if world.job.status != JobStatus.CANCELLED:
        assert world.job.status == JobStatus.SYNCED
        assert {name: world.complete[name] for name in ACCEPTED} == ACCEPTED
        assert [
            (
                *(line[name] for name in ("Phase_Code", "Cost_Type", "Bill_Description", "Unit_Of_Measure")),
                *(line[f"{name}"] for name in ("Unit_Price", "Original_Contract_Quantity")),
                line["Original_Contract_Amount"],
            )
            for line in world.complete["lines"]
        ] == LINES
    return steps


def chosen(way: Way, steps: list[Step]) -> list[Step]:
    """Those that are tried now."""
    if HOW_MANY == "lines":
        return steps
    last = [step for step in steps if not step.line]
    if HOW_MANY == "effects":
        return last
    answers = [step for step in last if "read" in (step.before, step.after)]
    others = [step for step in last if {step.before, step.after} & {"commit", "write"}]
    return list(dict.fromkeys([*answers, *others[:: EACH[way]]]))


@pytest.mark.parametrize("way", WAYS if HOW_MANY else EACH, ids=str)
def test_another_worker_ends_what_a_killed_one_began(
    way: Way, simulator: Simulator, database: Database
) -> None:
    world = way.world(simulator, database)
    steps = undisturbed(way, world)
    taken = chosen(way, steps)
    wrong, ends = [], Counter[str]()
    for step in taken:
        world.put_back()
        assert killed_at(step, way.work), f"the worker never came to {step}"
        assert world.spectrum.settles()
        try:
            another_worker_goes_on(world)
            wrong += [f"killed at {step}: {fault}" for fault in faults_of(world)]
            ends[ended(world)] += 1
            if world.job.status == JobStatus.UNKNOWN:
                a_person_looks_and_says(world)
                it_comes_to_rest(world)
                wrong += [f"killed at {step}, and resolved: {fault}" for fault in faults_of(world)]
                if world.job.status != JobStatus.SYNCED:
                    wrong.append(f"killed at {step}, and resolved: {world.job.status}")
        except AssertionError as error:
            wrong.append(f"killed at {step}: {error}")
    report("killed", way.name, steps, len(taken), ends, ways=map(str, WAYS))
    assert not wrong, "\n".join(wrong)
