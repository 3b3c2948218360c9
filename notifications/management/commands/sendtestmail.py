"""Django's `sendtestemail`, which says what it tries, and in a sentence why that failed."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.core.management.base import CommandError
from django.core.management.commands import sendtestemail

from notifications.oauth import OAuthBackend
from notifications.sending import get_fault


class Command(sendtestemail.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Nothing is retried; raises CommandError with the mail server's own words."""
        backend = get_connection()
        if isinstance(backend, EmailBackend):
            encryption = "TLS" if backend.use_ssl else "STARTTLS" if backend.use_tls else "no encryption"
            who = f"as {backend.username}" if backend.username else "without signing in"
            if isinstance(backend, OAuthBackend):
                who += f" by a token of {urlsplit(settings.EMAIL_OAUTH_TOKEN_URL).hostname}"
            self.stdout.write(f"Connecting to {backend.host}:{backend.port}, {encryption}, {who}.")
        else:
            self.stdout.write(f"Sending by {settings.EMAIL_BACKEND}.")
        try:
            super().handle(*args, **options)
        except (OSError, ValueError) as error:
            raise CommandError(f"It was not sent: {get_fault(error).reason}") from error
        self.stdout.write(f"Sent, from {settings.DEFAULT_FROM_EMAIL}.")
