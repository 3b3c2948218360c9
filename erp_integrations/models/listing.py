"""Shared by lists of every kind: how far they are counted, and how words narrow them down."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Q, QuerySet, Value

from directory.models import Company

Counting = Callable[[Company], dict[str, str]]
Rows = TypeVar("Rows", bound=QuerySet[Any, Any])

MAX_COUNT = 100  # nobody reads a larger number, and counting it costs
ANY_COMPANY = Company(pk=-1)
"""In whose place a statement that is kept has the one that is asked for."""


def format_count(count: int) -> str:
    """ "100+" for more."""
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


def count_by_name(list_rows: Callable[[Company], Mapping[str, QuerySet[Any]]]) -> Counting:
    """Counts what a function lists of a company, by its names. One query, which is written once: that takes
    longer than to answer it.
    """

    @cache
    def build_statement() -> tuple[list[str], str, tuple[Any, ...]]:
        rows_by_name = list_rows(ANY_COMPANY)
        parts = [
            rows.select_related(None)
            .order_by()
            .annotate(place=Value(name))
            .values_list("place", flat=True)[: MAX_COUNT + 1]
            for name, rows in rows_by_name.items()
        ]
        return [*rows_by_name], *parts[0].union(*parts[1:], all=True).query.sql_with_params()

    def count_rows(company: Company) -> dict[str, str]:
        names, statement, parameters = build_statement()
        with connection.cursor() as cursor:
            cursor.execute(statement, [company.pk if each == ANY_COMPANY.pk else each for each in parameters])
            counted = Counter(name for (name,) in cursor.fetchall())
        return {name: format_count(counted[name]) for name in names}

    return count_rows


def limit_to_words(rows: Rows, search: str, fields: Iterable[str]) -> Rows:
    """Those of which each word is somewhere in one of the fields."""
    for word in search.split():
        found = (Q(**{f"{name}__icontains": word}) for name in fields)
        rows = rows.filter(Q(*found, _connector=Q.OR))
    return rows
