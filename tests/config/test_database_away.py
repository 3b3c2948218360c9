"""People are told while PostgreSQL gives no connection."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from config.logs import SafeFormatter
from directory.db import database_errors
from tests.clients import signed_in
from tests.dying_database import crash_at, instead_of
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


@pytest.mark.django_db(transaction=True)
class TestOneThatDiesInMidStatement:
    @pytest.fixture
    def page(self) -> tuple[Client, str]:
        submission = SubmissionFactory()
        client = signed_in(ViewerFactory(company=submission.company))
        client.raise_request_exception = False
        return client, f"/companies/{submission.company.slug}/erp-integrations/"

    def test_psycopg2_calls_it_a_plain_database_error(self) -> None:
        with crash_at("SELECT 1"), pytest.raises(DatabaseError) as raised, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert type(raised.value) is DatabaseError
        assert database_errors.is_database_unreachable(raised.value)

    def test_a_page_says_when_to_come_back_and_the_log_has_one_line(
        self, page: tuple[Client, str], log: StringIO
    ) -> None:
        client, address = page
        with crash_at('FROM "erp_integrations_submission"'):
            answer = client.get(address)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
        (line,) = log.getvalue().splitlines()
        assert "the database can't be reached: server closed the connection unexpectedly" in line

    def test_readyz_says_so(self) -> None:
        with crash_at("SELECT"):
            answer = Client(raise_request_exception=False).get("/readyz")
        assert (answer.status_code, answer.content) == (503, b"database: not reachable\n")

    @pytest.mark.parametrize(
        "statement",
        [
            "SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)",
            "DO $$ BEGIN RAISE lock_not_available; END $$",
            "DO $$ BEGIN RAISE deadlock_detected; END $$",
        ],
    )
    def test_a_lock_or_a_statement_that_timed_out_is_not_that(
        self, page: tuple[Client, str], statement: str
    ) -> None:
        client, address = page
        with instead_of('FROM "erp_integrations_submission"', statement):
            assert client.get(address).status_code == 500
        client = Client(raise_request_exception=False)
        with instead_of("SELECT", statement):
            assert client.get("/readyz").status_code == 500


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_one_line_of_the_log(log: StringIO) -> None:
    submission = SubmissionFactory()
    client = signed_in(ViewerFactory(company=submission.company))
    answer = client.post(reverse("erp_integrations:reject", args=[submission.company.slug, submission.pk]))
    assert answer.status_code == 403
    assert len(log.getvalue().splitlines()) == 1


@pytest.mark.django_db(transaction=True)
def test_what_nobody_foresaw_keeps_its_traceback(log: StringIO) -> None:
    logging.getLogger("config.pool").error("It broke", exc_info=ValueError("a mistake of ours"))
    assert "ValueError: a mistake of ours" in log.getvalue()
    assert len(log.getvalue().splitlines()) > 1


@pytest.fixture
def log() -> Iterator[StringIO]:
    """The product's processes would write these."""
    handler = logging.StreamHandler(StringIO())
    handler.setLevel(logging.WARNING)
    handler.setFormatter(SafeFormatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler.stream
    root.removeHandler(handler)
