"""Hands the stored mails to the mail server: claim, hand over, record.

A mail belongs to the sender that claimed it, by attempt number and lease; no transaction is
open while SMTP is spoken. A mail goes out at least once: only a sender that dies, or loses
its lease, between the server's yes and our commit makes it go out twice, with one Message-ID.
"""

import logging
import smtplib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4
from weakref import proxy

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailAttachment, EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models.functions import Now

from directory import history
from directory.accounts import password_links
from directory.back_off import get_back_off
from directory.db.leases import LeaseLost
from directory.models import User
from notifications import preferences
from notifications.events import MailEvent
from notifications.models import (
    PASSWORD_LINK_PLACEHOLDER,
    WITH_PASSWORD_LINK,
    Kind,
    OutgoingEmail,
    RefusedAddress,
)
from notifications.text import to_one_line

logger = logging.getLogger(__name__)

BATCH = 100
# A mail server that hangs must not hold all the workers: they have exports to do.
MAX_SENDERS = 2
# Opening the line and then, with the lease renewed, handing a mail over wait for at most eight
# answers of the server each, and each answer may take the whole time-out.
TIME_OUTS_IN_A_LEASE = 12
FIRST_BACK_OFF = timedelta(seconds=30)
LONGEST_BACK_OFF = timedelta(hours=1)

SERVICE_CLOSING = 421
MESSAGE_TOO_LARGE = 552


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a mail was not taken over.

    ``is_permanent``: no later try can help. ``is_connection_fault``: the server or the connection is at
    fault, so that another mail would fare no better. ``is_refused_address``: no other mail to this
    recipient would fare better.
    """

    reason: str
    is_permanent: bool = False
    is_connection_fault: bool = False
    is_refused_address: bool = False


def send_due_emails(*, limit: int = BATCH) -> int:
    """Send what is due, over one connection, and return how many mails were tried.

    Ends after ``limit`` mails, when nothing is due, when enough others are sending, when the
    server can't be reached, or when this process shall stop. Not to be called inside a transaction.
    """
    requeue_abandoned_emails()
    connection = get_connection(timeout=_get_timeout())
    connection_works = False
    count = 0
    try:
        while count < limit and (email := claim_email()):
            count += 1
            fault = send_email(email, connection=connection)
            if settings.MAIL_PER_CONNECTION and count % settings.MAIL_PER_CONNECTION == 0:
                _close_connection(connection)
            if fault and fault.is_connection_fault:
                _close_connection(connection)
                if not connection_works:
                    break
                # A server may end a connection that has carried enough. A new one tells.
                connection_works = False
            else:
                connection_works = True
    finally:
        _close_connection(connection)
    return count


def requeue_abandoned_emails() -> int:
    """Queue again what a sender claimed and never reported. Returns how many."""
    with transaction.atomic(durable=True):
        stalled = OutgoingEmail.objects.stalled().order_by("lease_until", "pk")
        emails = stalled.select_for_update(skip_locked=True)
        for email in emails:
            logger.warning("The sender of e-mail %s did not report on attempt %s.", email.pk, email.attempts)
            email.requeue(after=timedelta(0), error="The sender stopped before it could report.")
            email.save()
    return len(emails)


def claim_email() -> OutgoingEmail | None:
    """Take the mail that has waited longest, for the time of a lease. None: nothing to do here."""
    with transaction.atomic(durable=True):
        # Two claims at one moment may pass this together: it protects workers and servers, not mails.
        sending = OutgoingEmail.objects.leased().count()
        if sending >= MAX_SENDERS or has_used_minute(sending):
            return None
        return OutgoingEmail.objects.due().claim(_get_lease_duration())


def has_used_minute(sending: int) -> bool:
    """Providers take so many mails a minute, and refuse the others (MAIL_PER_MINUTE)."""
    limit: int = settings.MAIL_PER_MINUTE
    lately = OutgoingEmail.objects.filter(sent_at__gt=Now() - timedelta(minutes=1))
    return limit > 0 and lately.count() + sending >= limit


def send_email(email: OutgoingEmail, *, connection: BaseEmailBackend) -> Fault | None:
    """Make one attempt with a claimed mail and record how it ended."""
    fault = None
    try:
        try:
            connection.open()
            # Right before the wire; a lease that is over is not begun anew, whoever has the mail.
            OutgoingEmail.objects.leased().renew(email, _get_lease_duration())
            build_message(email, connection=connection).send()
        except LeaseLost:
            raise
        except Exception as error:  # a backend raises what it likes; every SMTPException is an OSError
            fault = get_fault(error)
        record_result(email, fault)
    except LeaseLost:
        logger.warning("Attempt %s on e-mail %s is too late.", email.attempts, email.pk)
    return fault


def get_fault(error: Exception) -> Fault:
    """The meaning of an exception of the mail server, the network or the mail itself.

    A refused sender or sign-in is our own setting: somebody will put it right, and the mails
    are still wanted then. A refused recipient or content stays refused; an answer of class 5.7 (RFC 3463)
    is the server's policy towards us, and says nothing of the recipient.
    """
    if isinstance(error, ValueError):
        return Fault(f"It can't be written as an e-mail: {error}", is_permanent=True)
    if type(error).__name__ == "AnymailRecipientsRefused":  # so django-anymail puts any provider's no
        return Fault(to_one_line(str(error)), is_permanent=True, is_refused_address=True)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, answer = next(iter(error.recipients.values()))
        fault = _build_refusal(code, answer)
        return replace(fault, is_refused_address=fault.is_permanent and " 5.7." not in fault.reason)
    if isinstance(error, smtplib.SMTPDataError):
        return _build_refusal(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == MESSAGE_TOO_LARGE:
        return _build_refusal(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPResponseException):
        return Fault(_format_server_answer(error.smtp_code, error.smtp_error), is_connection_fault=True)
    return Fault(to_one_line(str(error)) or type(error).__name__, is_connection_fault=True)


def send_again(*, emails: Iterable[OutgoingEmail], by: User) -> int:
    """Queue failed mails once more; others of ``emails`` are left alone. Returns how many.

    Raises PermissionDenied without the permission ``notifications.send_again``.
    """
    if not by.has_perm("notifications.send_again"):
        raise PermissionDenied("You don't have permission to send a failed e-mail again.")
    with transaction.atomic():
        keys = [email.pk for email in emails]
        failed = OutgoingEmail.objects.failed().filter(pk__in=keys).order_by("pk").select_for_update()
        for email in failed:
            email.send_again()
            email.save()
            history.record(event=MailEvent.EMAIL_SENT_AGAIN, subject=email, by=by, company=None)
    return len(failed)


def _get_timeout() -> float:
    # Without one, a server that hangs would hold its sender for ever.
    return settings.EMAIL_TIMEOUT or 20


def _get_lease_duration() -> timedelta:
    return timedelta(seconds=TIME_OUTS_IN_A_LEASE * _get_timeout())


def build_message(email: OutgoingEmail, *, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    text, html = email.text_body, email.html_body
    if email.letters and email.recipient and not email.recipient.is_active:
        raise ValueError("The account was deactivated while the mail waited.")
    if email.kind in WITH_PASSWORD_LINK:
        person = email.recipient
        if person is None or not person.is_active or person.email.lower() != email.to_address.lower():
            # Whoever reads the old mailbox would get in.
            raise ValueError("The recipient's address has changed, or the account is deactivated.")
        link = password_links.build_password_link(person)
        text, html = (body.replace(PASSWORD_LINK_PLACEHOLDER, link) for body in (text, html))
    message = Message(
        subject=email.subject,
        body=text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[email.to_address],
        connection=connection,
        reply_to=list_reply_addresses(email),
        headers={
            "Message-ID": email.message_id,
            "Date": format_datetime(email.created_at),
            "Auto-Submitted": "auto-generated",  # RFC 3834: keeps holiday replies away
            **build_thread_headers(email),
            **build_unsubscribe_headers(email),
        },
    )
    message.attach_alternative(html, "text/html")
    for attachment in email.attachments.order_by("name"):
        message.attach(attachment.name, attachment.content, "text/csv")
    return message


class Message(EmailMultiAlternatives):
    """Its files go as they were encoded once, for all mails with them: to encode 10,000 rows takes 30 ms."""

    def message(self, **options: Any) -> Any:
        files = self.attachments
        self.attachments = places = [file._replace(content=str(uuid4())) for file in files]
        try:
            message: Any = super().message(**options)
        finally:
            self.attachments = files

        as_django_writes, whole = type(message).as_bytes, proxy(message)  # no cycle: 1 MB would wait for gc

        def as_bytes(unixfrom: bool = False, linesep: str = "\n") -> bytes:
            written: bytes = as_django_writes(whole, unixfrom, linesep)
            for place, file in zip(places, files, strict=True):
                before, found, after = written.partition(build_part.__wrapped__(place, linesep))
                assert found
                written = b"".join((before, build_part(file, linesep), after))
            return written

        message.as_bytes = as_bytes
        return message


@lru_cache(maxsize=2)
def build_part(file: EmailAttachment, linesep: str) -> bytes:
    """Of a mail, with its headers."""
    part: Any = EmailMessage(attachments=[file]).message().get_payload(-1)
    return bytes(part.as_bytes(linesep=linesep))


def list_reply_addresses(email: OutgoingEmail) -> list[str]:
    """Of who acted, where the site lets people answer each other (MAIL_REPLY_TO_PERSON)."""
    person = email.caused_by
    return [person.email] if settings.MAIL_REPLY_TO_PERSON and person and person.is_active else []


def build_thread_headers(email: OutgoingEmail) -> dict[str, str]:
    """Those of one commitment belong together: each refers to one ID, which no mail has (RFC 5322, 3.6.4)."""
    if len(email.letters) != 1:
        return {}
    thread = f"<{email.letters[0]['thread']}@{email.message_id.rpartition('@')[2]}"
    return {"In-Reply-To": thread, "References": thread}


def build_unsubscribe_headers(email: OutgoingEmail) -> dict[str, str]:
    """By which a mail program offers to end the summary with one press (RFC 8058)."""
    if email.kind != Kind.DAILY_SUMMARY or email.recipient is None:
        return {}
    return {
        "List-Unsubscribe": f"<{preferences.build_unsubscribe_url(email.recipient)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _build_refusal(code: int, answer: bytes | str) -> Fault:
    return Fault(
        _format_server_answer(code, answer),
        is_permanent=500 <= code < 600,
        is_connection_fault=code == SERVICE_CLOSING,
    )


def _format_server_answer(code: int, answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return to_one_line(f"{code} {text}")


def record_result(email: OutgoingEmail, fault: Fault | None) -> None:
    """Raises LeaseLost: a late sender changes nothing."""
    with transaction.atomic(durable=True):
        row = OutgoingEmail.objects.lock_own(email)
        if fault is None:
            row.record_sent()
        elif fault.is_permanent:
            row.fail(error=fault.reason)
        else:
            pause = get_back_off(row.retry_count, first=FIRST_BACK_OFF, longest=LONGEST_BACK_OFF)
            row.requeue(after=pause, error=fault.reason)
        row.save()
        record_address(row.to_address, fault)
    if fault:
        # Not the server's words: they often quote the address.
        logger.warning("E-mail %s was not sent on attempt %s: %s.", row.pk, row.attempts, row.status)


def record_address(address: str, fault: Fault | None) -> None:
    """Refused, or, as a mail was taken over, no longer."""
    if fault is None:
        RefusedAddress.objects.filter(address=address.lower()).delete()
    elif fault.is_refused_address:
        values = {"answer": fault.reason[:500], "refused_at": Now()}
        RefusedAddress.objects.update_or_create(address=address.lower(), defaults=values)


def _close_connection(connection: BaseEmailBackend) -> None:
    with suppress(OSError):  # a broken line can't say goodbye
        connection.close()
