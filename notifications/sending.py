"""Hands the stored mails to the mail server: claim, hand over, record.

A mail belongs to the sender that claimed it, by attempt number and lease; no transaction is
open while SMTP is spoken. A mail goes out at least once: only a sender that dies, or loses
its lease, between the server's yes and our commit makes it go out twice, with one Message-ID.
"""

import logging
import random
import smtplib
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models.functions import Now

from directory import history
from directory.accounts import password_links
from directory.models import User
from notifications.models import (
    PLACE_OF_PASSWORD_LINK,
    WITH_PASSWORD_LINK,
    OutgoingEmail,
    database_time,
)
from notifications.text import one_line

logger = logging.getLogger(__name__)

BATCH = 100
# A mail server that hangs must not hold all the workers: they have exports to do.
SENDERS = 2
# Opening the line and then, with the lease renewed, handing a mail over wait for at most eight
# answers of the server each, and each answer may take the whole time-out.
TIME_OUTS_IN_A_LEASE = 12
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)

SERVICE_CLOSING = 421
MESSAGE_TOO_LARGE = 552

stopping = threading.Event()
"""Set when this process was told to stop: the mail on the line ends, and the others stay queued."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a mail was not taken over.

    ``permanent``: no later try can help. ``of_line``: the server or the connection is at
    fault, so that another mail would fare no better.
    """

    reason: str
    permanent: bool = False
    of_line: bool = False


def send_due(*, limit: int = BATCH) -> int:
    """Send what is due, over one connection, and return how many mails were tried.

    Ends after ``limit`` mails, when nothing is due, when enough others are sending, when the
    server can't be reached, or when this process shall stop. Not to be called inside a transaction.
    """
    release_abandoned()
    line = get_connection(timeout=_time_out())
    line_works = False
    tried = 0
    try:
        while tried < limit and not stopping.is_set() and (email := claim()):
            tried += 1
            fault = hand_over(email, line=line)
            if fault and fault.of_line:
                _close(line)
                if not line_works:
                    break
                # A server may end a connection that has carried enough. A new one tells.
                line_works = False
            else:
                line_works = True
    finally:
        _close(line)
    return tried


def release_abandoned() -> int:
    """Queue again what a sender claimed and never reported. Returns how many."""
    with transaction.atomic(durable=True):
        now = database_time()
        emails = OutgoingEmail.objects.abandoned(now).select_for_update(skip_locked=True)
        for email in emails:
            logger.warning("The sender of e-mail %s did not report on attempt %s.", email.pk, email.attempts)
            email.postpone(until=now, error="The sender stopped before it could report.")
            email.save()
    return len(emails)


def claim() -> OutgoingEmail | None:
    """Take the mail that has waited longest, for the time of a lease. None: nothing to do here."""
    with transaction.atomic(durable=True):
        now = database_time()
        # Two claims at one moment may pass this together: it protects workers, not mails.
        if OutgoingEmail.objects.leased(now).count() >= SENDERS:
            return None
        email = OutgoingEmail.objects.due(now).select_for_update(skip_locked=True).first()
        if email is not None:
            email.claim(until=now + _lease())
            email.save()
        return email


def hand_over(email: OutgoingEmail, *, line: BaseEmailBackend) -> Fault | None:
    """Make one attempt with a claimed mail and record how it ended."""
    try:
        line.open()
        if not _renew_lease(email):
            return None
        _message(email, line=line).send()
    except (OSError, ValueError) as error:  # every SMTPException is an OSError
        fault = fault_of(error)
        _record_fault(email, fault)
        return fault
    _record_sent(email)
    return None


def fault_of(error: OSError | ValueError) -> Fault:
    """What an exception of the mail server, the network or the mail itself means.

    A refused sender or sign-in is our own setting: somebody will put it right, and the mails
    are still wanted then. A refused recipient or content stays refused.
    """
    if isinstance(error, ValueError):
        return Fault(f"It can't be written as an e-mail: {error}", permanent=True)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, answer = next(iter(error.recipients.values()))
        return _refusal(code, answer)
    if isinstance(error, smtplib.SMTPDataError):
        return _refusal(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == MESSAGE_TOO_LARGE:
        return _refusal(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPResponseException):
        return Fault(_answer(error.smtp_code, error.smtp_error), of_line=True)
    return Fault(one_line(str(error)) or type(error).__name__, of_line=True)


def send_again(*, emails: Iterable[OutgoingEmail], by: User) -> int:
    """Queue failed mails once more; others of ``emails`` are left alone. Returns how many.

    Raises PermissionDenied without the permission ``notifications.send_again``.
    """
    if not by.has_perm("notifications.send_again"):
        raise PermissionDenied("You don't hold the permission to send a failed e-mail again.")
    with transaction.atomic():
        now = database_time()
        keys = [email.pk for email in emails]
        failed = OutgoingEmail.objects.failed().filter(pk__in=keys).order_by("pk").select_for_update()
        for email in failed:
            email.send_again(at=now)
            email.save()
            history.record(event="email.sent_again", subject=email, by=by, company=None)
    return len(failed)


def _time_out() -> float:
    # Without one, a server that hangs would hold its sender for ever.
    return settings.EMAIL_TIMEOUT or 20


def _lease() -> timedelta:
    return timedelta(seconds=TIME_OUTS_IN_A_LEASE * _time_out())


def _renew_lease(email: OutgoingEmail) -> bool:
    """Whether the mail is still this sender's, right before the wire; the lease starts anew."""
    mine = OutgoingEmail.objects.leased(database_time()).filter(pk=email.pk, attempts=email.attempts)
    return mine.update(lease_until=Now() + _lease()) == 1


def _message(email: OutgoingEmail, *, line: BaseEmailBackend) -> EmailMultiAlternatives:
    text, html = email.text_body, email.html_body
    if email.kind in WITH_PASSWORD_LINK:
        person = email.recipient
        if person is None or not person.is_active or person.email.lower() != email.to_address.lower():
            # Whoever reads the old mailbox would get in.
            raise ValueError("Its person has another address by now, or is switched off.")
        link = password_links.link_for(person)
        text, html = (body.replace(PLACE_OF_PASSWORD_LINK, link) for body in (text, html))
    message = EmailMultiAlternatives(
        subject=email.subject,
        body=text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[email.to_address],
        connection=line,
        headers={
            "Message-ID": email.message_id,
            "Date": format_datetime(email.created_at),
            "Auto-Submitted": "auto-generated",  # RFC 3834: keeps holiday replies away
        },
    )
    message.attach_alternative(html, "text/html")
    return message


def _refusal(code: int, answer: bytes | str) -> Fault:
    return Fault(_answer(code, answer), permanent=500 <= code < 600, of_line=code == SERVICE_CLOSING)


def _answer(code: int, answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return one_line(f"{code} {text}")


def _record_sent(email: OutgoingEmail) -> None:
    with transaction.atomic(durable=True):
        if held := _held(email):
            held.record_sent(at=database_time())
            held.save()


def _record_fault(email: OutgoingEmail, fault: Fault) -> None:
    with transaction.atomic(durable=True):
        if not (held := _held(email)):
            return
        if fault.permanent:
            held.fail(error=fault.reason)
        else:
            held.postpone(until=database_time() + _wait(held.tries), error=fault.reason)
        held.save()
        # Not the server's words: they often quote the address.
        logger.warning("E-mail %s was not sent on attempt %s: %s.", held.pk, held.attempts, held.status)


def _held(email: OutgoingEmail) -> OutgoingEmail | None:
    """The row under lock, if this attempt still owns it: a late sender changes nothing."""
    held = (
        OutgoingEmail.objects.sending()
        .filter(pk=email.pk, attempts=email.attempts)
        .select_for_update()
        .first()
    )
    if held is None:
        logger.warning("Attempt %s on e-mail %s reported too late.", email.attempts, email.pk)
    return held


def _wait(tries: int) -> timedelta:
    """Doubled by each try, never longer than an hour, and scattered by a quarter either way."""
    widest = min(FIRST_WAIT * 2.0 ** min(tries - 1, 20), LONGEST_WAIT)
    return widest * random.uniform(0.75, 1.25)  # nosec B311  # no secret


def _close(line: BaseEmailBackend) -> None:
    with suppress(OSError):  # a broken line can't say goodbye
        line.close()
