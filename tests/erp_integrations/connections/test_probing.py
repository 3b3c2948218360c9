"""A site that changed stops the whole connection once, and a probe lets it go on."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from directory.models import HistoryEntry, User
from directory.rights.permissions import RightMissing
from erp_integrations.adapters import registry
from erp_integrations.adapters.base import ProbeResult
from erp_integrations.connections import health, probing
from erp_integrations.exports import worker
from erp_integrations.models import (
    CallState,
    Connection,
    ConnectionSettings,
    ConnectionState,
    ExportJob,
    JobStatus,
    Submission,
    WireAttempt,
)
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    LineItemFactory,
    MemberFactory,
    ProjectAdminFactory,
    SubmissionFactory,
)
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

METHOD = "UpdateSubcontract"


@pytest.fixture
def erp_admin(queued: ExportJob) -> User:
    person: User = MemberFactory(company=queued.submission.company, erp_integrations_level="admin")
    return person


def again(connection: Connection | ExportJob) -> Connection:
    pk = connection.connection_id if isinstance(connection, ExportJob) else connection.pk
    return Connection.objects.select_related("state").get(pk=pk)


def wait_out(job: ExportJob) -> None:
    """As if the pause of the connection and the freshness of its descriptions were over."""
    past = timezone.now() - timedelta(hours=1)
    ConnectionState.objects.filter(pk=job.connection_id, awaits_probe=True).update(not_before=past)
    ConnectionState.objects.filter(pk=job.connection_id).update(descriptions_checked_at=past)


def drained(job: ExportJob) -> ExportJob:
    worker.export_due_jobs(job.connection_id)
    return ExportJob.objects.get(pk=job.pk)


def another(job: ExportJob, approver: User) -> ExportJob:
    """A second commitment of the same project, accepted."""
    first = job.submission.commitment
    commitment = CommitmentFactory(
        approved=True, project=first.project, contract_company=first.contract_company, lines=0
    )
    LineItemFactory(commitment=commitment, cost_code=first.lines.all()[0].cost_code)
    submission: Submission = SubmissionFactory(
        commitment=commitment, sent_by=ProjectAdminFactory(project=first.project)
    )
    return accept(submission, approver)


def test_a_look_does_not_count_where_another_was_asked_for_meanwhile(
    simulator: Simulator, queued: ExportJob
) -> None:
    drained(queued)
    late = again(queued)
    looked = registry.build_reading_adapter(late).probe()
    assert looked.is_usable
    ConnectionState.objects.update(descriptions_checked_at=None)  # as after an answer that nobody understood
    registry.store_descriptions(late, looked)
    assert again(queued).state.descriptions_checked_at is None
    registry.store_descriptions(again(queued), looked)
    assert again(queued).state.descriptions_checked_at is not None


DRIFTS = [
    ({"remove": ["GL_Account"]}, "has no GL_Account. An ERP"),
    ({"rename": {"Comment": "Remark"}}, "has no Comment. It also has Remark. An ERP"),
]


@pytest.mark.parametrize(("drift", "told"), DRIFTS)
def test_a_site_that_changed_stops_the_connection_with_one_message_and_no_failure(
    simulator: Simulator, queued: ExportJob, approver: User, drift: dict[str, object], told: str
) -> None:
    second = another(queued, approver)
    simulator.set_drift(METHOD, **drift)
    assert drained(queued).status == JobStatus.QUEUED
    assert drained(second).status == JobStatus.QUEUED
    connection = again(queued)
    assert connection.state.awaits_probe
    assert connection.state.fault.startswith(f"Spectrum's description of UpdateSubcontract {told}")
    assert not WireAttempt.objects.exists()
    assert {job.tries for job in ExportJob.objects.all()} == {0}
    assert HistoryEntry.objects.filter(event="connection.stopped").count() == 1
    assert worker.run_sweep() == []
    trouble = health.list_health(connection.company)[0]
    assert trouble.state == "Stopped"
    assert told in trouble.sentence


def test_a_scheduled_probe_lets_it_go_on_once_the_site_is_itself_again(
    simulator: Simulator, queued: ExportJob
) -> None:
    simulator.set_drift(METHOD, rename={"Comment": "Remark"})
    drained(queued)
    assert probing.probe_due() == 0, "it waits first"
    wait_out(queued)
    assert probing.probe_due() == 0
    stopped = again(queued)
    assert stopped.state.failed_probes == 2
    assert stopped.state.not_before is not None
    assert stopped.state.not_before > timezone.now()
    simulator.set_drift()
    wait_out(queued)
    assert probing.probe_due() == 1
    open_again = again(queued)
    assert (open_again.state.awaits_probe, open_again.state.fault, open_again.state.failed_probes) == (
        False,
        "",
        0,
    )
    assert HistoryEntry.objects.filter(event="connection.reopened").count() == 1
    assert drained(queued).status == JobStatus.SYNCED


def test_a_worker_that_dies_while_it_asks_delays_the_next_probe_by_no_more_than_a_lease(
    simulator: Simulator, queued: ExportJob, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SPECTRUM_SERVERS = {"simulator": "http://127.0.0.1:1"}
    drained(queued)
    wait_out(queued)

    def die(connection: Connection) -> None:
        raise SystemExit

    monkeypatch.setattr(registry, "build_reading_adapter", die)
    with pytest.raises(SystemExit):
        probing.probe_if_due(queued.connection_id)
    left = again(queued)
    assert left.state.awaits_probe
    assert left.state.not_before is not None
    assert left.state.not_before <= timezone.now() + timedelta(seconds=settings.EXPORT_LEASE_SECONDS)


def test_a_change_is_found_before_anything_is_sent_although_descriptions_are_kept(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    assert drained(queued).status == JobStatus.SYNCED
    second = another(queued, approver)
    simulator.set_drift(METHOD, rename={"Comment": "Remark"})
    wait_out(queued)
    assert drained(second).status == JobStatus.QUEUED
    assert again(second).state.awaits_probe
    assert not WireAttempt.objects.filter(call__job=second).exists()


def test_a_change_between_two_looks_leaves_one_unknown_and_not_one_for_each_document(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    assert drained(queued).status == JobStatus.SYNCED
    second, third = another(queued, approver), another(queued, approver)
    simulator.set_drift(METHOD, rename={"Comment": "Remark"})
    drained(second)
    statuses = {ExportJob.objects.get(pk=job.pk).status for job in (second, third)}
    assert statuses == {JobStatus.UNKNOWN, JobStatus.QUEUED}
    assert again(queued).state.awaits_probe


def test_a_change_of_the_lines_service_alone_is_found_before_the_header_is_written(
    simulator: Simulator, queued: ExportJob
) -> None:
    simulator.set_drift("UpdateSubcontractPhases", remove=["Unit_Price"])
    job = drained(queued)
    assert job.status == JobStatus.QUEUED
    assert {call.state for call in job.list_current_calls()} == {CallState.PLANNED}


def test_a_description_that_says_the_same_in_other_words_changes_nothing(
    simulator: Simulator, queued: ExportJob, erp_admin: User
) -> None:
    drained(queued)
    kept = again(queued).wsdls.get(method=METHOD)
    kept.text = kept.text.replace("UpdateSubcontractService", "OtherName")
    kept.save()
    assert probing.probe(connection=again(queued), by=erp_admin).is_usable
    assert again(queued).wsdls.get(method=METHOD).text == kept.text
    assert not again(queued).state.awaits_probe


@pytest.mark.parametrize(
    "drift",
    [
        {"add": ["Tax_Code"]},
        {"remove": ["Routing_Code2"]},
        {"rename": {"Next_Payment_Number": "Nxt_Payment_Number", "Comment": "COMMENT"}},
    ],
)
def test_what_no_plan_fills_stops_nothing_and_what_changed_is_in_the_history(
    simulator: Simulator, queued: ExportJob, approver: User, drift: dict[str, object]
) -> None:
    assert drained(queued).status == JobStatus.SYNCED
    second = another(queued, approver)
    simulator.set_drift(METHOD, **drift)
    wait_out(queued)
    assert drained(second).status == JobStatus.SYNCED
    record = simulator.record(second.erp_id)
    assert record is not None
    assert record["Comment_1"]
    entry = HistoryEntry.objects.get(event="connection.descriptions_adopted")
    assert (entry.by_id, "UpdateSubcontract has changed" in entry.detail["difference"]) == (None, True)


def test_a_name_that_an_admin_maps_lets_the_connection_go_on(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    simulator.set_drift(METHOD, rename={"Comment": "Remark"})
    drained(queued)
    ConnectionSettings.objects.update(element_names=f"{METHOD}.Comment = Remark")
    wait_out(queued)
    assert probing.probe_due() == 1
    accepted_since = another(queued, approver)
    assert drained(accepted_since).status == JobStatus.SYNCED
    record = simulator.record(accepted_since.erp_id)
    assert record is not None
    assert record["Comment_1"]


def test_what_was_accepted_before_a_name_was_mapped_comes_back_with_the_reason(
    simulator: Simulator, queued: ExportJob
) -> None:
    ConnectionSettings.objects.update(element_names=f"{METHOD}.Comment = Remark")
    job = drained(queued)
    assert job.status == JobStatus.FAILED
    assert "The connection's settings have changed since this was accepted" in job.problem
    assert simulator.record(queued.erp_id) is None


def test_an_admin_adopts_another_namespace(
    simulator: Simulator, queued: ExportJob, approver: User, erp_admin: User
) -> None:
    drained(queued)
    queued = another(queued, approver)
    simulator.set_drift(METHOD, qualified=True)
    wait_out(queued)
    drained(queued)
    stopped = again(queued)
    assert stopped.state.can_adopt
    assert probing.accept_new_wsdl(
        connection=stopped, by=erp_admin, expected_sentence=stopped.state.fault
    ).is_usable
    assert not again(queued).state.awaits_probe
    assert drained(queued).status == JobStatus.SYNCED
    entry = HistoryEntry.objects.get(event="connection.descriptions_adopted")
    assert (entry.by_id, "namespace" in entry.detail["difference"]) == (erp_admin.pk, True)
    assert probing.probe(connection=again(queued), by=erp_admin).is_usable


def test_nobody_adopts_what_they_did_not_see_or_what_can_not_be_written(
    simulator: Simulator, queued: ExportJob, erp_admin: User
) -> None:
    drained(queued)
    simulator.set_drift(METHOD, qualified=True)
    seen = probing.probe(connection=again(queued), by=erp_admin).sentence
    simulator.set_drift(METHOD, qualified=True, add=["Tax_Group"])
    assert not probing.accept_new_wsdl(
        connection=again(queued), by=erp_admin, expected_sentence=seen
    ).is_usable
    assert "Tax_Group" in again(queued).state.fault
    simulator.set_drift(METHOD, remove=["Comment"])
    lacking = probing.probe(connection=again(queued), by=erp_admin)
    assert not again(queued).state.can_adopt
    assert not probing.accept_new_wsdl(
        connection=again(queued), by=erp_admin, expected_sentence=lacking.sentence
    ).is_usable
    assert again(queued).state.awaits_probe


def test_an_outage_is_no_change_of_the_site(settings: Settings, queued: ExportJob, erp_admin: User) -> None:
    settings.SPECTRUM_SERVERS = {"simulator": "http://127.0.0.1:1"}
    result = probing.probe(connection=again(queued), by=erp_admin)
    assert result == ProbeResult(False, "Spectrum's server refused the connection.", transient=True)
    assert not again(queued).state.awaits_probe


def test_an_outage_while_it_is_stopped_keeps_the_reason(
    simulator: Simulator, settings: Settings, queued: ExportJob
) -> None:
    simulator.set_drift(METHOD, remove=["Comment"])
    drained(queued)
    fault = again(queued).state.fault
    settings.SPECTRUM_SERVERS = {"simulator": "http://127.0.0.1:1"}
    wait_out(queued)
    probing.probe_due()
    assert (again(queued).state.awaits_probe, again(queued).state.fault) == (True, fault)


@pytest.mark.parametrize("level", ["read_only", "standard"])
def test_only_an_erp_admin_probes_and_adopts(queued: ExportJob, level: str) -> None:
    person = MemberFactory(company=queued.submission.company, erp_integrations_level=level)
    with pytest.raises(RightMissing):
        probing.probe(connection=again(queued), by=person)
    with pytest.raises(RightMissing):
        probing.accept_new_wsdl(connection=again(queued), by=ApproverFactory(), expected_sentence="")
