"""How a connection shows who it is; the one place that knows, for every kind of request.

Source: "Authentication" in section 1 of ``docs/spectrum.md``.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from erp_integrations.adapters.spectrum.settings import SpectrumSettings


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is added to one request at the last moment, and is in no record.

    ``secrets`` are the texts that must be removed from whatever comes back.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    elements: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def for_soap(settings: SpectrumSettings) -> Credentials:
    """SOAP services read the first two elements of the body."""
    elements = {"Authorization_ID": settings.authorization_id, "GUID": settings.guid}
    return Credentials(elements=elements, secrets=tuple(elements.values()))


def for_rest(settings: SpectrumSettings) -> Credentials:
    """REST services want Basic, with the company as the user and the Authorization_ID as the password."""
    pair = f"{settings.company_code}:{settings.authorization_id}"
    token = b64encode(pair.encode()).decode()
    return Credentials(
        headers={"Authorization": f"Basic {token}", "Accept": "application/json"},
        secrets=(settings.authorization_id, token),
    )
