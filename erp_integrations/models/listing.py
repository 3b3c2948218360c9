"""Shared by lists of every kind: how far they are counted, and how words narrow them down."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import IntegerField, Q, QuerySet, Subquery

from directory.db.prepared import Parameter, PreparedQuery
from directory.models import Company

Counting = Callable[[Company], dict[str, str]]
Rows = TypeVar("Rows", bound=QuerySet[Any, Any])

MAX_COUNT = 100  # nobody reads a larger number, and counting it costs


def format_count(count: int) -> str:
    """ "100+" for more."""
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


class CountedRows(Subquery):
    """How many rows there are, up to one more than are counted."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field, empty_result_set_value = IntegerField(), 0

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(rows.select_related(None).order_by().values("pk")[: MAX_COUNT + 1])


def count_by_name(list_rows: Callable[[Any], Mapping[str, QuerySet[Any]]]) -> Counting:
    """Counts the rows that a function lists of a company, by their names. One query."""
    names: list[str] = []

    @PreparedQuery
    def list_prepared(company: Parameter) -> QuerySet[Company, Any]:
        rows_by_name = list_rows(company)
        names[:] = rows_by_name
        return Company.objects.filter(pk=company).values_list(*map(CountedRows, rows_by_name.values()))

    def count_rows(company: Company) -> dict[str, str]:
        (counts,) = list_prepared(company=company.pk)
        return dict(zip(names, map(format_count, counts), strict=True))

    return count_rows


def limit_to_words(rows: Rows, search: str, fields: Iterable[str]) -> Rows:
    """Those of which each word is somewhere in one of the fields."""
    for word in search.split():
        found = (Q(**{f"{name}__icontains": word}) for name in fields)
        rows = rows.filter(Q(*found, _connector=Q.OR))
    return rows
