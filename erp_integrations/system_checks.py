"""System checks: settings that would break a promise are refused at start."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from erp_integrations.adapters.addresses import get_forbidden_kind

DEFAULT_PORTS = {"http": 80, "https": 443}


@register()
def check_lease_length(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """A lease shorter than one call would let a second worker in while the first still writes."""
    longest_call = settings.WIRE_CONNECT_TIMEOUT + settings.WIRE_READ_TIMEOUT
    if longest_call >= settings.EXPORT_LEASE_SECONDS:
        yield Error(
            f"EXPORT_LEASE_SECONDS must be longer than {longest_call:g}, the longest that one call may take.",
            hint="Raise EXPORT_LEASE_SECONDS or lower WIRE_READ_TIMEOUT.",
            id="erp_integrations.E001",
        )


@register()
def check_quiet_period(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """An absence that is believed too early doubles an export whose commit came late."""
    shortest = settings.WIRE_CONNECT_TIMEOUT + settings.WIRE_READ_TIMEOUT + settings.READ_BACK_LAG_SECONDS
    if shortest > settings.QUIET_PERIOD_SECONDS:
        yield Error(
            f"QUIET_PERIOD_SECONDS must be at least {shortest:g}: the longest that one call may take, and "
            "the lag of what is read back.",
            hint="Add the longest that a commit of Spectrum may come late; leave it out for five minutes.",
            id="erp_integrations.E010",
        )


@register(Tags.security, deploy=True)
def check_watermark_folder(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Without it a restored older database writes again what it does not know to be written."""
    if not settings.WIRE_WATERMARK_DIR:
        yield Error(
            "WIRE_WATERMARK_DIR is not set: nobody could tell that an older database was restored.",
            hint="Set it to a folder that is not restored with the database: docs/operations/restore.md.",
            id="erp_integrations.E011",
        )


@register()
def check_spectrum_servers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Each server has one https address, and no two names mean the same server."""
    name_by_server: dict[str, str] = {}
    for name, url in settings.SPECTRUM_SERVERS.items():
        yield from check_server_address("SPECTRUM_SERVERS", name, url)
        address = urlsplit(url)
        server = f"{(address.hostname or '').rstrip('.')}:{address.port or DEFAULT_PORTS.get(address.scheme)}"
        if server in name_by_server:
            yield Error(
                f"SPECTRUM_SERVERS: {name} and {name_by_server[server]} are the same server.",
                hint="Two names for one server would let two workers write to one Spectrum company.",
                id="erp_integrations.E003",
            )
        name_by_server[server] = name


@register()
def check_token_servers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """The same for the addresses that client secrets go to, each by the name of a server."""
    for name, url in settings.SPECTRUM_TOKEN_SERVERS.items():
        yield from check_server_address("SPECTRUM_TOKEN_SERVERS", name, url)
        if name not in settings.SPECTRUM_SERVERS:
            yield Error(
                f"SPECTRUM_TOKEN_SERVERS: SPECTRUM_SERVERS has no {name}.", id="erp_integrations.E008"
            )


@register()
def check_ca_files(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Without its own authority a server is not believed, and every export to it waits."""
    for name, path in settings.SPECTRUM_CA_FILES.items():
        if name not in settings.SPECTRUM_SERVERS:
            yield Error(f"SPECTRUM_CA_FILES: SPECTRUM_SERVERS has no {name}.", id="erp_integrations.E014")
        try:
            x509.load_pem_x509_certificates(Path(path).read_bytes())
        except OSError as error:
            problem = f"the file of {name}, {path}, can't be read ({error.strerror})"
            yield Error(f"SPECTRUM_CA_FILES: {problem}.", id="erp_integrations.E012")
        except ValueError:
            problem = f"the file of {name}, {path}, holds no certificate in PEM"
            yield Error(f"SPECTRUM_CA_FILES: {problem}.", id="erp_integrations.E013")


def check_server_address(setting: str, name: str, url: str) -> Iterator[CheckMessage]:
    """The faults of one address of the operator's lists."""
    address = urlsplit(url)
    if address.scheme != "https" and not (settings.DEVELOPMENT and address.scheme == "http"):
        yield Error(f"{setting}: {name} must be an https address.", id="erp_integrations.E002")
    with suppress(ValueError):  # a name; where it leads is looked at for each connection
        if kind := get_forbidden_kind(address.hostname or ""):
            yield Error(
                f"{setting}: the address of {name} is never connected to ({kind}).",
                id="erp_integrations.E007",
            )


@register()
def check_info_links(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """A name that no server has would read nothing back, and nobody would notice."""
    for name, url in settings.INFO_LINKS.items():
        if name not in settings.SPECTRUM_SERVERS:
            yield Error(f"INFO_LINKS: SPECTRUM_SERVERS has no {name}.", id="erp_integrations.E005")
        try:
            make_url(url).get_dialect().import_dbapi()
        except (ArgumentError, NoSuchModuleError, ImportError):
            # Never the address itself: it may hold a password.
            yield Error(
                f"INFO_LINKS: the address of {name} is not one that SQLAlchemy can use.",
                hint="For SQL Server: mssql+pymssql://reader:password@host/database. "
                "Write commas in a password as %2C.",
                id="erp_integrations.E006",
            )


@register()
def check_encryption_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """A key that is none would be found out only when the first secret is saved."""
    try:
        for key in settings.FIELD_ENCRYPTION_KEYS:
            Fernet(key)
    except ValueError:
        yield Error(
            "FIELD_ENCRYPTION_KEYS must be Fernet keys, comma-separated.",
            hint="Make one: python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'",
            id="erp_integrations.E004",
        )
