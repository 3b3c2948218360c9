"""Mail servers that want a token by OAuth for a password (XOAUTH2), as Microsoft 365 and Google do."""

import re
import time
from urllib.parse import urlencode, urlsplit

import urllib3
from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

EXPIRY_MARGIN = 60.0
"""Seconds before its end from which a token is not used any more."""

tokens: dict[str, tuple[str, float]] = {}
"""This process's, with its end, by the address that gave it out; it is written nowhere."""


class OAuthBackend(EmailBackend):
    """Django's, which signs in by a token."""

    def open(self) -> bool | None:
        opened = super().open()
        if opened and self.connection:
            try:
                words = build_xoauth2_words(self.username)
                self.connection.ehlo_or_helo_if_needed()
                # A server that refuses it says why, and wants an empty answer before it ends.
                self.connection.auth("XOAUTH2", lambda challenge=None: "" if challenge else words)
            except OSError:
                tokens.clear()  # the next try asks for another
                self.close()
                raise
        return opened


def build_xoauth2_words(user: str) -> str:
    """Raises ConnectionError where there is no token, in a sentence without secrets."""
    address = settings.EMAIL_OAUTH_TOKEN_URL
    token, until = tokens.get(address, ("", 0.0))
    if time.monotonic() >= until:
        token, seconds = read_access_token(address)
        tokens[address] = token, time.monotonic() + seconds - EXPIRY_MARGIN
    return f"user={user}\1auth=Bearer {token}\1\1"


def read_access_token(address: str) -> tuple[str, float]:
    """A new one, and for how many seconds."""
    fields = {
        "grant_type": "refresh_token" if settings.EMAIL_OAUTH_REFRESH_TOKEN else "client_credentials",
        "client_id": settings.EMAIL_OAUTH_CLIENT_ID,
        "client_secret": settings.EMAIL_OAUTH_CLIENT_SECRET,
        "refresh_token": settings.EMAIL_OAUTH_REFRESH_TOKEN,
        "scope": settings.EMAIL_OAUTH_SCOPE,
    }
    body = urlencode({name: value for name, value in fields.items() if value})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    where, wait = f"The token server {urlsplit(address).hostname}", settings.EMAIL_TIMEOUT
    try:
        answer = urllib3.request(
            *("POST", address), body=body, headers=headers, timeout=wait, retries=False, redirect=False
        )
        told = answer.json() if answer.status == 200 else None
        if isinstance(told, dict) and told.get("access_token"):
            return str(told["access_token"]), float(told.get("expires_in") or 300)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise ConnectionError(f"{where} could not be asked: {type(error).__name__}.") from None
    code = re.search(r'"error" *: *"([a-z_]{1,40})"', answer.data.decode(errors="replace"))
    raise ConnectionError(f"{where} gave no token: {answer.status}{f', {code[1]}' if code else ''}.")
