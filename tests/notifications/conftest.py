from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.directory.conftest import quick_passwords as quick_passwords
from tests.notifications.mail_server import MailServer


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    """The mail server that the settings name, running, and real."""
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = 5
    settings.DEFAULT_FROM_EMAIL = "Ledgergate <ledgergate@example.test>"
    server.start()
    yield server
    server.stop()
