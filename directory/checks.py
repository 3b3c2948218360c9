"""System checks: what would let history be changed, or keep it from being proved."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from directory.history import checkpoints, protection


@register(Tags.security)
def check_history_signing_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A key that is none would only be noticed when a checkpoint is due."""
    try:
        checkpoints.get_own_public_key()
    except checkpoints.InvalidKey as problem:
        hint = "Make one with `manage.py history_key --new`."
        return [Error(f"HISTORY_SIGNING_KEY: {problem}", hint=hint, id="directory.E001")]
    return []


@register(Tags.security)
def check_decision_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """With a wrong key each acceptance would come back; with one that nobody believes, too."""
    hint = "Make a key with `manage.py history_key --new`: docs/history.md, Signed decisions."
    try:
        for key in settings.DECISION_PUBLIC_KEYS:
            checkpoints.parse_key(key)
    except checkpoints.InvalidKey as problem:
        return [Error(f"DECISION_PUBLIC_KEYS: {problem}", hint=hint, id="directory.E003")]
    if not settings.DECISION_SIGNING_KEY:
        return []  # a worker
    try:
        own = checkpoints.get_public_key(settings.DECISION_SIGNING_KEY)
    except checkpoints.InvalidKey as problem:
        return [Error(f"DECISION_SIGNING_KEY: {problem}", hint=hint, id="directory.E004")]
    if own in settings.DECISION_PUBLIC_KEYS:
        return []
    sentence = f"DECISION_PUBLIC_KEYS lacks the public half of DECISION_SIGNING_KEY: {own}"
    return [Error(sentence, hint=hint, id="directory.E005")]


@register(Tags.security)
def check_refused_passwords_file(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Else nobody could choose a password."""
    if not settings.REFUSED_PASSWORDS_FILE:
        return []
    try:
        with Path(settings.REFUSED_PASSWORDS_FILE).open(encoding="utf-8", errors="replace") as lines:
            lines.readline()
    except OSError as problem:
        return [Error(f"REFUSED_PASSWORDS_FILE can't be read: {problem.strerror}.", id="directory.E002")]
    return []


@register(Tags.security, deploy=True)
def check_checkpoints_dir(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without checkpoints a history that was written anew, or cut off, looks whole."""
    if settings.HISTORY_CHECKPOINTS_DIR:
        return []
    return [
        checks.Warning(
            "HISTORY_CHECKPOINTS_DIR is not set: nobody could tell a history that was written anew by the "
            "owner of the database.",
            hint="Set it to a folder, and copy what appears there to where its administrators can't write.",
            id="directory.W001",
        )
    ]


@register(Tags.database, deploy=True)
def check_history_protection(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Two roles: the application's must not own the tables, and must be able to use each.

    Asked by `check --deploy --database default`.
    """
    if "default" not in (databases or ()):
        return []
    hint = "Let an owning role migrate, and name the application's in DATABASE_URL: docs/history.md."
    if (missing := protection.check_missing_rights())[0]:
        return [Error(missing[0], hint=missing[1], id="directory.E006")]
    issues = [*protection.check_role_rights(), *protection.check_triggers()]
    return [checks.Warning(sentence, hint=hint, id="directory.W002") for sentence in issues]


@register(Tags.database, deploy=True)
def check_database_roles(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """With one role for both, signatures alone keep a worker from deciding, nothing web from answering."""
    if "default" not in (databases or ()) or not (sentence := protection.check_role_separation()):
        return []
    hint = "Make a role for web and one for the worker: docs/install.md."
    return [checks.Warning(sentence, hint=hint, id="directory.W003")]


@register(Tags.database, deploy=True)
def check_idle_limit(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A frozen process would hold its locks for ever."""
    if "default" not in (databases or ()) or not (role := protection.check_idle_limit()):
        return []
    hint = f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '30s'; and restart the pooler."
    sentence = f"Behind a pooler nobody ends the idle transactions of the role {role}."
    return [checks.Warning(sentence, hint=hint, id="directory.W004")]
