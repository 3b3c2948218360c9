"""Shared by lists of every kind: how far they are counted, and how words narrow them down."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Q, QuerySet, Value

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])

MAX_COUNT = 100  # nobody reads a larger number, and counting it costs


def format_count(count: int) -> str:
    """ "100+" for more."""
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


def count_by_name(rows_by_name: Mapping[str, QuerySet[Any]]) -> dict[str, str]:
    """How many rows there are of each name. One query."""
    parts = [
        rows.select_related(None)
        .order_by()
        .annotate(place=Value(name))
        .values_list("place", flat=True)[: MAX_COUNT + 1]
        for name, rows in rows_by_name.items()
    ]
    counted = Counter(parts[0].union(*parts[1:], all=True))
    return {name: format_count(counted[name]) for name in rows_by_name}


def limit_to_words(rows: Rows, search: str, fields: Iterable[str]) -> Rows:
    """Those of which each word is somewhere in one of the fields."""
    for word in search.split():
        found = (Q(**{f"{name}__icontains": word}) for name in fields)
        rows = rows.filter(Q(*found, _connector=Q.OR))
    return rows
