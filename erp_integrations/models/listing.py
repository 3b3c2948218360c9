"""Shared by lists of every kind: how far they are counted, and how words narrow them down."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Q, QuerySet, Value

from directory.db.prepared import Parameter, PreparedQuery
from directory.models import Company

Counting = Callable[[Company], dict[str, str]]
Rows = TypeVar("Rows", bound=QuerySet[Any, Any])

MAX_COUNT = 100  # nobody reads a larger number, and counting it costs


def format_count(count: int) -> str:
    """ "100+" for more."""
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


def list_names(rows_by_name: Mapping[str, QuerySet[Any]]) -> QuerySet[Any, str]:
    """Of each row the name under which it was found, of so many as are counted."""
    parts: list[QuerySet[Any, str]] = [
        rows.select_related(None)
        .order_by()
        .annotate(place=Value(name))
        .values_list("place", flat=True)[: MAX_COUNT + 1]
        for name, rows in rows_by_name.items()
    ]
    return parts[0].union(*parts[1:], all=True)


def count_by_name(list_rows: Callable[[Any], Mapping[str, QuerySet[Any]]]) -> Counting:
    """Counts the rows that a function lists of a company, by their names. One query."""
    names: list[str] = []

    @PreparedQuery
    def list_prepared(company: Parameter) -> QuerySet[Any, str]:
        rows_by_name = list_rows(company)
        names[:] = rows_by_name
        return list_names(rows_by_name)

    def count_rows(company: Company) -> dict[str, str]:
        counted = Counter(list_prepared(company=company.pk))
        return {name: format_count(counted[name]) for name in names}

    return count_rows


def limit_to_words(rows: Rows, search: str, fields: Iterable[str]) -> Rows:
    """Those of which each word is somewhere in one of the fields."""
    for word in search.split():
        found = (Q(**{f"{name}__icontains": word}) for name in fields)
        rows = rows.filter(Q(*found, _connector=Q.OR))
    return rows
