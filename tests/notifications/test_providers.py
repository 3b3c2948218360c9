"""Any backend of Django's: django-anymail with the shapes that Postmark publishes, against a server of ours.

Source: https://postmarkapp.com/developer/api/email-api and /developer/api/overview (error codes).
"""

import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from notifications import sending
from notifications.models import RefusedAddress, Status
from tests.notifications.factories import OutgoingEmailFactory
from tests.notifications.http_server import HttpServer, serving

pytestmark = pytest.mark.django_db(transaction=True)

INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive.\nFound inactive addresses: {}.\n"
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint. "
)


@pytest.fixture
def provider(settings: Settings) -> Iterator[HttpServer]:
    with serving() as server:
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "very-secret", "POSTMARK_API_URL": server.url}
        yield server


def test_a_mail_goes_out_with_its_headers_and_both_parts(provider: HttpServer) -> None:
    email = OutgoingEmailFactory.create()
    told = {"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a", "To": email.to_address}
    provider.answer = (200, told)
    sending.send_due_emails()
    email.refresh_from_db()
    assert email.status == Status.SENT
    sent = json.loads(provider.asked[0])
    assert (sent["To"], sent["TextBody"], sent["HtmlBody"]) == (
        email.to_address,
        email.text_body,
        email.html_body,
    )
    assert {"Name": "Message-ID", "Value": email.message_id} in sent["Headers"]


def test_a_refused_recipient_marks_the_address(provider: HttpServer) -> None:
    email = OutgoingEmailFactory.create()
    provider.answer = (422, {"ErrorCode": 406, "Message": INACTIVE.format(email.to_address)})
    sending.send_due_emails()
    email.refresh_from_db()
    assert email.status == Status.FAILED
    assert "recipients were rejected" in email.last_error
    assert RefusedAddress.objects.get().address == email.to_address


@pytest.mark.parametrize(
    ("status", "code"), [(401, 10), (422, 400), (422, 405), (429, 0), (500, 0), (503, 100)]
)
def test_what_is_at_fault_with_us_or_the_provider_is_tried_again(
    provider: HttpServer, status: int, code: int
) -> None:
    email = OutgoingEmailFactory.create()
    provider.answer = (status, {"ErrorCode": code, "Message": "Not now."})
    sending.send_due_emails()
    email.refresh_from_db()
    assert (email.status, email.attempts) == (Status.QUEUED, 1)
    assert str(status) in email.last_error
    assert "very-secret" not in email.last_error
    assert not RefusedAddress.objects.exists()
