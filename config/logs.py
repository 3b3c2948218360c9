"""Log lines without secrets: the last place where one could get out, so it looks at finished lines.

Nothing is meant to log a secret in the first place; this is for the library, the traceback and the
address that do it all the same.
"""

import logging
import re
from collections.abc import Iterable
from copy import copy
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied

from directory.db.database_errors import is_database_unreachable

REMOVED = "[removed]"
MIN_SECRET_LENGTH = 6
"""Characters. A shorter setting is no secret, and would be found in every second line."""

_PATTERNS = (
    # The credentials of a database, broker or mail server in an address.
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s@/]+(?=@)", re.IGNORECASE),
    re.compile(r"(\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:basic|bearer)\s+)[^\s\"',;<>]+", re.IGNORECASE),
    re.compile(r"(<(?:[\w.-]+:)?(?:Authorization_ID|GUID)(?:\s[^<>]*)?>)[^<]+", re.IGNORECASE),
    re.compile(
        r"(\b(?:authorization_id|guid|(?:previous_)?client_secret|access_token|password\d?|csrfmiddlewaretoken)"
        r"[\"']?\s*[:=]\s*[\"']?)[^\s\"'&,;<>]+",
        re.IGNORECASE,
    ),
    # Whoever has a session or the link of a reset is that person.
    re.compile(r"(\b(?:__Host-)?ledgergate[\w-]*=)[^\s\"',;]+"),
    re.compile(r"(/password/reset/key/)[^\s/\"']+"),
)


class SafeFormatter(logging.Formatter):
    """Formats as usual, traceback and all, and then takes secrets out.

    Only an entry begins at the start of a line, so that nothing that comes from outside can forge one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The entry without secrets; what follows its first line is indented."""
        record = clean_traceback(record)
        first, *more = clean_secrets(super().format(record)).splitlines() or [""]
        return "\n".join([format_printable(first), *(f"  {format_printable(line)}" for line in more)])


def clean_traceback(record: logging.LogRecord) -> logging.LogRecord:
    """A refusal, or a database that is away, is told in one line: no code of ours is at fault."""
    error = record.exc_info[1] if record.exc_info else None
    if is_database_unreachable(error):
        message = f"the database can't be reached: {str(error).partition(chr(10))[0]}"
    elif isinstance(error, PermissionDenied):
        message = type(error).__name__
    else:
        return record
    short_record = copy(record)
    short_record.msg, short_record.args = f"{record.getMessage()}: {message}", None
    short_record.exc_info = short_record.exc_text = None
    return short_record


def format_printable(line: str) -> str:
    """Spell out the characters that steer a terminal."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line
    )


def clean_secrets(text: str) -> str:
    """The text without the secrets of the settings, and without what looks like one."""
    for secret in list_secrets():
        text = text.replace(secret, REMOVED)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{REMOVED}", text)
    return text


def list_secrets() -> list[str]:
    """Every secret that the environment gave us, longest first, as it is and as an address spells it."""
    found = {settings.SECRET_KEY, settings.HISTORY_SIGNING_KEY, settings.DECISION_SIGNING_KEY}
    found |= set(settings.FIELD_ENCRYPTION_KEYS)
    found |= {str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()}
    found.add(settings.EMAIL_HOST_PASSWORD or "")
    found |= set(list_passwords((settings.CELERY_BROKER_URL, *settings.INFO_LINKS.values())))
    spelled = found | {quote(secret, safe="") for secret in found}
    return sorted((secret for secret in spelled if len(secret) >= MIN_SECRET_LENGTH), key=len, reverse=True)


def list_passwords(addresses: Iterable[str]) -> Iterable[str]:
    for address in addresses:
        try:
            password = urlsplit(address).password
        except ValueError:  # a check complains of the address
            continue
        if password:
            yield from (password, unquote(password))
