"""Web does not start without the key that signs decisions, and a worker that has it says so."""

import importlib
import logging
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from pytest_django import Settings

from config import celery, wsgi
from directory.history import checkpoints


def test_web_does_not_start_without_it(settings: Settings) -> None:
    importlib.reload(wsgi)
    settings.DECISION_SIGNING_KEY = ""
    with pytest.raises(ImproperlyConfigured, match="DECISION_SIGNING_KEY is not set"):
        importlib.reload(wsgi)


def test_a_worker_that_could_sign_says_so(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.DEVELOPMENT = False
    with caplog.at_level(logging.WARNING):
        celery.check_worker_signing_key()
    assert "take it away, only web signs" in caplog.text
    caplog.clear()
    settings.DECISION_SIGNING_KEY = ""
    celery.check_worker_signing_key()
    assert not caplog.text


def test_its_public_half_is_printed(settings: Settings) -> None:
    settings.DECISION_SIGNING_KEY = checkpoints.create_private_key()
    printed = StringIO()
    call_command("history_key", "--decisions", stdout=printed)
    assert printed.getvalue().strip() == checkpoints.get_public_key(settings.DECISION_SIGNING_KEY)
