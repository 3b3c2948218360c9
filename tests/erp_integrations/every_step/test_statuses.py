"""A worker is killed at the steps of a delivery that moves a status; another one goes on."""

import pytest
from django.conf import settings

from directory.models import HistoryEntry
from erp_integrations import submissions
from erp_integrations.models import ExportJob, JobStatus, Verification
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.every_step.judging import (
    World,
    another_worker_goes_on,
    comparable,
    it_comes_to_rest,
    stored,
)
from tests.erp_integrations.every_step.ways import WAYS
from tests.erp_integrations.every_step.worlds import Database, look
from tests.simulator import Simulator
from tests.stepping import killed_at, steps_of

pytestmark = pytest.mark.django_db(transaction=True)


def about_to_be_complete(way: int, simulator: Simulator, database: Database) -> World:
    """The commitment is in Spectrum, and an approver has accepted that it is Complete."""
    world = WAYS[way].world(simulator, database)
    look()
    it_comes_to_rest(world)
    whole = world.job
    assert whole.status == JobStatus.SYNCED
    record = world.spectrum.record()
    assert record
    world.complete = {**record, "Status_Code": "C"}
    status = submissions.send_status(
        commitment=whole.submission.commitment, by=whole.submission.sent_by, status="complete"
    )
    world.job_id = accept(status, world.approver).pk
    world.keep()
    return world


def faults(world: World) -> list[str]:
    job, record = world.job, world.spectrum.record()
    synced = job.status == JobStatus.SYNCED
    is_there = comparable(record) == comparable(world.complete)
    was = comparable({**world.complete, "Status_Code": "A"})
    commitment = job.submission.commitment
    ends = ["export.synced", "export.found_all", "export.attested_all"]
    history = HistoryEntry.objects.about(job.submission).filter(event__in=ends)
    wrong = {
        "something else was altered": not is_there and comparable(record) != was,
        "Spectrum has it, and we say no": job.status == JobStatus.FAILED and is_there,
        "we say that Spectrum has it": synced and not is_there,
        "it was stored twice": max(stored(world).values(), default=0) > 1,
        "the project's status": commitment.status != ("complete" if synced else "approved"),
        "the lock or the key": (commitment.lock, commitment.erp_id) != ("exported", job.erp_id),
        "the history": history.count() != synced,
        "the read-back": synced
        and job.connection.has_read_back
        and set(ExportJob.objects.values_list("verification", flat=True)) != {Verification.MATCH},
    }
    return [name for name, holds in wrong.items() if holds]


@pytest.mark.parametrize("way", [0, 1])
def test_a_status_is_written_once_whatever_became_of_its_worker(
    way: int, simulator: Simulator, database: Database
) -> None:
    world = about_to_be_complete(way, simulator, database)
    steps = [step for step in steps_of(look) if not step.line]
    answers = [step for step in steps if "read" in (step.before, step.after)]
    others = [step for step in steps if {step.before, step.after} & {"commit", "write"}]
    wrong = []
    for step in dict.fromkeys([*answers, *others[::3]]):
        world.put_back()
        assert killed_at(step, look), step
        assert world.spectrum.settles()
        another_worker_goes_on(world)
        wrong += [f"killed at {step}: {fault}" for fault in faults(world)]
        if world.job.status == JobStatus.UNKNOWN:
            assert not settings.INFO_LINKS
            record = world.spectrum.record()
            assert record
            world.database.let_pass(quiet=True)
            found = submissions.Attested.ALL if record["Status_Code"] == "C" else submissions.Attested.NONE
            submissions.resolve(
                submission=world.job.submission,
                by=world.approver,
                expected_version=world.job.attempt,
                attested=found,
                statement="I looked into Spectrum.",
            )
            it_comes_to_rest(world)
            wrong += [f"killed at {step}, and resolved: {fault}" for fault in faults(world)]
        if world.job.status != JobStatus.SYNCED:
            wrong.append(f"killed at {step}: {world.job.status} {world.job.problem}")
    assert not wrong, "\n".join(wrong)
