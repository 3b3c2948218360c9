"""The list of a project's commitments, as its address asks for it."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict

from commitments.models import Badge, Commitment, Kind
from directory.models import Project

PAGE_SIZE = 50


@dataclass(frozen=True)
class Query:
    """What the address asks for. Anything that makes no sense in it counts as not asked.

    ``before`` and ``after`` are keys: the page begins below one, or ends above the other.
    """

    kind: str = ""
    badge: str = ""
    search: str = ""
    before: int | None = None
    after: int | None = None

    @classmethod
    def of(cls, parameters: QueryDict) -> "Query":
        """Read the address."""
        kind, badge = parameters.get("kind", ""), parameters.get("badge", "")
        return cls(
            kind=kind if kind in Kind.values else "",
            badge=badge if badge in Badge.values else "",
            # PostgreSQL takes no NUL in text.
            search=parameters.get("search", "").replace("\0", "").strip()[:200],
            before=_key(parameters.get("before", "")),
            after=_key(parameters.get("after", "")),
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.kind or self.badge or self.search)

    @property
    def address(self) -> str:
        """The same, as the query of an address; without what is not asked."""
        asked = {
            "kind": self.kind,
            "badge": self.badge,
            "search": self.search,
            "before": self.before,
            "after": self.after,
        }
        return "?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True)
class Page:
    """Some commitments, newest first, and the addresses of the pages beside; empty at an end."""

    commitments: list[Commitment]
    newer: str
    older: str


def page_of(project: Project, query: Query) -> Page:
    """One page, by key: what is added meanwhile shifts nothing. One query."""
    found: QuerySet[Commitment] = _matching(project, query).select_related("contract_company")
    backwards = query.after is not None and query.before is None
    if query.before is not None:
        found = found.filter(pk__lt=query.before)
    elif query.after is not None:
        found = found.filter(pk__gt=query.after)
    rows = list(found.order_by("pk" if backwards else "-pk")[: PAGE_SIZE + 1])
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    is_newer = more if backwards else query.before is not None
    is_older = True if backwards else more
    return Page(
        rows,
        newer=_beside(query, after=rows[0].pk) if rows and is_newer else "",
        older=_beside(query, before=rows[-1].pk) if rows and is_older else "",
    )


def _matching(project: Project, query: Query) -> QuerySet[Commitment]:
    found = Commitment.objects.with_total().filter(project=project)
    if query.kind:
        found = found.filter(kind=query.kind)
    if query.badge:
        found = found.filter(badge=query.badge)
    if query.search:
        found = found.filter(
            Q(number__icontains=query.search)
            | Q(title__icontains=query.search)
            | Q(contract_company__name__icontains=query.search)
            | Q(erp_id__icontains=query.search)
        )
    return found


def _beside(query: Query, *, before: int | None = None, after: int | None = None) -> str:
    return replace(query, before=before, after=after).address


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
