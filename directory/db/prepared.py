"""Queries that are put into SQL once in each process: that can take ten times as long as to answer one.

``build`` makes a query's rows from stand-ins, once; each call gives the values. What its SQL depends on must
not be one of them: an empty list, None and a number are the same SQL here.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, cast

from django.db import connections, models, router, transaction
from django.db.models import Lookup, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.subqueries import InsertQuery, UpdateQuery

from directory.db.plans import KeptStatement

Row = TypeVar("Row")


class Parameter(Value):
    """Where a call's value goes."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class AnyOf(Lookup[bool]):
    """The left is one of a list of values."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        (left, first), (right, second) = (
            self.process_lhs(compiler, connection),
            self.process_rhs(compiler, connection),
        )
        return f"{left} = ANY ({right})", [*first, *second]


def build_parameters(build: Callable[..., Any]) -> Iterator[Parameter]:
    return map(Parameter, inspect.signature(build).parameters)


def build_statement(sql: str, parameters: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    places = (place for place, each in enumerate(parameters) if isinstance(each, Parameter))
    return KeptStatement(sql, places), parameters


def build_values(parameters: Iterable[Any], values: Mapping[str, object]) -> tuple[Any, ...]:
    return tuple(values[each.value] if isinstance(each, Parameter) else each for each in parameters)


class PreparedQuery(Generic[Row]):
    """Rows as ``build`` asks for them. The names of its parameters are those of a call's values."""

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self._build = build

    @cached_property
    def _prepared(self) -> tuple[QuerySet[Any, Row], SQLCompiler, str, Sequence[Any]]:
        rows = self._build(*build_parameters(self._build))
        compiler = rows.query.get_compiler(rows.db)
        return rows, compiler, *build_statement(*compiler.as_sql())

    def __call__(self, **values: object) -> list[Row]:
        """One query. What locks needs a transaction."""
        rows, compiler, statement, parameters = self._prepared
        compiler, query = copy(compiler), copy(rows.query)
        connection = compiler.connection = connections[rows.db]
        if query.select_for_update and connection.get_autocommit():
            raise transaction.TransactionManagementError("A lock needs a transaction.")
        given = build_values(parameters, values)
        compiler.as_sql = lambda *_, **__: (statement, given)  # type: ignore[method-assign]
        query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        asked = SimpleNamespace(db=rows.db, query=query, _known_related_objects={})
        return [*cast(Any, rows)._iterable_class(asked)]


class PreparedAggregate:
    """The figures that ``build`` gives of its rows, by their names."""

    def __init__(self, build: Callable[..., tuple[QuerySet[Any, Any], Mapping[str, Any]]]) -> None:
        self._build = build

    @cached_property
    def _prepared(self) -> tuple[str, list[str], str, Sequence[Any]]:
        rows, figures = self._build(*build_parameters(self._build))
        written: list[Any] = []

        def write(_: object, statement: str, parameters: Sequence[Any], *rest: object) -> Iterator[Any]:
            written[:] = build_statement(statement, parameters)
            raise InterruptedError  # before it is sent

        connection = connections[rows.db]
        with connection.execute_wrapper(write), suppress(InterruptedError):
            rows.aggregate(**figures)
        if connection.queries_logged:
            connection.queries_log.pop()
        return rows.db, list(figures), *written

    def __call__(self, **values: object) -> dict[str, Any]:
        database, names, statement, parameters = self._prepared
        with connections[database].cursor() as cursor:
            cursor.execute(statement, build_values(parameters, values))
            return dict(zip(names, cursor.fetchone(), strict=True))


class PreparedUpdate:
    """Changes the rows that ``build`` gives as it says; how many there were."""

    def __init__(self, build: Callable[..., tuple[QuerySet[Any], Mapping[str, object]]]) -> None:
        self._build = build

    @cached_property
    def _prepared(self) -> tuple[str, str, Sequence[Any]]:
        rows, changes = self._build(*build_parameters(self._build))
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(changes)
        return rows.db, *build_statement(*query.get_compiler(rows.db).as_sql())

    def __call__(self, **values: object) -> int:
        database, statement, parameters = self._prepared
        with connections[database].cursor() as cursor:
            cursor.execute(statement, build_values(parameters, values))
            return int(cursor.rowcount)


class PreparedInsert:
    """Stores a row as ``build`` makes it; its key, and what the database itself has set."""

    def __init__(self, build: Callable[..., models.Model]) -> None:
        self._build = build

    @cached_property
    def _prepared(self) -> tuple[str, list[str], str, Sequence[Any]]:
        row = self._build(*build_parameters(self._build))
        query: Any = InsertQuery(type(row))
        query.insert_values([each for each in row._meta.concrete_fields if not each.primary_key], [row])
        database = router.db_for_write(type(row))
        compiler = query.get_compiler(database)
        compiler.returning_fields = row._meta.db_returning_fields
        (written,) = compiler.as_sql()
        return database, [each.attname for each in compiler.returning_fields], *build_statement(*written)

    def __call__(self, **values: object) -> dict[str, Any]:
        database, names, statement, parameters = self._prepared
        with connections[database].cursor() as cursor:
            cursor.execute(statement, build_values(parameters, values))
            return dict(zip(names, cursor.fetchone(), strict=True))
