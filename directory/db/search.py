"""How lists are searched: by a stored column of each row, which holds its words, and a GIN index over it.

Each word stands behind the number of its owner, a company or a project: what all others have by the million
is never read. Two functions of the database (migration 0011) say what a word is, and what a typed one finds.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db import connection
from django.db.models import BigIntegerField, Func, GeneratedField, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import PostgresOperatorLookup


@SearchVectorField.register_lookup
class HasWords(PostgresOperatorLookup):
    """The row has the words that the database made of the typed ones."""

    lookup_name = "words"
    postgres_operator = "@@"
    prepare_rhs = False


def build_search_column(owner: str, *names: str) -> GeneratedField:
    """The words of the row's columns of these names, behind the number of its owner."""
    words = Func(owner, *names, function="search_words")
    return GeneratedField(expression=words, output_field=SearchVectorField(), db_persist=True)


NO_COMPANY = 0
# Of a history entry, in its index alone: its row is sealed.
HISTORY_WORDS = Func(
    Coalesce("company_id", NO_COMPANY),
    Func("detail", function="search_detail"),
    function="search_words",
    output_field=SearchVectorField(),
)


def build_word_filter(owners: Sequence[int], typed: str) -> Q:
    """Whose column ``search`` has, behind one of these numbers, words that begin with all of the typed."""
    numbers = Value(list(owners), ArrayField(BigIntegerField()))
    query = Func(numbers, Value(typed), function="search_query", output_field=SearchQueryField())
    return Q(search__words=query)


def build_words_filter(
    search: str, *, owner: int, belongs_to: str, others: QuerySet[Any], names: Sequence[str]
) -> Q:
    """Of what is found each word begins one of its own, or is somewhere in a name of what it belongs to.

    ``others`` are all that it may belong to, which are few. One query where there are words.
    """
    found, words = Q(), search.lower().split()
    if not words:
        return found
    named = Q(*((f"{name}__icontains", word) for name in names for word in words), _connector=Q.OR)
    texts = {pk: " ".join(parts).lower() for pk, *parts in others.filter(named).values_list("pk", *names)}
    for word in words:
        # Numbers, no subquery: so that both conditions are answered by an index.
        keys = [pk for pk, text in texts.items() if word in text]
        found &= build_word_filter([owner], word) | Q(**{f"{belongs_to}__in": keys})
    return found


def list_few(rows: QuerySet[Any], *, most: int) -> list[int] | None:
    """The keys of what is found by its words; None where there are more."""
    sql, parameters = rows.order_by().values("pk").query.sql_with_params()
    # By the index of the words in any case: PostgreSQL would expect to meet so many soon without it.
    few = f"WITH found AS MATERIALIZED ({sql}) SELECT * FROM found LIMIT %s"  # nosec B608  # written by Django
    with connection.cursor() as cursor:
        cursor.execute(few, [*parameters, most + 1])
        keys = [key for (key,) in cursor.fetchall()]
    return keys if len(keys) <= most else None
