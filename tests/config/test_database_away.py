"""What people are told while PostgreSQL gives no connection."""

import pytest
from django.db import connection
from django.test import Client

from tests.clients import signed_in
from tests.factories import SubmissionFactory, ViewerFactory
from tests.processes.running import no_new_sessions


@pytest.mark.django_db(transaction=True)
def test_pages_and_forms_say_when_to_come_back_and_nobody_is_signed_out() -> None:
    submission = SubmissionFactory()
    client = signed_in(ViewerFactory(company=submission.company))
    client.raise_request_exception = False
    visitor = Client(raise_request_exception=False)
    address = f"/companies/{submission.company.slug}/erp-integrations/"
    with no_new_sessions():
        connection.close()
        answers = [
            client.get(address),
            client.post(address),
            visitor.get("/healthz"),
            visitor.post("/accounts/login/", {"login": "dana@example.test", "password": "typed once"}),
        ]
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
        assert "Ledgergate can’t reach its database" in answer.content.decode()
    assert client.get(address, follow=True).status_code == 200
