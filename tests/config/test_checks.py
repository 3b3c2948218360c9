"""Settings that would break a promise in production are called out by `manage.py check --deploy`."""

from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

GOOD: dict[str, Any] = {
    "DEVELOPMENT": False,
    "SECRET_KEY": "x" * 60,
    "HISTORY_SIGNING_KEY": "b25seS1mb3ItY2hlY2tzLW9mLXRoZS1oaXN0b3J5ISE=",
    "DECISION_SIGNING_KEY": "b25seS1mb3ItY2hlY2tzLW9mLXRoZS1kZWNpc2lvbnM=",
    "DECISION_PUBLIC_KEYS": ["h57oJJ+mQ8S1OGoq9nFoXDZadQqXswbad4D7adiEYP4="],
    "TRUSTED_PROXIES": 0,
    "PUBLIC_URL": "https://ledgergate.example",
    "ALLOWED_HOSTS": ["ledgergate.example"],
    "CSRF_TRUSTED_ORIGINS": ["https://ledgergate.example"],
    "COSTLY_PAGES_PER_MINUTE": 120,
    "EMAIL_HOST": "mail.example",
    "EMAIL_USE_TLS": True,
    "EMAIL_USE_SSL": False,
    "CELERY_BROKER_URL": "rediss://:password@redis.example:6379/0",
    "SECURE_PROXY_SSL_HEADER": None,
}


@pytest.fixture(autouse=True)
def production(settings: Settings) -> None:
    for name, value in GOOD.items():
        setattr(settings, name, value)


def ids() -> set[str]:
    return {
        str(found.id)
        for found in run_checks(include_deployment_checks=True)
        if str(found.id).startswith("config.")
    }


def test_good_settings_pass() -> None:
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DEVELOPMENT", True, "config.E001"),
        ("SECRET_KEY", "development-only-0123456789-abcdefghijklmnopqrstuvwxyz", "config.E002"),
        ("FIELD_ENCRYPTION_KEYS", ["ZGV2ZWxvcG1lbnQtb25seS1rZXktMDEyMzQ1Njc4OTA="], "config.E002"),
        ("HISTORY_SIGNING_KEY", "ZGV2ZWxvcG1lbnQtb25seS1oaXN0b3J5LXNpZ25pbmc=", "config.E002"),
        ("DECISION_SIGNING_KEY", "ZGV2ZWxvcG1lbnQtb25seS1kZWNpc2lvbi1zaWduZXI=", "config.E002"),
        ("DECISION_PUBLIC_KEYS", ["sXs5ZJ94Gf4kQBo7+o7fAjCgU/ecNUmCXR16PboQmEg="], "config.E002"),
        ("PUBLIC_URL", "http://ledgergate.example", "config.E004"),
        ("ALLOWED_HOSTS", ["*"], "config.E005"),
        ("ALLOWED_HOSTS", [".example"], "config.E005"),
        ("CSRF_TRUSTED_ORIGINS", ["http://ledgergate.example"], "config.E006"),
        ("CONTENT_SECURITY_POLICY", {"DIRECTIVES": {"default-src": ["'self'"]}}, "config.E007"),
        ("CELERY_ACCEPT_CONTENT", ["json", "pickle"], "config.E008"),
        ("CELERY_RESULT_SERIALIZER", "pickle", "config.E008"),
        ("EMAIL_USE_TLS", False, "config.W002"),
        ("CELERY_BROKER_URL", "redis://:secret@redis.example:6379/0", "config.E009"),
        ("CELERY_BROKER_URL", "rediss://redis.example:6379/0", "config.E009"),
        ("CELERY_BROKER_URL", "redis://redis.example:6379/0", "config.E009"),
        ("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https"), "config.W004"),
        ("COSTLY_PAGES_PER_MINUTE", 0, "config.W005"),
        ("APPROVERS_REVIEW_DAYS", 0, "config.W006"),
        ("OPERATOR_EMAIL", "", "config.W007"),
    ],
)
def test_each_that_breaks_a_promise_is_named(
    settings: Settings, name: str, value: Any, complaint: str
) -> None:
    setattr(settings, name, value)
    assert complaint in ids()


def test_one_key_for_two_uses_is_named(settings: Settings) -> None:
    settings.SECRET_KEY = settings.FIELD_ENCRYPTION_KEYS[0]
    assert "config.E003" in ids()


@pytest.mark.parametrize("directive", ["script-src", "style-src", "default-src"])
@pytest.mark.parametrize("value", ["'unsafe-inline'", "'unsafe-eval'", "*"])
def test_a_loose_policy_is_named(settings: Settings, directive: str, value: str) -> None:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**directives, directive: [value]}}
    assert "config.E007" in ids()


@pytest.mark.parametrize(
    ("options", "told"), [({}, True), ({"sslmode": "prefer"}, True), ({"sslmode": "verify-full"}, False)]
)
def test_a_database_elsewhere_without_tls_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], told: bool
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", "db.example")
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", options)
    assert ("config.W001" in ids()) is told
