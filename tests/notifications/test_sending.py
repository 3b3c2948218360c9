import csv
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from email.message import EmailMessage
from io import StringIO
from time import sleep
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import Settings

from directory.back_off import get_back_off
from directory.models import HistoryEntry, User
from notifications import sending
from notifications.emails import SummaryLine, SummarySection, store_daily_summary
from notifications.models import MAX_ATTEMPTS, OutgoingEmail, Status, get_database_time
from tests.notifications.factories import LONG_AGO, OutgoingEmailFactory, RecipientFactory
from tests.notifications.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at one moment, each with a database connection of its own."""
    meet = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            meet.wait(10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def impatient(call: Callable[[], Any]) -> Callable[[], Any]:
    """Fail, instead of waiting for ever, where a row lock is in the way."""

    def run() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        return call()

    return run


def test_a_mail_to_the_operator_arrives_who_has_no_account(mail_server: MailServer) -> None:
    OutgoingEmailFactory.create(recipient=None, to_address="operations@example.test")
    assert sending.send_due_emails() == 1
    assert [message["To"] for message in mail_server.received] == ["operations@example.test"]


def test_a_stored_mail_arrives_with_both_parts_and_its_message_id(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create(subject="Rejected by accounting: SC-0001 Béton armé")
    assert sending.send_due_emails() == 1
    (message,) = mail_server.received
    assert message["Subject"] == email.subject
    assert message["To"] == email.to_address
    assert message["From"] == "Ledgergate <ledgergate@example.test>"
    assert message["Message-ID"] == email.message_id
    assert message["Date"].datetime == email.created_at.replace(microsecond=0)
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    email.refresh_from_db()
    assert (email.status, email.attempts, email.last_error) == (Status.SENT, 1, "")
    assert email.sent_at is not None


@pytest.mark.parametrize("vendor", ["Béton & Fils", "築" * 200, '"Quoted", 1.\n.\nFrom here'])
def test_a_file_arrives_byte_for_byte(mail_server: MailServer, vendor: str) -> None:
    lines = [
        SummaryLine(
            "Brücke", "Subcontract", f"SC-{number}", "築" * 100, vendor, Decimal(number), "USD", 3, ""
        )
        for number in range(501)
    ]
    section = SummarySection("Béton", "beton", "https://books.example/", lines)
    person, day = RecipientFactory.create(), date(2026, 11, 23)
    email = store_daily_summary(recipient=person, day=day, sections=[section], link="https://books.example/")
    assert email
    assert sending.send_due_emails() == 1
    (message,) = mail_server.received
    assert message["Subject"] == "ERP Integrations Daily Summary"
    (part,) = message.iter_attachments()
    assert part.get_filename() == "beton-waiting-for-accounting.csv"
    content = part.get_payload(decode=True)
    assert content == email.attachments.get().content.encode()
    assert isinstance(content, bytes)
    rows = list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 502
    assert {row[4] for row in rows[1:]} == {" ".join(vendor.split())}
    body = message.get_body(("plain",))
    assert body
    assert "All 501 are in the attached file beton-waiting-for-accounting.csv" in body.get_content()


@pytest.mark.parametrize("linesep", ["\n", "\r\n"])
def test_files_stand_in_each_mail_as_django_writes_them(linesep: str) -> None:
    files = [("beton.csv", "Größe;1\r\n.\r\n" * 400), ("long.csv", "x" * 1500), ("plain.csv", "From a\r\n")]
    written = []
    for make in (EmailMultiAlternatives, sending.Message, sending.Message):
        mail = make(
            "Summary", "text", "a@example.test", ["b@example.test"], headers={"Date": "1", "Message-ID": "2"}
        )
        mail.attach_alternative("<p>text</p>", "text/html")
        for name, content in files:
            mail.attach(name, content, "text/csv")
        message: Any = mail.message()
        whole: bytes = message.as_bytes(linesep=linesep)
        assert [file.content for file in mail.attachments] == [content for _, content in files]
        for number, boundary in enumerate(dict.fromkeys(re.findall(rb"={10,}\d+==", whole))):
            whole = whole.replace(boundary, b"boundary %d" % number)
        written.append(whole)
    assert written[0] == written[1] == written[2]


def test_a_batch_goes_over_one_connection_the_longest_waiting_first(mail_server: MailServer) -> None:
    emails = [
        OutgoingEmailFactory.create(not_before=LONG_AGO - timedelta(days=number)) for number in range(5)
    ]
    assert sending.send_due_emails() == 5
    assert [message["Message-ID"] for message in mail_server.received] == [
        email.message_id for email in reversed(emails)
    ]
    assert mail_server.connections == 1


def test_no_more_than_the_limit_is_sent(mail_server: MailServer) -> None:
    OutgoingEmailFactory.create_batch(3)
    assert sending.send_due_emails(limit=2) == 2
    assert OutgoingEmail.objects.queued().count() == 1


def test_nothing_due_speaks_to_nobody(mail_server: MailServer) -> None:
    OutgoingEmailFactory.create(sent=True)
    OutgoingEmailFactory.create(failed=True)
    OutgoingEmailFactory.create(backing_off=True)
    OutgoingEmailFactory.create(being_sent=True)
    assert sending.send_due_emails() == 0
    assert mail_server.connections == 0


def test_no_transaction_and_no_lock_is_held_while_smtp_is_spoken(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create()
    seen: list[object] = []

    def look(message: EmailMessage) -> None:
        try:
            with transaction.atomic():
                seen.append(OutgoingEmail.objects.select_for_update(nowait=True).get(pk=email.pk).status)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND state LIKE 'idle in transaction%%'"
                )
                seen.append(cursor.fetchone()[0])
        finally:
            connection.close()

    mail_server.after_data = look
    sending.send_due_emails()
    assert seen == [Status.SENDING, 0]


def test_it_is_not_sent_from_within_a_transaction(mail_server: MailServer) -> None:
    OutgoingEmailFactory.create()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        sending.send_due_emails()
    assert mail_server.received == []


def test_two_senders_at_once_send_each_mail_once(mail_server: MailServer) -> None:
    for _ in range(10):
        email = OutgoingEmailFactory.create()
        assert sorted(in_threads(sending.send_due_emails, sending.send_due_emails)) == [0, 1]
        email.refresh_from_db()
        assert (email.status, email.attempts) == (Status.SENT, 1)
    assert len(mail_server.received) == 10


def test_two_senders_share_a_queue(mail_server: MailServer) -> None:
    emails = OutgoingEmailFactory.create_batch(30)
    assert sum(in_threads(sending.send_due_emails, sending.send_due_emails)) == 30
    assert sorted(message["Message-ID"] for message in mail_server.received) == sorted(
        email.message_id for email in emails
    )


def test_a_claim_does_not_wait_for_a_row_that_another_claims() -> None:
    first, second = OutgoingEmailFactory.create(not_before=LONG_AGO), OutgoingEmailFactory.create()
    with transaction.atomic():
        OutgoingEmail.objects.select_for_update().get(pk=first.pk)
        assert in_threads(impatient(sending.claim_email)) == [second]


def test_a_hanging_server_holds_no_more_than_two_senders() -> None:
    OutgoingEmailFactory.create_batch(2, being_sent=True)
    OutgoingEmailFactory.create()
    assert sending.claim_email() is None


def test_a_refused_recipient_fails_at_once_and_holds_up_nobody(mail_server: MailServer) -> None:
    refused, other = OutgoingEmailFactory.create(not_before=LONG_AGO), OutgoingEmailFactory.create()
    mail_server.answers[refused.to_address] = "550 No such user"
    assert sending.send_due_emails() == 2
    refused.refresh_from_db()
    other.refresh_from_db()
    assert (refused.status, refused.last_error) == (Status.FAILED, "550 No such user")
    assert other.status == Status.SENT
    assert mail_server.connections == 1


def test_refused_content_fails_at_once(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create()
    mail_server.after_data = lambda message: "554 Looks like spam"
    sending.send_due_emails()
    email.refresh_from_db()
    assert (email.status, email.last_error) == (Status.FAILED, "554 Looks like spam")


def test_a_passing_refusal_waits_and_holds_up_nobody(mail_server: MailServer) -> None:
    greylisted, other = OutgoingEmailFactory.create(not_before=LONG_AGO), OutgoingEmailFactory.create()
    mail_server.answers[greylisted.to_address] = "451 Come back later"
    before = get_database_time()
    assert sending.send_due_emails() == 2
    greylisted.refresh_from_db()
    other.refresh_from_db()
    assert (greylisted.status, greylisted.last_error) == (Status.QUEUED, "451 Come back later")
    assert timedelta(seconds=20) < greylisted.not_before - before < timedelta(seconds=40)
    assert other.status == Status.SENT


def test_a_refused_sender_is_our_own_setting_and_costs_no_mail(mail_server: MailServer) -> None:
    first, second = OutgoingEmailFactory.create(not_before=LONG_AGO), OutgoingEmailFactory.create()
    mail_server.answer_to_sender = "530 Authentication required"
    assert sending.send_due_emails() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.last_error) == (Status.QUEUED, "530 Authentication required")
    assert (second.status, second.attempts) == (Status.QUEUED, 0)


def test_a_mail_that_is_too_large_fails_at_once(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create()
    mail_server.answer_to_sender = "552 Too large"
    sending.send_due_emails()
    email.refresh_from_db()
    assert (email.status, email.last_error) == (Status.FAILED, "552 Too large")


def test_a_server_that_is_down_costs_one_try_and_nothing_else(mail_server: MailServer) -> None:
    first, second = OutgoingEmailFactory.create(not_before=LONG_AGO), OutgoingEmailFactory.create()
    mail_server.stop()
    assert sending.send_due_emails() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.attempts) == (Status.QUEUED, 1)
    assert "refused" in first.last_error
    assert (second.status, second.attempts) == (Status.QUEUED, 0)
    mail_server.start()
    OutgoingEmail.objects.update(not_before=LONG_AGO)
    assert sending.send_due_emails() == 2


def test_a_hanging_server_is_left_after_the_time_out(mail_server: MailServer, settings: Settings) -> None:
    email = OutgoingEmailFactory.create(not_before=LONG_AGO)
    OutgoingEmailFactory.create()
    settings.EMAIL_TIMEOUT = 0.3
    mail_server.hangs = True
    before = get_database_time()
    assert sending.send_due_emails() == 1
    assert get_database_time() - before < timedelta(seconds=2)
    email.refresh_from_db()
    assert email.status == Status.QUEUED
    assert "timed out" in email.last_error


def test_a_line_that_drops_after_the_mail_sends_it_twice_with_one_message_id(
    mail_server: MailServer,
) -> None:
    email = OutgoingEmailFactory.create()
    mail_server.drops_after_data = True
    sending.send_due_emails()
    email.refresh_from_db()
    assert email.status == Status.QUEUED
    mail_server.drops_after_data = False
    OutgoingEmail.objects.update(not_before=LONG_AGO)
    sending.send_due_emails()
    email.refresh_from_db()
    assert (email.status, email.attempts) == (Status.SENT, 2)
    assert [message["Message-ID"] for message in mail_server.received] == [email.message_id] * 2


def test_a_server_that_ends_full_connections_gets_the_rest_on_new_ones(mail_server: MailServer) -> None:
    OutgoingEmailFactory.create_batch(4)
    mail_server.mails_on_a_connection = 1
    assert sending.send_due_emails() == 4
    OutgoingEmail.objects.queued().update(not_before=LONG_AGO)
    sending.send_due_emails()
    OutgoingEmail.objects.queued().update(not_before=LONG_AGO)
    sending.send_due_emails()
    assert OutgoingEmail.objects.filter(status=Status.SENT).count() == 4
    assert len(mail_server.received) == 4


def test_no_more_go_over_one_connection_or_in_a_minute_than_the_provider_takes(
    mail_server: MailServer, settings: Settings
) -> None:
    settings.MAIL_PER_CONNECTION, settings.MAIL_PER_MINUTE = 2, 5
    OutgoingEmailFactory.create_batch(7)
    assert sending.send_due_emails() == 5
    assert mail_server.connections == 3
    assert sending.send_due_emails() == 0
    OutgoingEmail.objects.filter(status=Status.SENT).update(sent_at=LONG_AGO)
    assert sending.send_due_emails() == 2


def test_a_mail_of_a_dead_sender_is_sent_by_the_next(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create(abandoned=True)
    assert sending.send_due_emails() == 1
    email.refresh_from_db()
    assert (email.status, email.attempts) == (Status.SENT, 2)
    assert mail_server.received[0]["Message-ID"] == email.message_id


def test_a_mail_that_kills_its_senders_fails_in_the_end() -> None:
    email = OutgoingEmailFactory.create(abandoned=True, attempts=MAX_ATTEMPTS)
    assert sending.requeue_abandoned_emails() == 1
    email.refresh_from_db()
    assert email.status == Status.FAILED
    assert email.last_error.startswith(f"Given up after {MAX_ATTEMPTS} tries")


def take_away(email: OutgoingEmail) -> None:
    """Let the lease of the mail run out."""
    OutgoingEmail.objects.filter(pk=email.pk).update(lease_until=LONG_AGO)
    assert sending.requeue_abandoned_emails() == 1


def pass_on(email: OutgoingEmail) -> OutgoingEmail:
    """Let the lease run out, and give the mail to another sender."""
    take_away(email)
    claimed = sending.claim_email()
    assert claimed == email
    return claimed


@pytest.mark.parametrize("late_answer", ["250 OK", "451 Try later", "554 No"])
@pytest.mark.parametrize("claimed_again", [False, True])
def test_a_late_sender_changes_nothing(
    mail_server: MailServer, late_answer: str, claimed_again: bool
) -> None:
    email = OutgoingEmailFactory.create()

    def overtake(message: EmailMessage) -> str:
        try:
            pass_on(email) if claimed_again else take_away(email)
        finally:
            connection.close()
        return late_answer

    mail_server.after_data = overtake
    sending.send_due_emails(limit=1)
    email.refresh_from_db()
    assert (email.status, email.attempts) == ((Status.SENDING, 2) if claimed_again else (Status.QUEUED, 1))
    assert email.last_error == "The sender stopped before it could report."


def test_a_report_waits_for_whoever_takes_the_mail_away(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create()
    locked = threading.Event()

    def take_away_slowly() -> None:
        try:
            with transaction.atomic():
                row = OutgoingEmail.objects.select_for_update().get(pk=email.pk)
                locked.set()
                sleep(0.3)
                row.attempts += 1
                row.save()
        finally:
            connection.close()

    rival = threading.Thread(target=take_away_slowly)

    def overtake(message: EmailMessage) -> None:
        rival.start()
        assert locked.wait(10)

    mail_server.after_data = overtake
    sending.send_due_emails(limit=1)
    rival.join()
    email.refresh_from_db()
    assert (email.status, email.attempts) == (Status.SENDING, 2)


def test_a_mail_that_somebody_is_recording_is_not_taken_away() -> None:
    email = OutgoingEmailFactory.create(abandoned=True)
    with transaction.atomic():
        OutgoingEmail.objects.select_for_update().get(pk=email.pk)
        assert in_threads(impatient(sending.requeue_abandoned_emails)) == [0]


def test_a_late_sender_takes_nothing_back(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create()
    first = sending.claim_email()
    assert first is not None
    second = pass_on(email)
    line = get_connection(timeout=5)
    assert sending.send_email(second, connection=line) is None
    email.refresh_from_db()
    sent_at = email.sent_at
    assert sending.send_email(first, connection=line) is None
    line.close()
    email.refresh_from_db()
    assert (email.status, email.attempts, email.sent_at) == (Status.SENT, 2, sent_at)
    assert len(mail_server.received) == 1


@pytest.mark.parametrize("passed_on", [False, True])
def test_a_sender_that_lost_its_lease_before_the_wire_sends_nothing(
    mail_server: MailServer, passed_on: bool
) -> None:
    email = OutgoingEmailFactory.create()
    claimed = sending.claim_email()
    assert claimed is not None
    if passed_on:
        pass_on(email)
    else:
        OutgoingEmail.objects.update(lease_until=LONG_AGO)
    line = get_connection(timeout=5)
    assert sending.send_email(claimed, connection=line) is None
    line.close()
    assert mail_server.received == []


def test_a_lease_is_judged_by_the_databases_clock(mail_server: MailServer) -> None:
    OutgoingEmailFactory.create()
    claimed = sending.claim_email()
    assert claimed is not None
    assert claimed.lease_until is not None
    left = claimed.lease_until - get_database_time()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


def test_the_wait_grows_to_an_hour_and_is_scattered() -> None:
    waits = [
        [
            get_back_off(tries, first=sending.FIRST_BACK_OFF, longest=sending.LONGEST_BACK_OFF)
            for _ in range(50)
        ]
        for tries in (1, 2, 20, MAX_ATTEMPTS * 2)
    ]
    assert all(timedelta(seconds=22) < wait < timedelta(seconds=38) for wait in waits[0])
    assert all(timedelta(seconds=45) <= wait <= timedelta(seconds=75) for wait in waits[1])
    for long in waits[2:]:
        assert all(timedelta(minutes=45) <= wait <= timedelta(hours=1) for wait in long)
    assert len(set(waits[0])) > 1


def test_an_address_that_no_mail_can_have_fails_the_mail(mail_server: MailServer) -> None:
    email = OutgoingEmailFactory.create(to_address="a@example.test\nBcc: all@example.test")
    sending.send_due_emails()
    email.refresh_from_db()
    assert email.status == Status.FAILED
    assert "can't be written as an e-mail" in email.last_error
    assert mail_server.received == []


def test_a_failed_mail_is_sent_again_when_a_person_asks(mail_server: MailServer) -> None:
    failed, sent = OutgoingEmailFactory.create(failed=True), OutgoingEmailFactory.create(sent=True)
    by = User.objects.create_superuser("admin@example.test")
    assert sending.send_again(emails=[failed, sent], by=by) == 1
    sending.send_due_emails()
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == (Status.SENT, 2)
    entry = HistoryEntry.objects.get()
    assert (entry.event, entry.subject_id, entry.by_id) == ("email.sent_again", failed.pk, by.pk)


def test_sending_again_needs_its_permission() -> None:
    failed = OutgoingEmailFactory.create(failed=True)
    with pytest.raises(PermissionDenied):
        sending.send_again(emails=[failed], by=RecipientFactory.create(is_staff=True))
    failed.refresh_from_db()
    assert failed.status == Status.FAILED


class TestTestMail:
    def test_it_says_what_it_tries_and_that_it_was_sent(
        self, mail_server: MailServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("sendtestmail", "anna@example.test")
        assert len(mail_server.received) == 1
        said = capsys.readouterr().out
        assert f"Connecting to 127.0.0.1:{mail_server.port}, no encryption, without signing in." in said
        assert "Sent, from Ledgergate" in said

    def test_a_refusal_is_one_sentence(self, mail_server: MailServer) -> None:
        mail_server.answers["anna@example.test"] = "550 5.1.1 No such user"
        with pytest.raises(CommandError, match=r"It was not sent: 550 5\.1\.1 No such user"):
            call_command("sendtestmail", "anna@example.test")
