"""A connection that is paused, or closed at this hour: nothing is sent, and nothing is lost."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from directory.models import HistoryEntry
from directory.rights.permissions import RightMissing
from erp_integrations.connections import health, pauses
from erp_integrations.exports import delivery, worker
from erp_integrations.models import Connection, ConnectionState, ExportJob, JobStatus
from tests.clients import signed_in
from tests.erp_integrations.deliveries import delivered, of
from tests.factories import ApproverFactory, ConnectionFactory, ErpAdminFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

NEW_YORK = ZoneInfo("America/New_York")


class TestAPause:
    def test_nothing_is_sent_until_it_goes_on(self, simulator: Simulator, queued: ExportJob) -> None:
        admin = ErpAdminFactory(company=queued.submission.company)
        pauses.pause(connection=queued.connection, by=admin, reason="Spectrum is upgraded tonight")
        assert worker.run_sweep() == []
        assert delivered(queued).attempt == 0
        (state,) = health.list_health(queued.submission.company)
        assert (state.state, state.is_troubled) == ("Paused", True)
        assert "Spectrum is upgraded tonight" in state.sentence
        pauses.resume(connection=queued.connection, by=admin)
        assert worker.run_sweep() == [queued.connection_id]
        assert delivered(queued).status == JobStatus.SYNCED
        told = HistoryEntry.objects.filter(event__startswith="connection.").values_list("event", "by_id")
        assert list(told.order_by("pk")) == [
            ("connection.paused", admin.pk),
            ("connection.resumed", admin.pk),
        ]

    def test_the_export_that_runs_is_finished_and_no_other_is_begun(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        lease = worker.claim_connection(queued.connection_id)
        assert lease is not None
        job = worker.claim_job(queued.pk, queued.connection_id, lease)
        assert job is not None
        pauses.pause(connection=queued.connection, by=None, reason="Upgrade")
        delivery.send_calls(job, lease)
        assert of(queued).status == JobStatus.SYNCED
        assert not worker.export_next_job(queued.connection_id, lease)

    def test_a_worker_that_had_chosen_an_export_before_the_pause_does_not_begin_it(
        self, queued: ExportJob
    ) -> None:
        lease = worker.claim_connection(queued.connection_id)
        assert lease is not None
        pauses.pause(connection=queued.connection, by=None, reason="Upgrade")
        assert worker.claim_job(queued.pk, queued.connection_id, lease) is None
        assert of(queued).status == JobStatus.QUEUED

    def test_it_needs_admin_on_the_tool_and_a_reason(self, queued: ExportJob) -> None:
        connection, company = queued.connection, queued.submission.company
        with pytest.raises(RightMissing):
            pauses.pause(connection=connection, by=ApproverFactory(company=company), reason="No")
        admin = ErpAdminFactory(company=company)
        with pytest.raises(pauses.PauseError, match="Give a reason"):
            pauses.pause(connection=connection, by=admin, reason=" … ")
        pauses.pause(connection=connection, by=admin, reason="Upgrade")
        with pytest.raises(pauses.PauseError, match="already paused: Upgrade"):
            pauses.pause(connection=connection, by=admin, reason="Again")
        pauses.resume(connection=connection, by=admin)
        with pytest.raises(pauses.PauseError, match="is not paused"):
            pauses.resume(connection=connection, by=admin)

    def test_an_operator_does_it_at_the_command_line(self, queued: ExportJob) -> None:
        call_command("pause_connection", queued.connection_id, "Backup")
        assert Connection.objects.get(pk=queued.connection_id).pause_reason == "Backup"
        call_command("resume_connection", queued.connection_id)
        assert Connection.objects.get(pk=queued.connection_id).paused_at is None
        with pytest.raises(CommandError, match="is not paused"):
            call_command("resume_connection", queued.connection_id)
        with pytest.raises(CommandError, match="does not exist"):
            call_command("pause_connection", 0, "Backup")

    def test_on_screen_an_erp_admin_pauses_and_others_only_look(self, queued: ExportJob) -> None:
        company = queued.submission.company
        overview = f"/companies/{company.slug}/erp-integrations/"
        page = f"{overview}settings/"
        address = f"{page}{queued.connection_id}/pause/"
        approver = signed_in(ApproverFactory(company=company))
        assert approver.post(address, {"reason": "No"}).status_code == 403
        admin = signed_in(ErpAdminFactory(company=company))
        assert address in admin.get(page).content.decode()
        assert admin.get(address).status_code == 302
        assert "Give a reason" in admin.post(address, {"reason": ""}, follow=True).content.decode()
        html = admin.post(address, {"reason": "Upgrade tonight"}, follow=True).content.decode()
        assert "Upgrade tonight" in html
        assert f'action="{page}{queued.connection_id}/resume/"' in html
        assert "Upgrade tonight" in approver.get(overview).content.decode()
        html = admin.post(f"{page}{queued.connection_id}/resume/", follow=True).content.decode()
        assert "is resumed." in html
        stranger = signed_in(ErpAdminFactory())
        assert stranger.post(address, {"reason": "No"}).status_code == 404


class TestADailyWindow:
    def window(self, connection: Connection, begins: int, ends: int) -> Connection:
        """From and until so many minutes from now, in New York."""
        now = datetime.now(NEW_YORK)
        moments = [
            (now + timedelta(minutes=minutes)).time().replace(microsecond=0) for minutes in (begins, ends)
        ]
        Connection.objects.filter(pk=connection.pk).update(
            closed_from=moments[0], closed_until=moments[1], closed_time_zone="America/New_York"
        )
        return Connection.objects.get(pk=connection.pk)

    @pytest.mark.parametrize(
        ("begins", "ends", "closed"),
        [(-10, 10, True), (10, 20, False), (-20, -10, False), (-10, 60 * 23, True), (10, 60 * 23, False)],
    )
    def test_nothing_is_sent_in_it_whatever_the_time_of_day(
        self, simulator: Simulator, queued: ExportJob, begins: int, ends: int, closed: bool
    ) -> None:
        connection = self.window(queued.connection, begins, ends)
        assert connection.is_closed is closed
        assert worker.run_sweep() == ([] if closed else [queued.connection_id])
        assert delivered(queued).status == (JobStatus.QUEUED if closed else JobStatus.SYNCED)
        state = health.list_health(queued.submission.company)[0].state
        assert state.startswith("Closed until") is closed

    def test_without_a_time_zone_its_times_are_utc(self) -> None:
        connection = ConnectionFactory()
        now = datetime.now(UTC)
        moments = [(now + timedelta(minutes=minutes)).time().replace(microsecond=0) for minutes in (-10, 10)]
        Connection.objects.filter(pk=connection.pk).update(closed_from=moments[0], closed_until=moments[1])
        assert Connection.objects.get(pk=connection.pk).is_closed
        assert not ConnectionState.objects.available().exists()

    @pytest.mark.parametrize(
        "columns",
        [
            {"closed_from": time(1)},
            {"closed_until": time(1)},
            {"closed_from": time(1), "closed_until": time(1)},
        ],
    )
    def test_the_database_refuses_half_a_window(self, columns: dict[str, time]) -> None:
        connection = ConnectionFactory()
        with pytest.raises(IntegrityError, match="a_daily_window_has_a_beginning_and_an_end"):
            Connection.objects.filter(pk=connection.pk).update(**columns)
