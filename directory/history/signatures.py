"""Signed decisions: web alone has the key, so that neither a worker nor the database says yes for anybody."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone

from directory.history import canonical, checkpoints
from directory.history.events import DirectoryEvent
from directory.models import Company, HistoryEntry


def sign_statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of now with web's signature. Raises InvalidKey in a process that has no key."""
    dated_statement = {"schema": canonical.SCHEMA, "at": canonical.format_time(timezone.now()), **statement}
    return checkpoints.sign_statement(dated_statement, key=settings.DECISION_SIGNING_KEY)


def find_signed_statement(signed: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """None unless one of DECISION_PUBLIC_KEYS believes the signature."""
    if signed is None or not checkpoints.has_trusted_signature(signed, trusted=settings.DECISION_PUBLIC_KEYS):
        return None
    statement: dict[str, Any] = signed["statement"]
    return statement


def find_signing_start() -> HistoryEntry | None:
    """The entry of the upgrade from which on only what is signed counts; None where nothing stood then."""
    return HistoryEntry.objects.about(Company(pk=0)).filter(event=DirectoryEvent.SIGNATURES_BEGAN).first()
