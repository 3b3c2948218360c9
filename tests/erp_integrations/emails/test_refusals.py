"""Each way in which a mail server does not take a mail, tried on the mail catcher: what people then see."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from pytest_django import Settings

from directory.models import User
from erp_integrations import submissions
from erp_integrations.emails.undelivered_mails import store_undelivered_mails
from erp_integrations.models import Submission
from notifications import sending
from notifications.models import Kind, OutgoingEmail, Status
from tests.clients import signed_in
from tests.factories import ErpAdminFactory, PersonFactory
from tests.local.test_mail import Catcher, start

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Case:
    """``answer`` is in the operator's mail log; ``fails`` where no later try can help, ``marks`` where the
    address is at fault."""

    answer: str
    fault: dict[str, Any] = field(default_factory=dict)
    fails: bool = False
    marks: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


def refuse(code: int, at: str) -> dict[str, Any]:
    return {"kind": "refuse", "code": code, "at": at}


CASES = {
    "no such recipient": Case("550 Refused", refuse(550, "rcpt"), fails=True, marks=True),
    "content refused": Case("550 Refused", refuse(550, "data"), fails=True),
    "too large, said at once": Case("552 Refused", refuse(552, "mail"), fails=True),
    "too large, said afterwards": Case("552 Refused", refuse(552, "data"), fails=True),
    "closing": Case("421 Refused", refuse(421, "rcpt")),
    "greylisted": Case("451 Refused", refuse(451, "rcpt")),
    "must use TLS": Case("530 Refused", refuse(530, "mail")),
    "wrong password": Case(
        "535 5.7.8", {"kind": "no_sign_in"}, settings={"EMAIL_HOST_USER": "us", "EMAIL_HOST_PASSWORD": "no"}
    ),
    "hanging": Case("timed out", {"kind": "hang", "seconds": 1}, settings={"EMAIL_TIMEOUT": 0.2}),
    "cut off with the mail": Case("unexpectedly closed", {"kind": "drop"}),
    "nobody there": Case("refused", settings={"EMAIL_PORT": 0}),
}


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    folder: Path = tmp_path_factory.mktemp("mails")
    running = start(folder)
    yield running
    running.stop()


@pytest.mark.parametrize("name", CASES)
def test_what_each_person_sees(
    name: str, catcher: Catcher, settings: Settings, awaiting: Submission, approver: User
) -> None:
    case = CASES[name]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.smtp_port
    for setting, value in case.settings.items():
        setattr(settings, setting, value)
    if not settings.EMAIL_PORT:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            settings.EMAIL_PORT = closed.getsockname()[1]
    if case.fault:
        assert catcher.trouble(**{"seconds": 60, **case.fault}) == 200
    submissions.reject(submission=awaiting, by=approver, reason="Line 3 is on the wrong phase.")
    awaiting.refresh_from_db()
    creator = awaiting.created_by
    OutgoingEmail.objects.exclude(recipient=creator).delete()
    sending.send_due_emails()
    store_undelivered_mails()

    mail = OutgoingEmail.objects.get(recipient=creator)
    assert mail.status == (Status.FAILED if case.fails else Status.QUEUED)
    could_not, not_yet = f"It could not be mailed to {creator}.", f"It has not reached {creator} yet"
    for person, address in (
        (approver, awaiting.get_absolute_url()),
        (creator, awaiting.commitment.get_absolute_url()),
    ):
        page = signed_in(person).get(address).text
        assert (could_not in page, not_yet in page) == (case.fails, not case.fails)
    # Who acted is mailed where that is final, and looks at the page where it is not.
    told = OutgoingEmail.objects.filter(kind=Kind.UNDELIVERED, recipient=approver)
    assert told.exists() == case.fails
    settings_page = reverse("erp_integrations:settings", args=[awaiting.company.slug])
    card = signed_in(ErpAdminFactory(company=awaiting.company)).get(settings_page).text
    assert (creator.email.lower() in card) == case.marks
    assert ("The mail server did not take 1 mail to people of" in card) == (not case.fails)
    log = (
        signed_in(PersonFactory(is_staff=True, is_superuser=True))
        .get(reverse("admin:notifications_outgoingemail_changelist"))
        .text
    )
    assert case.answer in log

    if not case.fails:  # once the server takes it, nothing is said any more
        catcher.trouble(kind="refuse", seconds=0)
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = catcher.smtp_port, 5
        OutgoingEmail.objects.update(not_before=Now())
        sending.send_due_emails()
        assert creator.email in catcher.messages()[0]["to"]
        assert not_yet not in signed_in(approver).get(awaiting.get_absolute_url()).text
