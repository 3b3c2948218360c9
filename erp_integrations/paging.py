"""Pages of a list in the order of its names, which are unique in it: by key, never by offset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet

from commitments.models import ContractCompany
from directory.models import Project

PAGE_LENGTH = 50
LONGEST_NAME = 200

Named = TypeVar("Named", ContractCompany, Project)


@dataclass(frozen=True, slots=True)
class Page(Generic[Named]):
    """Some rows, and the addresses of the pages beside; empty at an end."""

    rows: list[Named]
    before_url: str
    after_url: str


def by_name(
    found: QuerySet[Named],
    *,
    parameters: Mapping[str, str],
    kept: Mapping[str, str],
    length: int = PAGE_LENGTH,
) -> Page[Named]:
    """The page that ``after`` or ``before`` of an address names; the first one where that has no rows.

    ``kept`` is what the addresses of the pages beside keep. One query, two where a bookmark is stale.
    """
    after, before = (_readable(parameters.get(name, "")) for name in ("after", "before"))
    backwards = bool(before) and not after
    behind = found
    if after:
        behind = found.filter(name__gt=after)
    elif before:
        behind = found.filter(name__lt=before)
    # One more than is shown says whether there is a next page.
    taken = list(behind.order_by("-name" if backwards else "name")[: length + 1])
    if not taken and (after or before):
        return by_name(found, parameters={}, kept=kept, length=length)
    more, rows = len(taken) > length, taken[:length]
    if backwards:
        rows.reverse()
    has_before, has_after = (more, True) if backwards else (bool(after), more)
    return Page(
        rows,
        before_url=_address(kept, before=rows[0].name) if rows and has_before else "",
        after_url=_address(kept, after=rows[-1].name) if rows and has_after else "",
    )


def _address(kept: Mapping[str, str], **cursor: str) -> str:
    return "?" + urlencode({**kept, **cursor})


def _readable(text: str) -> str:
    # PostgreSQL takes no NUL in text.
    return text.replace("\0", "")[:LONGEST_NAME]
