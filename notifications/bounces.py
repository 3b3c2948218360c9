"""Bounces that come back as mail: delivery status notifications (RFC 3464) in the inbox that IMAP_URL names.

The inbox is only read. What counts is a refusal for good of a mail of ours, known by its Message-ID; all else
is left alone (docs/decisions/0047-bounces-are-read-by-message-id.md).
"""

import imaplib
import logging
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from notifications.models import OutgoingEmail, Status
from notifications.oauth import build_xoauth2_words
from notifications.sending import Fault, record_address
from notifications.text import to_one_line

logger = logging.getLogger(__name__)

LATEST = timedelta(days=5)
"""For so long mail servers go on trying."""
MOST, MOST_BYTES = 500, 200_000
NOT_OF_THE_ADDRESS = ("5.3", "5.6", "5.7")
"""The system, the content, the policy (RFC 3463): another mail to it may fare better."""


def read_bounces() -> int:
    """Record what came back. Returns how many mails did."""
    if not settings.IMAP_URL:
        return 0
    try:
        with open_inbox() as inbox:
            return sum(read_bounce(arrived, content) for arrived, content in fetch_notifications(inbox))
    except (OSError, imaplib.IMAP4.error) as error:
        logger.warning("The inbox of IMAP_URL can't be read: %s", to_one_line(str(error)))
        return 0


def open_inbox() -> imaplib.IMAP4:
    parts = urlsplit(settings.IMAP_URL)
    host, wait = str(parts.hostname), settings.EMAIL_TIMEOUT
    if parts.scheme == "imaps":
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(host, parts.port or 993, ssl_context=context, timeout=wait)
    return imaplib.IMAP4(host, parts.port or 143, timeout=wait)


def fetch_notifications(inbox: imaplib.IMAP4) -> Iterator[tuple[datetime, bytes]]:
    """Those of the last days, each with when it arrived there."""
    parts = urlsplit(settings.IMAP_URL)
    user, folder = unquote(parts.username or ""), unquote(parts.path.strip("/")) or "INBOX"
    if parts.password:
        inbox.login(user, unquote(parts.password))
    else:
        inbox.authenticate("XOAUTH2", lambda _: build_xoauth2_words(user).encode())
    if inbox.select(f'"{folder}"', readonly=True)[0] != "OK":
        raise imaplib.IMAP4.error(f"there is no folder {folder}.")
    since = (timezone.now() - LATEST).strftime("%d-%b-%Y")
    _, found = inbox.search(None, "SINCE", since, "HEADER", "Content-Type", "delivery-status")
    for number in found[0].split()[-MOST:]:
        told: list[Any] = inbox.fetch(number, f"(INTERNALDATE BODY.PEEK[]<0.{MOST_BYTES}>)")[1]
        content = next((each[1] for each in told if isinstance(each, tuple)), b"")
        words = b"".join(each[0] if isinstance(each, tuple) else each for each in told)
        if arrived := imaplib.Internaldate2tuple(words):
            yield datetime.fromtimestamp(time.mktime(arrived), UTC), content


def read_bounce(arrived: datetime, content: bytes) -> bool:
    """One that can't be read, as anybody may have written it, keeps none of the others from being read."""
    try:
        return record_bounce(arrived, message_from_bytes(content))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        logger.warning("A mail in the inbox of IMAP_URL can't be read: %s", type(error).__name__)
        return False


def record_bounce(arrived: datetime, message: Message) -> bool:
    """Of the mail that it names, where that went out before; once."""
    message_id, refusals = parse_notification(message)
    if not refusals:
        return False
    with transaction.atomic():
        sent = OutgoingEmail.objects.filter(
            message_id=message_id,
            status=Status.SENT,
            sent_at__range=(arrived - LATEST, arrived + timedelta(minutes=1)),  # of clocks that differ
        )
        email = sent.select_for_update().first()
        if email is None:
            return False
        email.fail(error=refusals[0])
        email.save()
        is_of_address = not refusals[0].startswith(NOT_OF_THE_ADDRESS)
        record_address(email.to_address, Fault(refusals[0], is_refused_address=is_of_address))
    return True


def parse_notification(message: Message) -> tuple[str, list[str]]:
    """The Message-ID of what was refused, and the refusals for good. Whatever is no notification has none."""
    message_id, refusals = "", []
    report: Any = message.get_payload() if message.get_content_type() == "multipart/report" else []
    for part in report if isinstance(report, list) else []:
        kind, inner = part.get_content_type(), part.get_payload()
        if kind == "message/delivery-status" and part.is_multipart():
            for block in inner:
                status = str(block.get("Status", "")).strip()
                if str(block.get("Action", "")).strip().lower() == "failed" and status.startswith("5."):
                    answer = str(block.get("Diagnostic-Code", "")).partition(";")[2]
                    refusals.append(to_one_line(f"{status} {answer}"))
        elif kind == "message/rfc822" and part.is_multipart():
            message_id = to_one_line(str(inner[0].get("Message-ID", "")))
        elif kind == "text/rfc822-headers":
            headers = message_from_bytes(part.get_payload(decode=True) or b"")
            message_id = to_one_line(str(headers.get("Message-ID", "")))
    return message_id, refusals
