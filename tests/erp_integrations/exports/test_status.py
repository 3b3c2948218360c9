"""How exports stand: the overview, the commands, and the health checks."""

import getpass
import io
import socket
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from directory.models import HistoryEntry
from directory.operators import with_command_line_operator
from erp_integrations.exports import status as operations
from erp_integrations.exports import worker
from erp_integrations.models import Connection, ExportJob, Heartbeat
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ConnectionFactory,
    ExportJobFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db


def counts(job: ExportJob) -> dict[str, int]:
    (row,) = operations.list_export_counts(job.submission.company)
    return {name: getattr(row, name) for name in operations.COUNTED if getattr(row, name)}


def update(job: ExportJob, **columns: object) -> None:
    ExportJob.objects.filter(pk=job.pk).update(**columns)


def late() -> object:
    return timezone.now() - timedelta(minutes=6)


class TestTheCounts:
    @pytest.mark.parametrize(
        ("situation", "expected"),
        [
            ({}, {"queued": 1}),
            ({"exporting": True}, {"running": 1}),
            ({"failed": True}, {"failed": 1}),
            ({"incomplete": True}, {"waiting": 1}),
            ({"unknown": True}, {"waiting": 1}),
            ({"absent": True}, {"waiting": 1}),
            ({"abandoned": True}, {"running": 1, "stuck": 1}),
            ({"synced": True}, {}),
        ],
    )
    def test_each_delivery_is_counted_where_it_stands(
        self, situation: dict[str, bool], expected: dict[str, int]
    ) -> None:
        assert counts(ExportJobFactory(**situation)) == expected

    def test_what_nobody_takes_up_for_minutes_is_stuck(self) -> None:
        job: ExportJob = ExportJobFactory()
        update(job, not_before=late())
        assert counts(job) == {"queued": 1, "stuck": 1}

    def test_a_page_costs_the_same_however_many_connections_there_are(self) -> None:
        company = CompanyFactory()
        client = signed_in(ViewerFactory(company=company))
        address = f"/companies/{company.slug}/erp-integrations/"
        counted = []
        for number in (1, 4):
            ConnectionFactory.create_batch(number, company=company)
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            counted.append(len(queries))
        assert counted[0] == counted[1]

    def test_whoever_sees_the_tool_sees_what_is_stuck_and_that_no_worker_looks(self) -> None:
        job: ExportJob = ExportJobFactory(abandoned=True)
        overview = f"/companies/{job.submission.company.slug}/erp-integrations/"
        client = signed_in(ViewerFactory(company=job.submission.company))
        html = client.get(overview).content.decode()
        assert '<td data-label="Stuck" class="num">1</td>' in html
        assert "no worker has checked the database yet" in html
        worker.run_sweep()
        assert "no worker has checked" not in client.get(overview).content.decode()


class TestReadiness:
    def ready(self) -> tuple[int, str]:
        response = Client().get("/readyz")
        return response.status_code, response.content.decode()

    def test_before_any_worker_has_looked_it_is_not_ready(self) -> None:
        status, text = self.ready()
        assert status == 503
        assert "sweep: NOT OK, never" in text

    def test_after_a_sweep_it_is(self) -> None:
        worker.run_sweep()
        status, text = self.ready()
        assert status == 200
        assert "sweep: ok, 0 s ago" in text
        assert "oldest due export: ok, 0 s" in text

    def test_a_sweep_of_long_ago_is_no_sign_of_life(self) -> None:
        worker.run_sweep()
        Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=61))
        assert self.ready()[0] == 503
        worker.run_sweep()
        assert self.ready()[0] == 200
        assert Heartbeat.objects.count() == 1

    def test_an_export_that_is_due_for_minutes_is_told_but_not_one_that_waits_for_a_reason(self) -> None:
        worker.run_sweep()
        job: ExportJob = ExportJobFactory()
        update(job, not_before=late())
        status, text = self.ready()
        assert status == 503
        assert "oldest due export: NOT OK, 360 s" in text
        Connection.objects.update(paused_at=timezone.now(), pause_reason="Upgrade")
        assert self.ready()[0] == 200


class TestTheCommand:
    def run(self, *arguments: str) -> str:
        out = io.StringIO()
        with with_command_line_operator():
            call_command("exports", *arguments, stdout=out)
        return out.getvalue()

    def test_status_shows_each_connection_and_what_waits(self) -> None:
        worker.run_sweep()
        job: ExportJob = ExportJobFactory(failed=True)
        told = self.run("status")
        assert "sweep: ok" in told
        assert f"{job.connection_id} {job.submission.company.name}" in told
        assert "0 queued, 0 running, 0 stuck, 1 failed, 0 need attention" in told
        assert (
            f"submission {job.submission_id} {job.submission.number}: Failed to export. {job.problem}" in told
        )

    def test_status_shows_what_spectrum_does_not_show(self) -> None:
        worker.run_sweep()
        job: ExportJob = ExportJobFactory(absent=True)
        ExportJobFactory(matching=True)
        told = self.run("status")
        assert (
            f"submission {job.submission_id} {job.submission.number}: Synced. Not found in Spectrum" in told
        )
        assert told.count("  submission ") == 1

    def test_status_ends_with_one_where_something_is_not_well(self) -> None:
        with pytest.raises(SystemExit) as ended:
            self.run("status")
        assert ended.value.code == 1

    @pytest.mark.parametrize(
        ("action", "situation", "status", "event"),
        [
            ("resume", {"incomplete": True}, "Incomplete", "export.resumed"),
            ("undo", {}, "Cancelled", "submission.undone"),
        ],
    )
    def test_an_operator_acts_in_nobodys_name_and_every_approver_is_mailed(
        self, action: str, situation: dict[str, bool], status: str, event: str
    ) -> None:
        job: ExportJob = ExportJobFactory(**situation)
        update(job, quiet_until=None)
        accepted_by, company = job.submission.decided_by, job.submission.company
        assert accepted_by is not None
        other, gone = ApproverFactory(company=company), ApproverFactory(company=company, is_active=False)
        assert self.run(action, str(job.submission_id)).strip() == f"{job.submission.number}: {status}"
        entry = HistoryEntry.objects.get(event=event)
        assert entry.by_id is None
        assert entry.detail["operator"] == f"{getpass.getuser()} on {socket.gethostname()}"
        mails = {mail.to_address: mail.text_body for mail in OutgoingEmail.objects.all()}
        assert set(mails) == {accepted_by.email, other.email}
        assert gone.email not in mails
        assert entry.detail["operator"] in mails[other.email]

    @pytest.mark.parametrize("action", ["adopt", "follow", "resolve", "retry", "unlink"])
    def test_what_is_an_approvers_decision_is_not_to_be_had(self, action: str) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        person = ApproverFactory(company=job.submission.company)
        with pytest.raises(CommandError, match="invalid choice"):
            self.run(action, str(job.submission_id))
        with pytest.raises(CommandError):
            self.run("undo", str(job.submission_id), "--by", person.email)
        assert ExportJob.objects.get().status == job.status

    def test_what_can_not_be_done_is_said(self) -> None:
        job: ExportJob = ExportJobFactory(synced=True)
        with pytest.raises(CommandError, match="too late to undo"):
            self.run("undo", str(job.submission_id))
        with pytest.raises(CommandError, match="does not exist"):
            self.run("undo", "0")
        assert not OutgoingEmail.objects.exists()
