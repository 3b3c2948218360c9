"""A broker that dies or forgets: it only wakes, so it costs time and nothing else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from config.concealed import Concealed
from directory.history import sealing
from directory.models import HistoryEntry, HistorySeal, User
from erp_integrations.models import ExportJob, JobStatus
from notifications.models import Kind, OutgoingEmail, PasswordRequest
from tests.directory.test_history_sealing import committed_late, entries
from tests.factories import ApproverFactory, PersonFactory
from tests.notifications.factories import OutgoingEmailFactory
from tests.notifications.mail_server import MailServer
from tests.processes.conftest import HEADER, LINE, Case, calls, has_become
from tests.processes.people import Person
from tests.processes.running import Broker, Running, until
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

WOKEN = "erp_integrations.tasks.drain_connection"


def test_accepting_and_exporting_go_on_without_a_broker_and_wake_ups_return_with_it(
    simulator: Simulator,
    case: Case,
    broker: Broker,
    start_worker: Callable[[], Running],
    sign_in: Callable[[User], Person],
) -> None:
    worker = start_worker()
    person = sign_in(case.approver)
    submissions = [case.submission, case.send(), case.send()]
    worker.wait_until_ready()

    def accept_and_see_it_exported() -> None:
        submission = submissions.pop(0)
        person.accepts(submission)
        job = ExportJob.objects.get(submission=submission)
        until(has_become(job, JobStatus.SYNCED), "exported")
        assert calls(simulator, job) == [HEADER, LINE, LINE]

    accept_and_see_it_exported()
    until(lambda: worker.said(f"{WOKEN}[") >= 2, "the message was received, and its task ended")
    broker.kill()
    before = worker.said(WOKEN)
    accept_and_see_it_exported()
    assert worker.said(WOKEN) == before
    broker.start()
    until(lambda: worker.said("Connected to") >= 2, "the worker found the broker again")
    accept_and_see_it_exported()
    until(lambda: worker.said(WOKEN) > before, "a message woke the worker")


def test_a_broker_flushed_after_accepting_loses_no_export(
    simulator: Simulator,
    case: Case,
    broker: Broker,
    start_worker: Callable[[], Running],
    sign_in: Callable[[User], Person],
) -> None:
    sign_in(case.approver).accepts(case.submission)
    assert broker.messages() == 1
    broker.flush()
    worker = start_worker()
    job = ExportJob.objects.get(submission=case.submission)
    until(has_become(job, JobStatus.SYNCED), "found without a message")
    assert calls(simulator, job) == [HEADER, LINE, LINE]
    assert worker.said(WOKEN + "[") == 0


def test_a_worker_that_never_finds_a_broker_exports_and_stops_when_told(
    simulator: Simulator, case: Case, broker: Broker, start_worker: Callable[[], Running]
) -> None:
    broker.kill()
    worker = start_worker()
    job = case.accept()
    until(has_become(job, JobStatus.SYNCED), "exported without a broker")
    worker.tell_to_stop()
    assert worker.exit_code(within=10) == 0


def test_a_link_to_choose_a_password_is_mailed_without_a_broker(
    broker: Broker, mail_server: MailServer, start_worker: Callable[[], Running]
) -> None:
    person = PersonFactory()
    PasswordRequest.objects.create(address=person.email)
    mail_server.start()
    broker.kill()
    start_worker()
    until(lambda: mail_server.received, "the link is mailed")
    assert [message["To"] for message in mail_server.received] == [person.email]
    assert not PasswordRequest.objects.exists()


def test_old_data_goes_reviews_are_reminded_of_and_late_entries_are_sealed_without_a_broker(
    broker: Broker, environment: dict[str, str], start_worker: Callable[[], Running]
) -> None:
    OutgoingEmailFactory(sent=True)
    old = OutgoingEmail.objects.get()
    OutgoingEmail.objects.update(created_at=Now() - timedelta(days=settings.KEEP_EMAILS_DAYS + 1))
    approver = ApproverFactory()
    environment["APPROVERS_REVIEW_DAYS"] = "0"

    def meanwhile() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [HistoryEntry._meta.db_table, sealing.LATE],
            )
        entries(1)
        sealing.seal_new_entries()

    late = committed_late(meanwhile)
    broker.kill()
    start_worker()
    until(lambda: not OutgoingEmail.objects.filter(pk=old.pk).exists(), "what is kept no longer is removed")
    until(lambda: HistorySeal.objects.filter(entry_id=late).exists(), "what was committed late is sealed")
    reminders = OutgoingEmail.objects.filter(kind=Kind.RIGHTS, recipient=approver)
    until(reminders.exists, "the review that is overdue is reminded of")


def test_whoever_reaches_the_broker_learns_nothing_of_a_worker_and_can_not_stop_it(
    simulator: Simulator,
    case: Case,
    broker: Broker,
    start_worker: Callable[[], Running],
    sign_in: Callable[[User], Person],
) -> None:
    start_worker().wait_until_ready()
    stranger = Celery(broker=broker.url, set_as_current=False)
    inspect = stranger.control.inspect(timeout=1)
    assert (inspect.ping(), inspect.conf(), inspect.stats()) == (None, None, None)
    stranger.control.shutdown()
    sign_in(case.approver).accepts(case.submission)
    job = ExportJob.objects.get(submission=case.submission)
    until(has_become(job, JobStatus.SYNCED), "exported by the worker that was told to shut down")


def test_a_dump_of_the_settings_shows_no_password_of_the_broker_or_of_info_link() -> None:
    url = "mssql+pymssql://reader:the-password@spectrum.example/INFO"
    assert "the-password" not in f"{ {'INFO_LINKS': {'main': Concealed(url)}} } {Concealed(url)!r}"
    assert isinstance(settings.CELERY_BROKER_URL, Concealed)
    assert Concealed(url) == url
