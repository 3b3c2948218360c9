"""A worker is frozen at every step of a delivery for longer than its lease, and then goes on.

Another one has ended what it began by then. The late one changes nothing of ours, and nothing in
Spectrum but from one window: between its last look at the clock and the last bytes nobody can hold it
back. What it then writes is what was accepted, once more.
"""

import time
from collections import Counter
from itertools import pairwise

import pytest
from django.db import connection
from pytest_django import Settings

from erp_integrations.exports import worker
from erp_integrations.models import ConnectionState, ExportJob, JobStatus
from tests.erp_integrations.every_step.judging import (
    another_worker_goes_on,
    ended,
    faults_of,
    it_comes_to_rest,
    stored,
)
from tests.erp_integrations.every_step.reporting import report
from tests.erp_integrations.every_step.test_killed import HOW_MANY, undisturbed
from tests.erp_integrations.every_step.ways import WAYS, Way
from tests.erp_integrations.every_step.worlds import Database
from tests.simulator import Simulator
from tests.stepping import Frozen, Step

pytestmark = pytest.mark.django_db(transaction=True)
LEASE, CONNECT, READ = 4, 0.5, 2.0  # seconds
BEATS = "erp_integrations_heartbeat"
"""Says that a worker lives, whichever."""


def on_the_wire(steps: list[Step]) -> set[Step]:
    """Those between the beginning of a look at the lease and the answer, where time itself counts."""
    found: set[Step] = set()
    inside = False
    for step in steps:
        if step.function in ("start_call", "record_outcome_with_retry"):
            inside = step.function == "start_call"
        if inside:
            found.add(step)
    return found


def after_the_last_look(steps: list[Step]) -> set[Step]:
    """Those between the last look at the clock and the last bytes of a request."""
    found: set[Step] = set()
    since: list[Step] = []
    for step in steps:
        if step.function == "_AttemptConnection.record_first_byte":
            since = []
        since.append(step)
        # The head alone is no request: the clock is looked at once more before the body.
        if (step.before, step.after) == ("write", "write"):
            found.update(since)
    return found


def chosen(way: Way, steps: list[Step]) -> list[Step]:
    """Those that are tried now. Where a freeze takes its time, two ways stand for all."""
    timed, window = on_the_wire(steps), after_the_last_look(steps)
    if way not in WAYS[:2]:
        return [step for step in steps if step not in timed and not step.line]
    own = [step for step in steps if step.function == "_deliver"]
    last = [step for step in steps if not step.line]
    if HOW_MANY:
        return sorted({*last, *own}, key=steps.index)
    between = [step for step in last if step.after == "commit" and step not in timed]
    # Only the lease holds back a worker that was frozen right before it looks at it.
    before_a_look = [
        step for step, then in pairwise(steps) if step in own and step not in timed and then in timed
    ]
    first = [step for step in own if step in timed][1:3]
    return [*between[::3], *before_a_look, *first, *[step for step in last if step in window][:1]]


@pytest.mark.parametrize("way", WAYS if HOW_MANY else WAYS[:1], ids=str)
def test_a_frozen_worker_changes_nothing_when_it_goes_on(
    way: Way, simulator: Simulator, database: Database, settings: Settings
) -> None:
    connection.ensure_connection()  # of this process, which is never frozen; the workers' are to come
    settings.IDLE_TRANSACTION_SECONDS = 1
    settings.EXPORT_LEASE_SECONDS = LEASE
    settings.WIRE_CONNECT_TIMEOUT, settings.WIRE_READ_TIMEOUT = CONNECT, READ
    world = way.world(simulator, database)
    steps = undisturbed(way, world)
    taken = chosen(way, steps)
    timed, window = on_the_wire(steps), after_the_last_look(steps)
    wrong: list[str] = []
    late: list[Step] = []
    ends = Counter[str]()
    for step in taken:
        world.put_back()
        frozen = Frozen(step, way.work)
        try:
            assert frozen.came_there, f"the worker never came to {step}"
            if step in timed:
                time.sleep(LEASE + 0.1)
            world.spectrum.settles(0.2)
            another_worker_goes_on(world)
            # A lease that is over, and that nobody took, may be let go by its holder.
            ConnectionState.objects.unleased().update(lease_holder="", lease_until=None)
            before = world.database.now()
            ends[ended(world)] += 1
            frozen.goes_on()
            assert world.spectrum.settles()
            after = world.database.now()
            changed = [name for name in after if after[name] != before[name] and name != BEATS]
            wrong += [f"frozen at {step}: it changed {before[name]!r} to {after[name]!r}" for name in changed]
            if max(stored(world).values(), default=0) > 1:
                late.append(step)
            it_comes_to_rest(world)
            wrong += [f"frozen at {step}: {fault}" for fault in faults_of(world, doubles=step in window)]
        except AssertionError as error:
            wrong.append(f"frozen at {step}: {error}")
        finally:
            frozen.end()
    report("frozen", way.name, steps, len(taken), ends, map(str, late), map(str, WAYS))
    assert not wrong, "\n".join(wrong)


def test_nor_anything_of_the_worker_that_followed_and_is_at_it(
    simulator: Simulator, database: Database
) -> None:
    way = WAYS[0]
    world = way.world(simulator, database)
    steps = undisturbed(way, world)
    before_the_look = next(step for step, then in pairwise(steps) if then in on_the_wire(steps))
    waits = next(step for step in steps if step.before == "read")
    world.put_back()
    late = Frozen(before_the_look, way.work)
    follower = None
    try:
        world.database.let_pass(quiet=False)
        assert worker.run_sweep() == [world.job.connection_id]
        ExportJob.objects.update(tries=0)  # so that its steps are those of a first try
        follower = Frozen(waits, way.work)
        assert follower.came_there
        assert world.spectrum.settles()
        before = world.database.now()
        assert (world.job.status, len(world.spectrum.calls())) == (JobStatus.EXPORTING, 1)
        late.goes_on()
        after = world.database.now()
        assert {name: after[name] for name in after if name != BEATS} == {
            name: before[name] for name in before if name != BEATS
        }
        assert len(world.spectrum.calls()) == 1
        follower.goes_on()
        it_comes_to_rest(world)
        assert (world.job.status, faults_of(world)) == (JobStatus.SYNCED, [])
    finally:
        late.end()
        if follower is not None:
            follower.end()
