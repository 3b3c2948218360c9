"""Where a request comes from, as far as that can be believed."""

import ipaddress
from typing import Any, Protocol

from django.conf import settings


class Request(Protocol):
    """Django's, or what the access log knows of one."""

    META: dict[str, Any]


def get_client_address(request: Request) -> str | None:
    """The caller's IP address, behind as many proxies as TRUSTED_PROXIES says; None when unknown.

    Each proxy appends whom it saw, and whatever stands further left the caller may have made up.
    """
    forwarded_chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    trusted = settings.TRUSTED_PROXIES
    forwarded = forwarded_chain[-trusted] if 0 < trusted <= len(forwarded_chain) else ""
    return parse_address(forwarded) or parse_address(request.META.get("REMOTE_ADDR", ""))


def get_rate_limit_address(request: Request) -> str | None:
    """The same for counting: of IPv6 the network, since a caller has the whole of it to choose from."""
    address = get_client_address(request)
    if address is None or ":" not in address:
        return address
    return str(ipaddress.IPv6Network(f"{address}/64", strict=False).network_address)


def parse_address(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
