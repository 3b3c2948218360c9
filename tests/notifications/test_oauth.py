"""Signing in by a token, against a token server and a mail server that asks for XOAUTH2."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import MISSING, SMTP, AuthResult
from django.core.management import CommandError, call_command
from pytest_django import Settings

from notifications import oauth, sending
from notifications.models import Status
from tests.notifications.factories import OutgoingEmailFactory
from tests.notifications.http_server import HttpServer, serving
from tests.notifications.mail_server import MailServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Requiring AUTH"),  # the two are on one machine
]

USER = "ledgergate@example.test"


class TokenMailServer(MailServer):
    """Lets in whoever shows the token of the moment, and nobody else."""

    token = "first"

    def start(self) -> None:
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, auth_require_tls=False, auth_required=True
        )
        self._controller.start()

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> Any:  # noqa: N802  # aiosmtpd's name
        if b64decode(words[1]).decode() == f"user={USER}\1auth=Bearer {self.token}\1\1":
            return AuthResult(success=True)
        told = b64encode(b'{"status":"400","schemes":"bearer"}').decode()
        await server.challenge_auth(told, encode_to_b64=False)
        await server.push("535 5.7.8 Not this token")
        return MISSING


@pytest.fixture
def token_server(settings: Settings) -> Iterator[HttpServer]:
    with serving() as server:
        server.answer = (200, {"access_token": "first", "expires_in": 3600})
        settings.EMAIL_BACKEND = "notifications.oauth.OAuthBackend"
        settings.EMAIL_OAUTH_TOKEN_URL = server.url
        settings.EMAIL_OAUTH_CLIENT_ID, settings.EMAIL_OAUTH_CLIENT_SECRET = "client", "very secret"
        settings.EMAIL_OAUTH_SCOPE, settings.EMAIL_OAUTH_REFRESH_TOKEN = "smtp", ""
        oauth.tokens.clear()
        yield server


@pytest.fixture
def mail_server(settings: Settings, token_server: HttpServer) -> Iterator[TokenMailServer]:
    server = TokenMailServer()
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    server.start()
    yield server
    server.stop()


def test_mails_go_out_by_a_token_which_is_asked_for_once(
    mail_server: TokenMailServer, token_server: HttpServer
) -> None:
    for _ in range(2):
        OutgoingEmailFactory.create()
        assert sending.send_due_emails() == 1
    assert len(mail_server.received) == 2
    (asked,) = token_server.asked
    assert parse_qs(asked) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": ["very secret"],
        "scope": ["smtp"],
    }


def test_by_a_refresh_token_where_there_is_one(
    mail_server: TokenMailServer, token_server: HttpServer, settings: Settings
) -> None:
    settings.EMAIL_OAUTH_REFRESH_TOKEN = "lasting"
    OutgoingEmailFactory.create()
    sending.send_due_emails()
    asked = parse_qs(token_server.asked[0])
    assert (asked["grant_type"], asked["refresh_token"]) == (["refresh_token"], ["lasting"])
    assert len(mail_server.received) == 1


def test_a_token_at_its_end_is_not_used(mail_server: TokenMailServer, token_server: HttpServer) -> None:
    token_server.answer = (200, {"access_token": "first", "expires_in": oauth.EXPIRY_MARGIN})
    for _ in range(2):
        OutgoingEmailFactory.create()
        sending.send_due_emails()
    assert len(token_server.asked) == 2


def test_a_token_that_the_mail_server_refuses_is_asked_for_anew(
    mail_server: TokenMailServer, token_server: HttpServer
) -> None:
    email = OutgoingEmailFactory.create()
    mail_server.token = "second"
    sending.send_due_emails()
    email.refresh_from_db()
    assert (email.status, email.last_error) == (Status.QUEUED, "535 5.7.8 Not this token")
    token_server.answer = (200, {"access_token": "second", "expires_in": 3600})
    OutgoingEmailFactory.create()
    sending.send_due_emails()
    assert len(mail_server.received) == 1


def test_the_command_says_what_it_tries(
    mail_server: TokenMailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sendtestmail", "anna@example.test")
    assert f"no encryption, as {USER} by a token of 127.0.0.1." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"error": "invalid_client", "error_description": "very secret"}), "401, invalid_client."),
        ((500, []), "500."),
        ((200, {"token": "first"}), "gave no token: 200."),
        ((200, ["first"]), "gave no token: 200."),
        (None, "could not be asked: NewConnectionError."),
    ],
)
def test_no_token_is_one_sentence_without_secrets(
    mail_server: TokenMailServer, token_server: HttpServer, settings: Settings, answer: Any, words: str
) -> None:
    if answer is None:
        settings.EMAIL_OAUTH_TOKEN_URL = "http://127.0.0.1:1/"
    else:
        token_server.answer = answer
    with pytest.raises(CommandError) as refused:
        call_command("sendtestmail", "anna@example.test")
    assert str(refused.value).startswith("It was not sent: The token server 127.0.0.1")
    assert str(refused.value).endswith(words)
    assert "secret" not in str(refused.value)
    assert not mail_server.received
