"""Settings that would break a promise of the product in production: ``manage.py check --deploy``."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

# What stands in the repository, and so protects nothing.
PUBLISHED = ("development-only", "ZGV2ZWxvcG1lbnQtb25seS1", "sXs5ZJ94Gf4kQBo7+o7fAjCgU/ecNUmCXR16PboQmEg=")
STRICT = ("default-src", "base-uri", "object-src", "frame-ancestors")
LOOSE = ("'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "https:", "http:")


@register(Tags.security, deploy=True)
def check_environment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Development has published secrets, and cookies that travel in the clear."""
    if not settings.DEVELOPMENT:
        return []
    return [Error("ENVIRONMENT is development.", hint="Set ENVIRONMENT=production.", id="config.E001")]


@register(Tags.security, deploy=True)
def check_secrets(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A published key encrypts and signs for everybody; two uses of one key weaken both."""
    keys = {
        "SECRET_KEY": [settings.SECRET_KEY],
        "FIELD_ENCRYPTION_KEYS": settings.FIELD_ENCRYPTION_KEYS,
        "HISTORY_SIGNING_KEY": [settings.HISTORY_SIGNING_KEY],
        "DECISION_SIGNING_KEY": [settings.DECISION_SIGNING_KEY],
        "DECISION_PUBLIC_KEYS": settings.DECISION_PUBLIC_KEYS,
    }
    errors: list[CheckMessage] = [
        Error(f"{name} is one of those in the repository.", hint="Make a new one.", id="config.E002")
        for name, values in keys.items()
        if any(value.startswith(PUBLISHED) for value in values)
    ]
    every = [value for values in keys.values() for value in values]
    if len(set(every)) < len(every):
        errors.append(Error(f"One key stands twice among {', '.join(keys)}.", id="config.E003"))
    return errors


@register(Tags.security, deploy=True)
def check_public_addresses(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Links in mails begin with PUBLIC_URL; a wildcard would let a stranger's host name through."""
    errors: list[CheckMessage] = []
    if not settings.PUBLIC_URL.startswith("https://"):
        errors.append(Error("PUBLIC_URL must be an https address.", id="config.E004"))
    if loose := [host for host in settings.ALLOWED_HOSTS if host == "*" or host.startswith(".")]:
        errors.append(
            Error(
                f"ALLOWED_HOSTS lets {', '.join(loose)} through.",
                hint="Name each host: a reset link could else be made for a host of a stranger.",
                id="config.E005",
            )
        )
    if not all(origin.startswith("https://") for origin in settings.CSRF_TRUSTED_ORIGINS):
        errors.append(Error("CSRF_TRUSTED_ORIGINS must be https addresses.", id="config.E006"))
    return errors


@register(Tags.security, deploy=True)
def check_content_security_policy(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """The policy that makes an injected script or style do nothing."""
    directives: dict[str, Any] = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    lacking = [name for name in STRICT if name not in directives]
    loose = [
        f"{name} {value}"
        for name, values in directives.items()
        if not isinstance(values, bool)
        for value in values
        if value in LOOSE
    ]
    if settings.CONTENT_SECURITY_POLICY.get("EXCLUDE_URL_PREFIXES"):
        loose.append("EXCLUDE_URL_PREFIXES")
    if not lacking and not loose:
        return []
    complaint = [f"it lacks {', '.join(lacking)}"] if lacking else []
    complaint += [f"it has {', '.join(loose)}"] if loose else []
    return [Error(f"The Content-Security-Policy is loose: {' and '.join(complaint)}.", id="config.E007")]


@register(Tags.security, deploy=True)
def check_celery_serializers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever can write to the broker must not be able to run code in a worker."""
    accepted = {*settings.CELERY_ACCEPT_CONTENT, *settings.CELERY_RESULT_ACCEPT_CONTENT}
    written = {settings.CELERY_TASK_SERIALIZER, settings.CELERY_RESULT_SERIALIZER}
    if accepted | written == {"json"}:
        return []
    return [Error("Celery must write and accept JSON and nothing else.", id="config.E008")]


@register(Tags.security, deploy=True)
def check_server_connections(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Passwords, mails and money travel on them. On the machine itself nobody listens."""
    warnings: list[CheckMessage] = []
    database = settings.DATABASES["default"]
    secure = {"require", "verify-ca", "verify-full"}
    if is_remote_host(database.get("HOST")) and database.get("OPTIONS", {}).get("sslmode") not in secure:
        warnings.append(
            checks.Warning(
                "The database is on another machine, and DATABASE_URL does not ask for TLS.",
                hint="Add ?sslmode=verify-full (or require).",
                id="config.W001",
            )
        )
    # Set by the address of the mail server, which the type checker reads without.
    is_mail_encrypted = any(getattr(settings, name) for name in ("EMAIL_USE_TLS", "EMAIL_USE_SSL"))
    if is_remote_host(settings.EMAIL_HOST) and not is_mail_encrypted:
        warnings.append(
            checks.Warning(
                "Mail goes to another machine without TLS.", hint="Use smtp+tls://", id="config.W002"
            )
        )
    broker = urlsplit(settings.CELERY_BROKER_URL)
    if is_remote_host(broker.hostname) and not (broker.password and broker.scheme == "rediss"):
        warnings.append(
            Error(
                "The broker is on another machine, and REDIS_URL has no password or no TLS.",
                hint="Use rediss://:password@host. Whoever reaches the broker can have workers run any task.",
                id="config.E009",
            )
        )
    return warnings


@register(Tags.security, deploy=True)
def check_trusted_proxies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Behind a proxy everybody has the proxy's address, unless the proxy is believed."""
    is_behind_a_proxy = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if not is_behind_a_proxy or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "BEHIND_TLS_PROXY is set and TRUSTED_PROXIES is 0.",
            hint="The lockout would count all callers as one: say how many proxies stand in front.",
            id="config.W004",
        )
    ]


@register(Tags.security, deploy=True)
def check_limits(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without them one person can take the machine away from everybody."""
    warnings: list[CheckMessage] = []
    if not settings.COSTLY_PAGES_PER_MINUTE:
        warnings.append(checks.Warning("COSTLY_PAGES_PER_MINUTE is 0: no limit.", id="config.W005"))
    if not settings.APPROVERS_REVIEW_DAYS > 0:
        warnings.append(
            checks.Warning("APPROVERS_REVIEW_DAYS must be more than 0 to count a review.", id="config.W006")
        )
    return warnings


@register(Tags.security, deploy=True)
def check_operator_email(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A single superuser, or a company with one administrator, could else change no rights at all."""
    if "@" in settings.OPERATOR_EMAIL:
        return []
    return [
        checks.Warning(
            "OPERATOR_EMAIL is no address: what only the operator could be told of is refused.",
            hint="Set it to a mailbox that somebody reads who is no administrator of Ledgergate.",
            id="config.W007",
        )
    ]


def is_remote_host(host: str | None) -> bool:
    """A name or address leads off this machine; a socket's folder does not."""
    if not host or host.startswith("/") or host == "localhost":
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True
