"""A worker that was frozen after its last look at the clock writes late; by then there is another version."""

import pytest

from commitments import services as commitments
from commitments.models import Badge
from erp_integrations import submissions
from erp_integrations.models import Drift, ExportJob, JobStatus, Verification
from erp_integrations.reconciliation import comparison, drift_list, requests
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import HEADER, of
from tests.erp_integrations.every_step.judging import World
from tests.erp_integrations.every_step.test_frozen import after_the_last_look
from tests.erp_integrations.every_step.ways import WAYS
from tests.erp_integrations.every_step.worlds import Database, look
from tests.simulator import Simulator
from tests.stepping import Frozen, steps_of

pytestmark = pytest.mark.django_db(transaction=True)


def another_version(world: World) -> ExportJob:
    """The first version ends as failed, is rejected, and is accepted and delivered with another title."""
    world.database.let_pass(quiet=False)
    look()
    assert world.job.status == JobStatus.UNKNOWN
    world.database.let_pass(quiet=True)
    world.spectrum.simulator.set_faults({"kind": "refuse", "method": HEADER, "times": 1})
    look()
    look()
    assert world.job.status == JobStatus.FAILED
    first = world.job.submission
    submissions.reject(submission=first, by=world.approver, reason="Another title, please.")
    commitment = first.commitment
    commitment.refresh_from_db()
    commitments.update_commitment(
        commitment=commitment,
        by=first.sent_by,
        version=commitment.version,
        values={"title": "Other works"},
        lines=None,
    )
    second = submissions.send_to_erp(commitment=commitment, by=first.sent_by)
    job = accept(second, world.approver, erp_id=world.job.erp_id)
    look()
    return of(job)


def test_reconciliation_finds_what_a_late_write_put_in_the_place_of_another_version(
    simulator: Simulator, database: Database
) -> None:
    world = WAYS[0].world(simulator, database)
    steps = steps_of(look)
    window = after_the_last_look(steps)
    world.put_back()
    frozen = Frozen(next(step for step in steps if step in window and step.before == "write"), look)
    try:
        job = another_version(world)
        assert (job.status, job.verification) == (JobStatus.SYNCED, Verification.MATCH)
        assert (world.spectrum.record() or {})["Comment_1"] == "Other works"
        frozen.goes_on()
    finally:
        frozen.end()
    assert world.spectrum.settles()
    assert (world.spectrum.record() or {})["Comment_1"] == "Concrete works"
    assert world.job.status == JobStatus.CANCELLED  # nothing of ours was changed by the late one
    requests.start_reconciliations(company=job.submission.company, by=world.approver)
    assert comparison.run_next()
    (found,) = Drift.objects.get(submission=job.submission).findings
    assert drift_list.describe_issue(found) == (
        "Subcontract, Comment: exported “Other works”, now “Concrete works” in Spectrum."
    )
    assert of(job).submission.commitment.badge == Badge.SYNCED_WITH_DIFFERENCES
