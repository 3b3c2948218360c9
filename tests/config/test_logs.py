"""Log lines are read by people who may not know what the product knows."""

import logging
import sys
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from pytest_django import Settings

from config import gunicorn
from config.logs import SafeFormatter, clean_secrets, list_secrets


def formatted(message: str, *args: object, error: Exception | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("a", logging.ERROR, __file__, 1, message, args, info)
    return SafeFormatter("%(levelname)s %(message)s").format(record)


@pytest.fixture
def guarded(settings: Settings) -> list[str]:
    """Settings that each hold a secret; the secrets."""
    settings.SECRET_KEY = "signing-key-0123456789"
    settings.FIELD_ENCRYPTION_KEYS = ["first-encryption-key", "second-encryption-key"]
    settings.EMAIL_HOST_PASSWORD = "mail-password"
    settings.CELERY_BROKER_URL = "redis://:broker%2Fpassword@redis.example:6379/0"
    settings.INFO_LINKS = {"main": "mssql+pymssql://reader:reader-password@sql.example/spectrum"}
    return [
        "signing-key-0123456789",
        "first-encryption-key",
        "second-encryption-key",
        "mail-password",
        "broker%2Fpassword",
        "broker/password",
        "reader-password",
    ]


def test_no_secret_of_the_settings_is_written(guarded: list[str]) -> None:
    assert set(guarded) <= set(list_secrets())
    for secret in guarded:
        assert secret not in formatted("It broke with %s in it", secret)
        assert secret not in formatted("It broke", error=RuntimeError(f"at {secret}!"))


def test_the_password_of_the_database_is_one_of_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", "database-password")
    assert "database-password" not in formatted("postgres://app:%s@db/x", "database-password")


@pytest.mark.parametrize(
    "line",
    [
        "postgres://app:HIDDEN@db.example/ledgergate",
        "Authorization: Basic HIDDEN",
        "{'Authorization': 'Bearer HIDDEN'}",
        "<x:Authorization_ID>HIDDEN</x:Authorization_ID>",
        '<GUID a="b">HIDDEN</GUID>',
        "client_id=a&client_secret=HIDDEN&scope=b",
        '{"access_token": "HIDDEN", "expires_in": 3600}',
        "POST data: {'login': 'a@b.example', 'password': 'HIDDEN'}",
        "csrfmiddlewaretoken=HIDDEN",
        "Cookie: __Host-ledgergate=HIDDEN; other=1",
        "GET /accounts/password/reset/key/HIDDEN/ HTTP/1.1",
    ],
)
def test_what_looks_like_one_is_removed(line: str) -> None:
    cleaned = clean_secrets(line)
    assert "HIDDEN" not in cleaned
    assert "[removed]" in cleaned


def test_other_words_stay() -> None:
    line = "Job 7: call 2 of PO-1 refused (password of the site expired): https://spectrum.example/ws"
    assert formatted(line) == f"ERROR {line}"


def test_nothing_from_outside_begins_a_line_of_its_own() -> None:
    forged = "x\n2026-11-26 09:00:00 INFO root all is well"
    assert formatted("It broke: %s", forged).splitlines()[1].startswith("  2026-11-26")
    for separator in ("\r", "\r\n", "\v", "\x85", "\u2028"):
        lines = formatted("a%sERROR b", separator).splitlines()
        assert lines == ["ERROR a", "  ERROR b"], repr(separator)
    traceback = formatted("It broke", error=RuntimeError(forged)).splitlines()
    assert [line for line in traceback if not line.startswith("  ")] == ["ERROR It broke"]


def test_nothing_from_outside_steers_a_terminal() -> None:
    assert formatted("Héllo \x1b[2J%s", "\x00") == r"ERROR Héllo \x1b[2J\x00"


def test_every_handler_of_the_product_formats_in_this_way(settings: Settings) -> None:
    formatters = {name: value["()"] for name, value in settings.LOGGING["formatters"].items()}
    assert set(formatters.values()) == {"config.logs.SafeFormatter"}
    assert all(handler["formatter"] in formatters for handler in settings.LOGGING["handlers"].values())


def test_the_access_log_has_neither_reset_links_nor_searches(
    settings: Settings,
) -> None:
    logger = gunicorn.SafeLogger(Config())
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/accounts/password/reset/key/1-abcdef/?q=acquisition",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": "/accounts/password/reset/key/1-abcdef/",
        "QUERY_STRING": "q=acquisition",
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_X_FORWARDED_FOR": "198.51.100.7, 203.0.113.9",
        "HTTP_REFERER": "https://ledgergate.example/accounts/password/reset/key/1-abcdef/?q=acquisition",
    }
    response = SimpleNamespace(status="200 OK", headers=[], sent=10)
    request = SimpleNamespace(headers=[("COOKIE", "__Host-ledgergate=session-key")])
    took = SimpleNamespace(seconds=0, microseconds=5)
    for trusted, address in ((0, "10.0.0.1"), (1, "203.0.113.9")):
        settings.TRUSTED_PROXIES = trusted
        parts = logger.atoms(response, request, environ, took)
        assert parts["h"] == address
    line = " ".join(str(part) for part in parts.values())
    for secret in ("1-abcdef", "acquisition", "session-key"):
        assert secret not in line
    assert "GET /accounts/password/reset/key/[removed]/ HTTP/1.1" in line


def test_gunicorn_runs_with_limits_of_its_own() -> None:
    assert 0 < gunicorn.limit_request_line <= 8190
    assert 0 < gunicorn.limit_request_fields <= 100
    assert 0 < gunicorn.limit_request_field_size <= 8190
    assert "config.gunicorn" in sys.modules
