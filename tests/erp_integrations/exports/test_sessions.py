"""The element GUID: a new one for each export, replaced where its time is over."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from directory.models import User
from erp_integrations.adapters.base import Rows
from erp_integrations.adapters.registry import build_reading_adapter
from erp_integrations.exports import worker
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    ConnectionState,
    ExportJob,
    GuidPolicy,
    JobStatus,
    WireAttempt,
)
from tests.erp_integrations.connections.test_probing import another
from tests.erp_integrations.deliveries import accepted_as_it_is
from tests.factories import ConnectionFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

LINE = "UpdateSubcontractPhases"


def drained(job: ExportJob) -> ExportJob:
    worker.export_due_jobs(job.connection_id)
    return ExportJob.objects.select_related("connection").get(pk=job.pk)


def attempts(job: ExportJob) -> list[tuple[str, str]]:
    rows = WireAttempt.objects.filter(call__job=job).order_by("pk").select_related("call")
    return [(row.call.title, row.outcome) for row in rows]


def sessions(simulator: Simulator, job: ExportJob) -> list[str]:
    """The ends of the GUIDs of its calls, as the simulator's log keeps them."""
    return [call["elements"]["GUID"] for call in simulator.calls() if call["number"] == job.erp_id]


def test_a_new_connection_sends_a_new_one_with_each_export(simulator: Simulator, queued: ExportJob) -> None:
    assert queued.connection.guid_policy == GuidPolicy.NEW
    job = drained(queued)
    assert isinstance(job.guid, UUID)
    assert sessions(simulator, job) == [f"••••{str(job.guid)[-2:]}"] * 3


def test_the_call_that_finds_its_time_over_is_repeated_with_a_new_one_at_once(
    simulator: Simulator, queued: ExportJob
) -> None:
    simulator.set_faults({"kind": "guid_timed_out", "method": LINE, "on_call": 2, "times": 1})
    job = drained(queued)
    assert job.status == JobStatus.SYNCED
    assert attempts(job) == [
        ("Subcontract", "accepted"),
        ("Line 1", "accepted"),
        ("Line 2", "sessionover"),
        ("Line 2", "accepted"),
    ]
    *before, after = sessions(simulator, job)
    assert len(set(before)) == 1
    assert after == f"••••{str(job.guid)[-2:]}"
    assert (job.connection.state.fault, job.tries) == ("", 1)


def test_nobody_else_comes_between(simulator: Simulator, queued: ExportJob, approver: User) -> None:
    other = another(queued, approver)
    ExportJob.objects.filter(pk=other.pk).update(not_before=timezone.now() - timedelta(minutes=1))
    ExportJob.objects.filter(pk=queued.pk).update(not_before=timezone.now() - timedelta(minutes=2))
    simulator.set_faults({"kind": "guid_timed_out", "method": LINE, "times": 1})
    before = len(simulator.calls())
    worker.export_due_jobs(queued.connection_id)
    numbers = [call["number"] for call in simulator.calls()[before:]]
    assert numbers == [queued.erp_id] * 4 + [other.erp_id] * 2


def test_one_that_nobody_used_for_a_day_is_replaced(simulator: Simulator, queued: ExportJob) -> None:
    simulator.set_faults({"kind": "refuse", "method": LINE, "times": 1})
    try:
        job = drained(queued)
        assert job.status == JobStatus.INCOMPLETE
        simulator.set_clock((timezone.now() + timedelta(hours=25)).isoformat())
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now())
        again = drained(job)
    finally:
        simulator.set_clock(None)
    assert again.status == JobStatus.SYNCED
    assert again.guid != job.guid


def test_two_in_a_row_stop_the_connection(simulator: Simulator, queued: ExportJob) -> None:
    simulator.set_faults({"kind": "guid_timed_out", "method": LINE, "times": 9})
    job = drained(queued)
    assert job.status == JobStatus.INCOMPLETE
    assert attempts(job) == [
        ("Subcontract", "accepted"),
        ("Line 1", "sessionover"),
        ("Line 1", "sessionover"),
    ]
    assert "this connection's GUID has expired" in job.connection.state.fault


def test_after_two_in_a_row_the_next_try_has_a_new_one_every_time(
    simulator: Simulator, queued: ExportJob
) -> None:
    simulator.set_faults({"kind": "guid_timed_out", "method": LINE, "times": 4})
    job = drained(queued)
    for _ in range(2):
        assert job.guid is None
        assert job.connection.state.fault
        ConnectionState.objects.update(not_before=None)
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now())
        job = drained(job)
    assert [outcome for _, outcome in attempts(job)][1:5] == ["sessionover"] * 4
    header, *tried = sessions(simulator, job)
    assert len({header, *tried}) > 2
    ConnectionState.objects.update(not_before=None)
    ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now())
    assert drained(job).status == JobStatus.SYNCED


def test_one_that_a_person_has_typed_is_not_replaced(simulator: Simulator, queued: ExportJob) -> None:
    Connection.objects.update(guid_policy=GuidPolicy.SENT)
    ConnectionCredentials.objects.filter(pk=queued.connection_id).update(guid="typed-by-a-person")
    accepted_as_it_is(queued)
    simulator.set_faults({"kind": "guid_timed_out", "times": 1})
    job = drained(queued)
    assert job.status == JobStatus.QUEUED
    assert len(attempts(job)) == 1
    assert "GUID" in job.connection.state.fault


def test_a_blank_one_is_blank_and_this_site_takes_none(simulator: Simulator, queued: ExportJob) -> None:
    Connection.objects.update(guid_policy=GuidPolicy.BLANK)
    job = drained(accepted_as_it_is(queued))
    assert job.status == JobStatus.QUEUED
    assert sessions(simulator, job) == [""]
    assert "GUID is required" in job.connection.state.fault


def test_each_reading_of_a_list_has_one_of_its_own(simulator: Simulator) -> None:
    connection = ConnectionFactory(company_code="PHL", credentials__authorization_id="KEYSTONE-API-7Q")
    assert isinstance(build_reading_adapter(connection).list_jobs(), Rows)
    adapters = (build_reading_adapter(connection) for _ in range(2))
    first, second = (adapter.settings.guid for adapter in adapters)  # type: ignore[attr-defined]
    assert first != second


def test_it_is_in_no_hash_and_survives_between_tries(simulator: Simulator, queued: ExportJob) -> None:
    hashes = [call.payload_hash for call in queued.list_current_calls()]
    simulator.set_faults({"kind": "refuse", "method": LINE, "times": 1})
    first = drained(queued)
    ExportJob.objects.filter(pk=queued.pk).update(not_before=timezone.now())
    second = drained(queued)
    assert (first.guid, second.status) == (second.guid, JobStatus.SYNCED)
    assert [call.payload_hash for call in second.list_current_calls()] == hashes
