"""More than one of each process, as on two machines."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest
from celery.beat import PersistentScheduler

from config.celery import app
from erp_integrations.models import ExportJob, JobStatus
from notifications.models import Kind, OutgoingEmail, Status
from tests.factories import ApproverFactory
from tests.notifications.mail_server import MailServer
from tests.processes import running
from tests.processes.conftest import HEADER, LINE, Case, Start, calls, has_become
from tests.processes.running import Running, until, where_it_is_noon
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

YESTERDAY_OR_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


def schedule_that_is_overdue(file: Path) -> Path:
    """What a beat left behind that was stopped long ago: everything is due at its start."""
    scheduler = PersistentScheduler(app=app, schedule_filename=str(file))
    for entry in scheduler.schedule.values():
        entry.last_run_at = YESTERDAY_OR_BEFORE
    scheduler.close()
    return file


def ran_twice(task: str, workers: list[Running]) -> Callable[[], bool]:
    """Each run is two lines of a log: that it was received, and that it succeeded."""
    return lambda: sum(worker.said(f"{task}[") for worker in workers) >= 4


def one_after_the_other(simulator: Simulator, jobs: list[ExportJob]) -> bool:
    """Whether the calls of one export ended before those of another began: one writer at a time."""
    ours = [job.erp_id for job in jobs]
    numbers = [call["number"] for call in simulator.calls() if call["number"] in ours]
    return len(list(groupby(numbers))) == len(jobs)


def test_two_beats_and_two_workers_export_once_and_send_one_summary_to_each_approver(
    simulator: Simulator,
    case: Case,
    mail_server: MailServer,
    environment: dict[str, str],
    start: Start,
    start_worker: Callable[[], Running],
    tmp_path: Path,
) -> None:
    mail_server.start()
    people = [case.approver, *ApproverFactory.create_batch(2, company=case.project.company)]
    for person in people:
        person.time_zone, person.summary_hour = where_it_is_noon(), 0
        person.save()
    workers = [start_worker(), start_worker()]
    for worker in workers:
        worker.wait_until_ready()
    simulator.set_faults({"kind": "slow", "seconds": 0.2, "times": 6})
    jobs = [case.accept(case.send()) for _ in range(2)]
    for number in (1, 2):
        schedule = schedule_that_is_overdue(tmp_path / f"schedule-{number}")
        start(running.beat(schedule, environment), tmp_path / f"beat-{number}.log")
    for task in ("tasks.sweep", "tasks.send_daily_summaries", "tasks.send_emails"):
        until(ran_twice(task, workers), f"{task} ran for both beats")
    for job in jobs:
        until(has_become(job, JobStatus.SYNCED), "exported")
    summaries = OutgoingEmail.objects.filter(kind=Kind.DAILY_SUMMARY)
    until(lambda: summaries.filter(status=Status.SENT).count() == summaries.count() > 0, "mailed")
    for job in jobs:
        assert calls(simulator, job) == [HEADER, LINE, LINE]
    assert one_after_the_other(simulator, jobs)
    daily = [message for message in mail_server.received if "Daily Summary" in message["Subject"]]
    assert Counter(message["To"] for message in daily) == {person.email: 1 for person in people}
