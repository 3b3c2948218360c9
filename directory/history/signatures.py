"""Signed decisions: web alone has the key, so that neither a worker nor the database says yes for anybody."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone

from directory.history import canonical, checkpoints
from directory.models import Company, HistoryEntry


def signed(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of now with web's signature. Raises BadKey in a process that has no key."""
    told = {"schema": canonical.SCHEMA, "at": canonical.moment(timezone.now()), **statement}
    return checkpoints.signed(told, key=settings.DECISION_SIGNING_KEY)


def statement_in(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What was signed, if one of DECISION_PUBLIC_KEYS believes it."""
    if told is None or not checkpoints.is_signed(told, trusted=settings.DECISION_PUBLIC_KEYS):
        return None
    statement: dict[str, Any] = told["statement"]
    return statement


def began() -> HistoryEntry | None:
    """The entry of the upgrade from which on only what is signed counts; None where nothing stood then."""
    return HistoryEntry.objects.about(Company(pk=0)).filter(event="signatures.began").first()
