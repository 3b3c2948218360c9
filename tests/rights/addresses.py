"""Every address of the URL configuration, Django admin's and the libraries' included."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLResolver, get_resolver
from django.urls.resolvers import RegexPattern


@dataclass(frozen=True)
class Address:
    """One pattern; ``name`` is what ``reverse`` takes, or the route where it has none.

    ``is_open`` says that ``LoginRequiredMiddleware`` lets everybody through.
    """

    name: str
    route: str
    parts: frozenset[str]
    is_open: bool


def _walk(resolver: URLResolver, namespace: str, route: str, parts: frozenset[str]) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        here = route + str(entry.pattern)
        named = set(entry.pattern.regex.groupindex) if isinstance(entry.pattern, RegexPattern) else set()
        inner = parts | set(entry.pattern.converters) | named
        if isinstance(entry, URLResolver):
            below = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, below, here, inner)
        else:
            yield Address(
                f"{namespace}{entry.name}" if entry.name else here,
                here,
                inner,
                not getattr(entry.callback, "login_required", True),
            )


def addresses() -> dict[str, Address]:
    """By name. Of two patterns of one name the first counts, as it does for a request."""
    found: dict[str, Address] = {}
    for address in _walk(get_resolver(), "", "", frozenset()):
        found.setdefault(address.name, address)
    return found
