"""A sender of mails is killed at every step; another one goes on. Each mail arrives, under one Message-ID."""

import os
from collections import Counter

import pytest

from notifications import sending
from notifications.models import OutgoingEmail, Status
from tests.erp_integrations.every_step.reporting import report
from tests.notifications.factories import LONG_AGO, OutgoingEmailFactory
from tests.notifications.mail_server import MailServer
from tests.stepping import Step, killed_at, steps_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_mail_is_lost_and_none_gets_a_second_message_id(mail_server: MailServer) -> None:
    OutgoingEmailFactory.create_batch(2)
    sending.send_due_emails()  # what is imported late is imported now
    OutgoingEmailFactory.create_batch(2)
    steps = steps_of(sending.send_due_emails)
    taken = steps if os.environ.get("EVERY_STEP") == "lines" else [step for step in steps if not step.line]
    twice: list[Step] = []
    for step in taken:
        OutgoingEmail.objects.all().delete()
        emails = OutgoingEmailFactory.create_batch(2)
        assert killed_at(step, sending.send_due_emails), f"the sender never came to {step}"
        OutgoingEmail.objects.filter(status=Status.SENDING).update(lease_until=LONG_AGO)
        sending.send_due_emails()
        for email in emails:
            email.refresh_from_db()
            assert email.status == Status.SENT, f"killed at {step}"
        wanted = {email.message_id: (email.to_address, email.subject) for email in emails}
        arrived = [each for each in mail_server.received if each["Message-ID"] in wanted]
        assert {each["Message-ID"]: (each["To"], each["Subject"]) for each in arrived} == wanted
        times = Counter(str(each["Message-ID"]) for each in arrived)
        assert max(times.values()) <= 2
        if max(times.values()) > 1:
            twice.append(step)
    report("mails", "two mails", steps, len(taken), Counter({"Sent": len(taken)}), map(str, twice))
    assert twice
    assert {(step.before, step.after) for step in twice if not step.line} <= {
        ("read", "write"),  # the server has the mail, and its yes was not read
        ("statement", "read"),
        ("statement", "statement"),
        ("commit", "statement"),
    }
