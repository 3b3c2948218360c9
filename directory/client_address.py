"""Where a request comes from, as far as that can be believed."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The caller's IP address, behind as many proxies as TRUSTED_PROXIES says; None when unknown.

    Each proxy appends whom it saw, and whatever stands further left the caller may have made up.
    """
    seen = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    trusted = settings.TRUSTED_PROXIES
    forwarded = seen[-trusted] if 0 < trusted <= len(seen) else ""
    return _valid(forwarded) or _valid(request.META.get("REMOTE_ADDR", ""))


def limited_address(request: HttpRequest) -> str | None:
    """The same for counting: of IPv6 the network, since a caller has the whole of it to choose from."""
    address = client_address(request)
    if address is None or ":" not in address:
        return address
    return str(ipaddress.IPv6Network(f"{address}/64", strict=False).network_address)


def _valid(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
