"""Which addresses are never connected to, whatever name led to them.

Spectrum stands on the company's own premises, so private networks are fine. Looked at for each
connection, after the name was resolved: a name that leads elsewhere tomorrow leads nowhere.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Where clouds keep the credentials of a machine outside of the link-local networks.
_METADATA = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
_TRANSLATED = ip_network("64:ff9b::/96")


class ForbiddenAddressError(ValueError):
    """A name leads to an address that is never connected to. Its text names the address and the kind."""


@lru_cache(maxsize=1000)
def get_forbidden_kind(address: str) -> str:
    """The kind of an address that is never connected to; blank if it may be.

    Raises ValueError for a text that is no address.
    """
    found = _get_effective_address(ip_address(address))
    if found in _METADATA:
        return "a cloud's metadata service"
    if found.is_unspecified or found in ip_network("0.0.0.0/8"):
        return "unspecified"
    if found.is_link_local:
        return "link-local"
    if found.is_multicast:
        return "multicast"
    if isinstance(found, IPv4Address) and found.is_reserved:
        return "reserved"
    return ""


def require_allowed(address: str) -> None:
    """Raise ForbiddenAddressError for an address that is never connected to."""
    if kind := get_forbidden_kind(address):
        raise ForbiddenAddressError(f"{address} ({kind})")


def _get_effective_address(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else address
