"""The settings without which a connection can't speak to one Spectrum company.

Whatever is not public about a site is a setting here (docs/spectrum.md, section 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, urlsplit

from erp_integrations.adapters.base import ReplyRule
from erp_integrations.adapters.spectrum.characters import NonAscii


class RetentionRule(StrEnum):
    """A line's retention; the names are those of the stored setting."""

    RETAINAGE = "retainage"
    ALWAYS = "always"
    NEVER = "never"
    BLANK = "blank"


class Authentication(StrEnum):
    """The header Authorization of one kind of request."""

    BY_SITE = "by_site"
    BASIC = "basic"
    BEARER = "bearer"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """How a hosted site knows us. ``previous_secret`` is kept until the new one was used once."""

    client_id: str
    secret: str = field(repr=False)
    token_url: str
    rotation_url: str
    previous_secret: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The newest first."""
        return (self.secret, self.previous_secret) if self.previous_secret else (self.secret,)


@dataclass(frozen=True, slots=True)
class SpectrumSettings:
    """One Spectrum company on one server.

    ``base_url`` is scheme, host and port; ``wsdl_path`` and ``service_path`` hold the place of the
    method's name, ``vendors_path`` that of the company's code. ``wsdls`` are the site's own service
    descriptions, by method, as ``fetch_wsdls`` gave them: nothing is fetched at the moment of
    sending. ``guid`` may be blank where the site allows it; ``oauth`` is set for hosted sites only.
    ``written`` is what a successful write answers: not public, so it is here.
    ``fixed_price_units`` are the units of measure, in upper case, of which Spectrum keeps the amount alone.
    ``retention_rule`` says what a line's Retention_Flag is, ``status_codes`` what a commitment's status is
    called in Spectrum once that has it; blank: it is not known.
    ``unit_price_codes`` are the price methods of jobs and phases that mean unit price, and
    ``job_price_codes`` those of phases that mean the job's, in upper case.
    ``erp_id_prefixes`` (by kind of commitment) and ``last_characters`` make the proposed ERP ID.
    ``notes_topic`` is where the approver's note goes in Spectrum; blank: it is not sent.
    ``mapped`` names elements that the site spells otherwise: method, our name, its own.
    By the site, SOAP has a hosted site's token or nothing, and REST that token or Basic. A reply under one
    of ``error_statuses`` is read as one under 200 is. ``any_ending`` stands for any end of a value where
    less of a list is asked for; blank: less is never asked for.
    ``phase_estimate_field`` and ``phase_to_date_field`` are where a phase has its dollars; blank: nowhere.
    ``require_https`` refuses plain http, whatever ``base_url`` says.
    Times are seconds; ``read_timeout`` is the longest silence that is waited for. ``ca_file`` names
    a file of certificate authorities that are trusted besides the usual ones. ``info_link`` is
    the SQLAlchemy URL of the site's read-only database; blank where there is none.

    Raises ValueError for a ``base_url`` that is no plain http or https address.
    """

    base_url: str
    company_code: str
    authorization_id: str = field(repr=False)
    guid: str = field(default="", repr=False)
    oauth: OAuthClient | None = None
    wsdls: Mapping[str, str] = field(default_factory=dict, repr=False)
    wsdl_path: str = "/wsdls/{method}.jws"
    service_path: str = "/ws/{method}"
    vendors_path: str = "/vendors/{company_code}"
    written: ReplyRule = field(default_factory=ReplyRule)
    non_ascii: NonAscii = NonAscii.TRANSLITERATE
    fixed_price_units: frozenset[str] = frozenset({"LS"})
    retention_rule: RetentionRule = RetentionRule.RETAINAGE
    status_codes: Mapping[str, str] = field(default_factory=dict)
    unit_price_codes: frozenset[str] = frozenset()
    job_price_codes: frozenset[str] = frozenset()
    erp_id_prefixes: Mapping[str, str] = field(default_factory=dict)
    last_characters: bool = False
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    require_https: bool = False
    ca_file: str = ""
    mapped: tuple[tuple[str, str, str], ...] = ()
    soap_authentication: Authentication = Authentication.BY_SITE
    rest_authentication: Authentication = Authentication.BY_SITE
    token_for_descriptions: bool = True
    error_statuses: frozenset[int] = frozenset()
    any_ending: str = "*"
    phase_estimate_field: str = "Estimated_Dollars"
    phase_to_date_field: str = "JTD_Dollars"
    notes_topic: str = ""
    info_link: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse an address that could carry a password or lead somewhere else."""
        address = urlsplit(self.base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("the address of Spectrum's server is not an http or https address")
        if address.username or address.password or address.query or address.fragment:
            raise ValueError("the address of Spectrum's server may hold only scheme, host, port and path")

    def build_wsdl_url(self, method: str) -> str:
        """Where the site describes a service."""
        return self.base_url.rstrip("/") + self.wsdl_path.format(method=method)

    def build_service_url(self, method: str) -> str:
        """Where a service is called, whatever address its description names."""
        return self.base_url.rstrip("/") + self.service_path.format(method=method)

    @property
    def vendors_url(self) -> str:
        """Where the company's vendors are listed."""
        code = quote(self.company_code, safe="")
        return self.base_url.rstrip("/") + self.vendors_path.format(company_code=code)

    @property
    def longest_call(self) -> float:
        """The longest that one call may last, in seconds, however slowly the server answers."""
        return self.connect_timeout + self.read_timeout
