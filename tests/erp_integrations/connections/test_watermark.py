"""How far was written is named outside the database, before anything leaves."""

import json
import os
import socket
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.connections import pauses, watermark
from erp_integrations.exports import after_restore, outcomes, worker
from erp_integrations.models import (
    Alarm,
    CallState,
    Connection,
    ExportJob,
    JobStatus,
    Submission,
    WireAttempt,
)
from erp_integrations.pages import previews
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import delivered, due_now, of, sent, states
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.WIRE_WATERMARK_DIR = str(tmp_path / "wire")
    return tmp_path / "wire"


def mark(folder: Path, *, epoch: int = 0, attempt: int, host: str = "elsewhere") -> Path:
    """As a worker of another machine has written it."""
    folder.mkdir(exist_ok=True)
    file = folder / f"wire-{host}.json"
    file.write_text(json.dumps({"epoch": epoch, "attempt": attempt, "at": "2026-11-28T02:00:00+00:00"}))
    return file


def marks(folder: Path) -> list[int]:
    return [json.loads(file.read_text())["attempt"] for file in folder.glob("wire-*.json")]


def test_the_first_call_of_a_job_is_named_before_it_leaves(
    simulator: Simulator, queued: ExportJob, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert delivered(queued).status == JobStatus.SYNCED
    assert marks(folder) == [WireAttempt.objects.order_by("pk")[0].pk]


def test_a_folder_that_can_not_be_written_stops_the_export_and_the_connection_waits(
    simulator: Simulator, queued: ExportJob, folder: Path
) -> None:
    folder.write_text("a file where the folder should be")
    job = delivered(queued)
    assert (job.status, sent(simulator, job)) == (JobStatus.QUEUED, [])
    assert (states(job)[0], job.tries) == (CallState.PLANNED, 0)
    connection = Connection.objects.get()
    assert "WIRE_WATERMARK_DIR" in connection.state.fault
    assert connection.state.not_before is not None
    assert Alarm.objects.filter(submission=None).count() == 1
    folder.unlink()
    due_now(job)
    assert delivered(job).status == JobStatus.SYNCED


def test_it_only_rises(simulator: Simulator, queued: ExportJob, folder: Path) -> None:
    assert delivered(queued).status == JobStatus.SYNCED
    first, last = WireAttempt.objects.order_by("pk")[0], WireAttempt.objects.order_by("-pk")[0]
    assert watermark.write_mark(last) == watermark.write_mark(first) == ""
    assert marks(folder) == [last.pk]
    # Web reads it before a connection goes on, and may be another user of the system.
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


def test_files_of_dead_processes_go_when_they_say_no_more(
    simulator: Simulator, queued: ExportJob, folder: Path
) -> None:
    machine, nobody = socket.gethostname().replace("-", "_"), 2**22 + 1  # above any process's number
    low = mark(folder, attempt=0, host=f"{machine}-{nobody}")
    living = mark(folder, attempt=0, host=f"{machine}-{os.getppid()}")
    others = mark(folder, attempt=0, host=f"elsewhere-{nobody}")
    assert delivered(queued).status == JobStatus.SYNCED
    assert (low.exists(), living.exists(), others.exists()) == (False, True, True)
    (kept,) = (each for each in folder.glob(f"wire-{machine}-{os.getpid()}.json"))
    high = mark(folder, epoch=1, attempt=9, host=f"{machine}-{nobody}")
    kept.unlink()
    assert watermark.write_mark(WireAttempt.objects.order_by("-pk")[0]) == ""
    assert high.exists()


def test_of_other_machines_go_only_those_that_are_old_and_say_no_more(
    simulator: Simulator, queued: ExportJob, folder: Path
) -> None:
    old = {host: mark(folder, attempt=0, host=f"{host}-7") for host in ("gone", "lately", "ahead")}
    old["ahead"].write_text(mark(folder, epoch=1, attempt=9, host="x-1").read_text())
    for host in ("gone", "ahead"):
        os.utime(old[host], (0, 0))
    assert watermark.write_mark(WireAttempt.objects.create(call=queued.calls.all()[0], attempt=1)) == ""
    assert [file.exists() for file in old.values()] == [False, True, True]


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"epoch": 0, "attempt": null, "at": ""}'])
def test_a_damaged_file_stops_everything(
    simulator: Simulator, queued: ExportJob, folder: Path, damage: str
) -> None:
    mark(folder, attempt=1).write_text(damage)
    job = delivered(queued)
    assert (job.status, sent(simulator, job)) == (JobStatus.QUEUED, [])
    assert Connection.objects.get().paused_at is not None


def test_a_database_that_knows_less_pauses_every_connection_until_an_operator_has_said_so(
    simulator: Simulator, queued: ExportJob, folder: Path
) -> None:
    mark(folder, attempt=10_000_000)
    assert not worker.export_due_jobs(queued.connection_id)
    assert Connection.objects.get().paused_at is not None
    assert sent(simulator, queued) == []
    with pytest.raises(pauses.PauseError, match="older copy"):
        pauses.resume(connection=queued.connection, by=None)
    with pytest.raises(CommandError, match="Give a reason"):
        call_command("after_restore", reason=" . ")
    call_command("after_restore", reason="The copy of 02:00", stdout=StringIO())
    pauses.resume(connection=queued.connection, by=None)
    assert watermark.find_losses() == []


def test_a_number_that_was_given_again_is_not_the_attempt_that_left(
    simulator: Simulator, queued: ExportJob, folder: Path
) -> None:
    """The copy went on unnoticed, until its numbers had climbed past the file's."""
    assert delivered(queued).status == JobStatus.SYNCED
    assert watermark.find_losses() == []
    (named,) = marks(folder)
    assert WireAttempt.objects.filter(pk__gt=named).exists()
    WireAttempt.objects.filter(pk=named).update(started_at=timezone.now())
    assert watermark.find_losses()
    call_command("after_restore", reason="The copy of 02:00", stdout=StringIO())
    assert watermark.find_losses() == []


def test_a_file_of_before_attempts_had_a_name_counts_by_its_number(
    simulator: Simulator, queued: ExportJob, folder: Path
) -> None:
    assert delivered(queued).status == JobStatus.SYNCED
    newest = WireAttempt.objects.order_by("-pk")[0].pk
    mark(folder, attempt=newest)
    assert watermark.find_losses() == []
    mark(folder, attempt=newest + 1)
    assert watermark.find_losses()


def test_a_second_restore_of_the_same_copy_is_noticed_as_well(folder: Path) -> None:
    mark(folder, epoch=1, attempt=4)
    assert watermark.find_losses()
    call_command("after_restore", reason="Again", stdout=StringIO())
    assert watermark.find_losses() == []
    mark(folder, epoch=3, attempt=1)
    assert watermark.find_losses()


def test_where_nothing_is_lost_an_operator_has_to_mean_it(folder: Path) -> None:
    with pytest.raises(CommandError, match="knows all"):
        call_command("after_restore", reason="No files", stdout=StringIO())
    call_command("after_restore", reason="No files", anyway=True, stdout=StringIO())


def test_what_awaits_without_read_back_needs_a_persons_words(
    simulator: Simulator, awaiting: Submission, approver: User, settings: Settings, folder: Path
) -> None:
    settings.INFO_LINKS = {}
    mark(folder, attempt=10_000_000)
    call_command("after_restore", reason="The copy of 02:00", stdout=StringIO())
    awaiting.refresh_from_db()
    seen = previews.build_preview(awaiting)
    client = signed_in(approver)
    address = f"{awaiting.get_absolute_url()}accept/"
    assert "Restored from an older copy of the database" in client.get(address).content.decode()
    posted = {"expected_hash": seen.expected_hash, "expected_version": 0, "erp_id": seen.erp_id, "note": ""}
    assert client.post(address, posted).status_code == 422
    assert not ExportJob.objects.exists()
    with pytest.raises(submissions.StatementMissing):
        submissions.accept(
            submission=awaiting, by=approver, expected_hash=seen.expected_hash, erp_id=seen.erp_id
        )
    assert client.post(address, {**posted, "statement": "Not there, 10:15."}).status_code == 302
    assert of(ExportJob.objects.get()).status == JobStatus.QUEUED


def test_a_restore_that_is_killed_half_way_lets_nothing_be_sent(
    simulator: Simulator, queued: ExportJob, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(folder, attempt=10_000_000)

    def killed(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as at_the_job:
        at_the_job.setattr(outcomes, "set_job_status", killed)
        with pytest.raises(KeyboardInterrupt):
            after_restore.confirm_restore(reason="The copy of 02:00")
    with pytest.raises(pauses.PauseError, match="older copy"):
        pauses.resume(connection=queued.connection, by=None)
    after_restore.confirm_restore(reason="The copy of 02:00")
    pauses.resume(connection=queued.connection, by=None)
    job = delivered(queued)
    assert (job.status, sent(simulator, job)) == (JobStatus.UNKNOWN, [])


class TestADraftOfTheCopyThatIsSentWithoutReadBack:
    """Nobody knows whether it was sent and written after the copy was made."""

    @pytest.fixture
    def sent_after(self, simulator: Simulator, deliverable: Commitment, sender: User) -> Submission:
        after_restore.confirm_restore(reason="The copy of 02:00", anyway=True)
        pauses.resume(connection=Connection.objects.get(), by=None)
        return submissions.send_to_erp(commitment=deliverable, by=sender)

    def test_needs_a_persons_words(self, sent_after: Submission, approver: User) -> None:
        seen = previews.build_preview(sent_after)
        client, address = signed_in(approver), f"{sent_after.get_absolute_url()}accept/"
        assert "Restored from an older copy of the database" in client.get(address).content.decode()
        with pytest.raises(submissions.StatementMissing):
            submissions.accept(
                submission=sent_after, by=approver, expected_hash=seen.expected_hash, erp_id=seen.erp_id
            )
        posted = {
            "expected_hash": seen.expected_hash,
            "expected_version": 0,
            "erp_id": seen.erp_id,
            "note": "",
        }
        assert client.post(address, {**posted, "statement": "Not there, 10:15."}).status_code == 302
        assert of(ExportJob.objects.get()).status == JobStatus.QUEUED

    def test_needs_them_once(
        self, simulator: Simulator, sent_after: Submission, approver: User, sender: User
    ) -> None:
        seen = previews.build_preview(sent_after)
        job = submissions.accept(
            submission=sent_after,
            by=approver,
            expected_hash=seen.expected_hash,
            erp_id=seen.erp_id,
            statement="Not there, 10:15.",
        )
        simulator.set_faults({"kind": "refuse", "times": 1})
        job = delivered(job)
        assert job.status == JobStatus.FAILED
        submissions.reject(submission=job.submission, by=approver, reason="Too dear.")
        again = submissions.send_to_erp(commitment=job.submission.commitment, by=sender)
        assert accept(again, approver).status == JobStatus.QUEUED

    def test_a_rejection_says_nothing_of_spectrum(
        self, sent_after: Submission, approver: User, sender: User
    ) -> None:
        submissions.reject(submission=sent_after, by=approver, reason="Too dear.")
        again = submissions.send_to_erp(commitment=sent_after.commitment, by=sender)
        with pytest.raises(submissions.StatementMissing):
            accept(again, approver)

    def test_one_that_was_made_since_is_accepted_as_ever(
        self, simulator: Simulator, deliverable: Commitment, sender: User, approver: User
    ) -> None:
        after_restore.confirm_restore(reason="The copy of 02:00", anyway=True)
        Commitment.objects.filter(pk=deliverable.pk).update(created_at=timezone.now())
        job = accept(submissions.send_to_erp(commitment=deliverable, by=sender), approver)
        assert job.status == JobStatus.QUEUED


def test_no_folder_is_an_error_of_the_deploy_check(settings: Settings) -> None:
    for folder, found in (("", ["erp_integrations.E011"]), ("/somewhere", [])):
        settings.WIRE_WATERMARK_DIR = folder
        told = run_checks(include_deployment_checks=True)
        assert [each.id for each in told if each.id == "erp_integrations.E011"] == found


def test_an_export_of_the_copys_time_is_taken_up_first(
    simulator: Simulator, queued: ExportJob, folder: Path
) -> None:
    mark(folder, attempt=10_000_000)
    later = timezone.now() + timedelta(minutes=1)
    ExportJob.objects.filter(pk=queued.pk).update(status=JobStatus.EXPORTING, lease_until=later)
    with pytest.raises(CommandError, match="is being exported until"):
        call_command("after_restore", reason="The copy of 02:00", stdout=StringIO())
    ExportJob.objects.filter(pk=queued.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    call_command("after_restore", reason="The copy of 02:00", stdout=StringIO())
    assert of(queued).status == JobStatus.UNKNOWN  # nothing can be read back here
