"""A fault of a connection stops its queue with one alarm, and what can tell that it is over reopens it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from directory.models import HistoryEntry, User
from erp_integrations.connections import health, probing
from erp_integrations.exports import worker
from erp_integrations.models import Alarm, Connection, ConnectionState, ExportJob, JobStatus
from tests.erp_integrations.connections.test_probing import another
from tests.erp_integrations.deliveries import NOWHERE, delivered, due_now, of, sent
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

DOWN = {"simulator": "http://127.0.0.1:1"}


def connection_of(job: ExportJob) -> Connection:
    return Connection.objects.get(pk=job.connection_id)


def probed(job: ExportJob) -> Connection:
    """The connection after its pause, and a probe."""
    ConnectionState.objects.filter(pk=job.connection_id).update(
        not_before=timezone.now() - timedelta(seconds=1)
    )
    assert probing.list_due_for_probe() == [job.connection_id]
    probing.probe_due()
    return connection_of(job)


def events() -> list[str]:
    found = HistoryEntry.objects.filter(event__startswith="connection.").order_by("pk")
    return list(found.values_list("event", flat=True))


class TestASiteThatIsDown:
    def test_it_stops_the_whole_queue_with_one_alarm_and_no_try_is_used_up(
        self, simulator: Simulator, queued: ExportJob, approver: User, settings: Settings
    ) -> None:
        second = another(queued, approver)
        settings.SPECTRUM_SERVERS = DOWN
        delivered(queued)
        assert connection_of(queued).state.awaits_probe
        assert worker.run_sweep() == []
        assert delivered(second).attempt == 0
        for number in range(2, 5):
            assert probed(queued).state.failed_probes == number
        assert (of(queued).status, of(queued).tries) == (JobStatus.QUEUED, 0)
        assert events() == ["connection.stopped"]
        (alarm,) = Alarm.objects.all()
        assert (alarm.submission, alarm.connection_id) == (None, queued.connection_id)
        assert health.list_health(queued.submission.company)[0].state == "Stopped"

    def test_the_pauses_between_two_probes_grow(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.SPECTRUM_SERVERS = DOWN
        delivered(queued)
        pauses = []
        for _ in range(4):
            connection = probed(queued)
            assert connection.state.not_before is not None
            pauses.append((connection.state.not_before - timezone.now()).total_seconds())
        assert pauses[3] > 2 * pauses[0]

    def test_a_probe_reopens_it_and_everything_goes_out_once(
        self, simulator: Simulator, queued: ExportJob, approver: User, settings: Settings
    ) -> None:
        second = another(queued, approver)
        settings.SPECTRUM_SERVERS = DOWN
        delivered(queued)
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        connection = probed(queued)
        assert (connection.state.awaits_probe, connection.state.fault, connection.state.failed_probes) == (
            False,
            "",
            0,
        )
        assert worker.run_sweep() == [queued.connection_id]
        delivered(queued)
        for job in (queued, second):
            assert of(job).status == JobStatus.SYNCED
        assert len(sent(simulator, queued)) == 3
        assert events() == ["connection.stopped", "connection.reopened"]

    def test_an_acceptance_that_can_still_be_undone_stays_so_when_it_reopens(
        self, simulator: Simulator, queued: ExportJob, approver: User, settings: Settings
    ) -> None:
        settings.SPECTRUM_SERVERS = DOWN
        delivered(queued)
        settings.UNDO_SECONDS = 60
        fresh = another(queued, approver)
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        probed(queued)
        due = of(fresh).not_before
        assert due is not None
        assert due > timezone.now()


class TestNotLetIn:
    def test_one_job_after_the_other_tries_it_again_and_one_alarm_is_raised(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        simulator.set_faults({"kind": "unauthorised", "times": 3})
        for failed in (3, 4, 5):
            job = delivered(queued)
            connection = connection_of(job)
            assert (job.status, job.tries) == (JobStatus.QUEUED, 0)
            assert (connection.state.awaits_probe, connection.state.failed_probes) == (False, failed)
            due_now(job)
        assert delivered(queued).status == JobStatus.SYNCED
        assert connection_of(queued).state.failed_probes == 0
        assert events() == ["connection.stopped", "connection.reopened"]
        assert Alarm.objects.count() == 1

    def test_a_read_only_database_that_is_down_rests_the_connection_and_fails_nothing(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.INFO_LINKS = NOWHERE
        settings.EXPORT_MAX_TRIES = 1
        for _ in range(3):
            job = delivered(queued)
            assert (job.status, job.tries) == (JobStatus.QUEUED, 0)
            due_now(job)
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        assert delivered(queued).status == JobStatus.SYNCED
        assert Alarm.objects.count() == 1


class TestAMistakeOfOurs:
    def test_it_says_nothing_about_the_connection(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.SPECTRUM_SERVERS = {"simulator": "not an address"}
        job = delivered(queued)
        assert (job.status, job.tries) == (JobStatus.QUEUED, 1)
        connection = connection_of(job)
        assert (connection.state.fault, connection.state.awaits_probe) == ("", False)
        assert not Alarm.objects.exists()
