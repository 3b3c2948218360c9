"""A mail server that is down, or dies with a mail in its hands."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from django.db.models.functions import Now

from directory.models import User
from erp_integrations.emails.rights_mails import store_review_reminders
from erp_integrations.models import Heartbeat
from notifications.models import Kind, OutgoingEmail, Status
from tests.notifications.factories import OutgoingEmailFactory
from tests.notifications.mail_server import MailServer
from tests.processes.conftest import Case
from tests.processes.people import Person
from tests.processes.running import Running, until

pytestmark = pytest.mark.django_db(transaction=True)

RETRY_NOW = {"not_before": Now()}
LEASE_OVER = {"lease_until": Now()}


@pytest.fixture(autouse=True)
def _nobody_is_reminded_of_a_review(transactional_db: None) -> None:
    """As if a worker had seen to that a moment ago: it is no mail of these tests."""
    Heartbeat.objects.create(name=store_review_reminders.__name__)


def delivered(server: MailServer) -> Counter[str]:
    """How often each Message-ID arrived."""
    return Counter(str(message["Message-ID"]) for message in server.received)


def everything_is_sent() -> bool:
    return not OutgoingEmail.objects.exclude(status=Status.SENT).exists()


def test_a_rejection_waits_for_the_mail_server_and_is_delivered_once(
    case: Case,
    mail_server: MailServer,
    start_worker: Callable[[], Running],
    sign_in: Callable[[User], Person],
) -> None:
    sign_in(case.approver).rejects(case.submission, "The cost code of line 2 is wrong.")
    email = OutgoingEmail.objects.get(kind=Kind.REJECTION)
    start_worker()
    until(lambda: OutgoingEmail.objects.exclude(last_error="").exists(), "the worker tried in vain")
    assert OutgoingEmail.objects.get().status == Status.QUEUED
    mail_server.start()
    OutgoingEmail.objects.update(**RETRY_NOW)  # as if the half minute of the first back-off were over
    until(everything_is_sent, "the mail is sent")
    assert delivered(mail_server) == {email.message_id: 1}
    assert "The cost code of line 2 is wrong." in str(mail_server.received[0])


def test_a_worker_killed_while_the_mail_server_has_the_mail_sends_it_again_under_the_same_id(
    case: Case,
    mail_server: MailServer,
    start_worker: Callable[[], Running],
    sign_in: Callable[[User], Person],
) -> None:
    done = threading.Event()

    def hang(message: EmailMessage) -> None:
        done.wait(30)

    mail_server.after_data = hang
    mail_server.start()
    sign_in(case.approver).rejects(case.submission, "No")
    first = start_worker()
    until(lambda: mail_server.received, "the mail server has it and does not answer")
    first.kill()
    mail_server.after_data = None
    done.set()
    email = OutgoingEmail.objects.get()
    assert email.status == Status.SENDING
    OutgoingEmail.objects.update(**LEASE_OVER)  # it is four minutes long
    start_worker()
    until(everything_is_sent, "the next worker sends it")
    assert delivered(mail_server) == {email.message_id: 2}


def test_a_worker_told_to_stop_ends_its_mail_and_leaves_the_others_queued(
    mail_server: MailServer, start_worker: Callable[[], Running]
) -> None:
    OutgoingEmailFactory.create_batch(20)
    mail_server.after_data = lambda message: time.sleep(0.3)
    mail_server.start()
    worker = start_worker()
    until(lambda: mail_server.received, "the mail server has the first")
    worker.tell_to_stop()
    assert worker.exit_code(within=10) == 0
    sent = OutgoingEmail.objects.filter(status=Status.SENT).count()
    assert 1 <= sent == len(mail_server.received) < 20
    assert OutgoingEmail.objects.filter(status=Status.QUEUED, attempts=0).count() == 20 - sent
