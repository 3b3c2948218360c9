"""More than one of each process, as on two machines."""

import time
from collections import Counter
from collections.abc import Callable
from itertools import groupby

import pytest

from erp_integrations.models import ExportJob, JobStatus
from notifications.models import Kind, OutgoingEmail, Status
from tests.factories import ApproverFactory
from tests.notifications.mail_server import MailServer
from tests.processes.conftest import HEADER, LINE, Case, calls, has_become
from tests.processes.running import SHORT, Running, until, where_it_is_noon
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def one_after_the_other(simulator: Simulator, jobs: list[ExportJob]) -> bool:
    """True if the calls of one export ended before those of another began: one writer at a time."""
    ours = [job.erp_id for job in jobs]
    numbers = [call["number"] for call in simulator.calls() if call["number"] in ours]
    return len(list(groupby(numbers))) == len(jobs)


def test_two_workers_export_once_and_send_one_summary_to_each_approver(
    simulator: Simulator,
    case: Case,
    mail_server: MailServer,
    start_worker: Callable[[], Running],
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
    for job in jobs:
        until(has_become(job, JobStatus.SYNCED), "exported")
    summaries = OutgoingEmail.objects.filter(kind=Kind.DAILY_SUMMARY)
    until(lambda: summaries.filter(status=Status.SENT).count() == summaries.count() > 0, "mailed")
    time.sleep(4 * float(SHORT["WORKER_POLL_SECONDS"]))  # both have looked again
    for job in jobs:
        assert calls(simulator, job) == [HEADER, LINE, LINE]
    assert one_after_the_other(simulator, jobs)
    daily = [message for message in mail_server.received if "Daily Summary" in message["Subject"]]
    assert Counter(message["To"] for message in daily) == {person.email: 1 for person in people}
