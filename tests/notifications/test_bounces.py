"""Bounces that come back as mail mark the address as a refusal at once does; all else changes nothing."""

import logging
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications import bounces, oauth
from notifications.emails import fail_refused
from notifications.models import Kind, OutgoingEmail, RefusedAddress, Status
from tests.notifications.factories import OutgoingEmailFactory
from tests.notifications.http_server import serving as serving_http
from tests.notifications.imap_server import ImapServer, serving

pytestmark = pytest.mark.django_db(transaction=True)

NOTIFICATION = """From: MAILER-DAEMON@mx.example.net
To: ledgergate@example.test
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: {report}; report-type=delivery-status; boundary="=x"

--=x
Content-Type: text/plain

I could not deliver it.
--=x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; dana@example.test
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 No such user

--=x
Content-Type: {original}

Subject: Rejected by accounting
Message-ID: {message_id}

The text.
--=x--
"""


@pytest.fixture
def inbox(settings: Settings) -> Iterator[ImapServer]:
    with serving() as server:
        settings.IMAP_URL = f"imap://ledgergate%40example.test:pass%2Fword@127.0.0.1:{server.port}/Bounces"
        yield server


@pytest.fixture
def email() -> OutgoingEmail:
    return OutgoingEmailFactory.create(sent=True)


def notification(
    message_id: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    original: str = "message/rfc822",
    report: str = "multipart/report",
) -> bytes:
    return NOTIFICATION.format(**locals()).replace("\n", "\r\n").encode()


@pytest.mark.parametrize("original", ["message/rfc822", "text/rfc822-headers"])
def test_a_refusal_for_good_of_our_mail_marks_its_address(
    inbox: ImapServer, email: OutgoingEmail, original: str
) -> None:
    inbox.put(b"Subject: Lunch?\r\n\r\nAt noon.")
    inbox.put(notification(email.message_id, original=original))
    assert bounces.read_bounces() == 1
    email.refresh_from_db()
    assert (email.status, email.sent_at) == (Status.FAILED, None)
    assert email.last_error == "5.1.1 550 5.1.1 No such user"
    refused = RefusedAddress.objects.get()
    assert (refused.address, refused.answer) == (email.to_address, email.last_error)
    assert bounces.read_bounces() == 0
    assert inbox.asked[1].startswith("LOGIN ledgergate@example.test")
    assert "pass/word" in inbox.asked[1]
    assert 'EXAMINE "Bounces"' in inbox.asked  # it is read, and nothing in it is marked
    assert all("BODY.PEEK[]" in asked for asked in inbox.asked if asked.startswith("FETCH"))


def test_a_mail_that_nobody_can_read_keeps_none_from_being_read(
    inbox: ImapServer, email: OutgoingEmail
) -> None:
    nested = "".join(f"Content-Type: multipart/mixed; boundary={n}\r\n\r\n--{n}\r\n" for n in range(2_500))
    inbox.put(notification("").partition(b"--=x")[0] + b"--=x\r\n" + nested.encode())
    inbox.put(notification(email.message_id))
    assert bounces.read_bounces() == 1


def test_who_acted_hears_of_it_and_the_next_mail_is_not_tried(
    inbox: ImapServer, email: OutgoingEmail
) -> None:
    inbox.put(notification(email.message_id))
    bounces.read_bounces()
    answers = RefusedAddress.objects.map_answers([email.to_address])
    assert answers == {email.to_address: "5.1.1 550 5.1.1 No such user"}
    assert list(OutgoingEmail.objects.failed()) == [email]  # which undelivered_mails passes on


@pytest.mark.parametrize(
    "flaw",
    [
        {"message_id": "<somebody.elses@example.net>"},
        {"message_id": ""},
        {"message_id": "<\0>"},
        {"action": "delayed"},
        {"status": "4.4.7"},
        {"action": "delivered", "status": "2.0.0"},
        {"report": "multipart/mixed"},
        {"original": "text/plain"},
    ],
)
def test_anything_else_is_left_alone(inbox: ImapServer, email: OutgoingEmail, flaw: dict[str, str]) -> None:
    inbox.put(notification(**{"message_id": email.message_id, **flaw}))
    inbox.put(b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nnothing")
    assert bounces.read_bounces() == 0
    email.refresh_from_db()
    assert email.status == Status.SENT
    assert not RefusedAddress.objects.exists()


@pytest.mark.parametrize("status", ["5.3.4", "5.6.1", "5.7.1"])
def test_what_says_nothing_of_the_address_fails_the_mail_alone(
    inbox: ImapServer, email: OutgoingEmail, status: str
) -> None:
    inbox.put(notification(email.message_id, status=status))
    assert bounces.read_bounces() == 1
    assert not RefusedAddress.objects.exists()


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(days=6)])
def test_one_of_another_time_than_its_mail_counts_for_nothing(
    inbox: ImapServer, email: OutgoingEmail, off: timedelta
) -> None:
    """As when a mail was sent again, and the bounce of the first is still there."""
    inbox.put(notification(email.message_id), at=timezone.now() + off)
    assert bounces.read_bounces() == 0


def test_a_mail_about_rights_is_tried_all_the_same(inbox: ImapServer) -> None:
    """Whoever forges a bounce with the Message-ID of a mail that they saw keeps no news of rights away."""
    email = OutgoingEmailFactory.create(sent=True)
    inbox.put(notification(email.message_id))
    bounces.read_bounces()
    later = [OutgoingEmail(to_address=email.to_address, kind=kind) for kind in (Kind.RIGHTS, Kind.REJECTION)]
    fail_refused(later)
    assert [each.status for each in later] == [Status.QUEUED, Status.FAILED]


def test_without_a_password_the_token_of_the_mail_server_opens_it(
    inbox: ImapServer, email: OutgoingEmail, settings: Settings
) -> None:
    settings.IMAP_URL = f"imap://ledgergate%40example.test@127.0.0.1:{inbox.port}"
    inbox.put(notification(email.message_id))
    with serving_http() as token_server:
        token_server.answer = (200, {"access_token": "a", "expires_in": 3600})
        settings.EMAIL_OAUTH_TOKEN_URL = token_server.url
        oauth.tokens.clear()
        assert bounces.read_bounces() == 1
    said = inbox.asked[inbox.asked.index("AUTHENTICATE XOAUTH2") + 1]
    assert b64decode(said) == b"user=ledgergate@example.test\1auth=Bearer a\1\1"


def test_an_inbox_that_can_not_be_read_is_one_line_in_the_log(
    inbox: ImapServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    for url in (settings.IMAP_URL.replace("pass", "wrong"), "imap://u:p@127.0.0.1:1/"):
        settings.IMAP_URL = url
        caplog.clear()
        with caplog.at_level(logging.WARNING, "notifications.bounces"):
            assert bounces.read_bounces() == 0
        (record,) = caplog.records
        assert record.getMessage().startswith("The inbox of IMAP_URL can't be read: ")
        assert "word" not in record.getMessage()
    settings.IMAP_URL = ""
    assert bounces.read_bounces() == 0
