"""Queries that are put into SQL once in each process: that can take ten times as long as to answer one.

``build`` makes a query's rows from stand-ins, once; each call gives the values. What its SQL depends on must
not be one of them: an empty list, None and a number are the same SQL here.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import copy
from functools import cache, cached_property, lru_cache
from itertools import chain
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, router, transaction
from django.db.models import Lookup, QuerySet, Value
from django.db.models.base import ModelState
from django.db.models.constants import OnConflict
from django.db.models.expressions import DatabaseDefault
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.subqueries import InsertQuery, UpdateQuery

from directory.db.plans import JoinedStatements, KeptStatement

Row = TypeVar("Row")
_waiting: ContextVar[list[tuple[Any, Sequence[Any]]] | None] = ContextVar("waiting", default=None)


@contextmanager
def write_together() -> Iterator[None]:
    """Within, ``save_columns`` and ``store_rows`` wait for the next ``store_row`` or ``PreparedUpdate``, or
    the end, and go with it: the way to PostgreSQL takes longer than what most of them do. For rows under
    lock, which are there. Until then no query sees them. Not within another, whose writes would come last.
    """
    assert _waiting.get() is None
    token = _waiting.set([])
    try:
        yield
        if _waiting.get():
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(*build_batch())
    finally:
        _waiting.reset(token)


def build_batch(*last: tuple[Any, Sequence[Any]]) -> tuple[Any, Sequence[Any]]:
    waiting = _waiting.get() or []
    parts = [*waiting, *last]
    waiting.clear()
    joined = JoinedStatements("; ".join(statement for statement, _ in parts))
    joined.parts = parts
    return joined, [*chain.from_iterable(values for _, values in parts)]


def write(database: str, statement: str, values: Sequence[Any]) -> int:
    """How many rows it changed; one where it waits."""
    if (waiting := _waiting.get()) is not None:
        waiting.append((statement, values))
        return 1
    with connections[database].cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


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


def build_parameters(build: Callable[..., Any], names: Iterable[str] = ()) -> Iterator[Parameter]:
    return map(Parameter, names or inspect.signature(build).parameters)


def build_statement(sql: str, parameters: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    places = (place for place, each in enumerate(parameters) if isinstance(each, Parameter))
    return KeptStatement(sql, places), parameters


def build_values(parameters: Iterable[Any], values: Mapping[str, object]) -> tuple[Any, ...]:
    return tuple(values[each.value] if isinstance(each, Parameter) else each for each in parameters)


class Objects:
    """Makes objects of a query's rows, with what it joins, as Django does but for its signals: that takes a
    third of the time.
    """

    def __init__(
        self, info: Mapping[str, Any], select: Sequence[Any], annotations: Mapping[str, int] = {}
    ) -> None:
        columns = info["select_fields"]
        self._model, self._part = info["model"], slice(columns[0], columns[-1] + 1)
        self._names = [column.target.attname for column, *_ in select[self._part]]
        self._key = columns[0] + self._names.index(self._model._meta.pk.attname)
        joined = info.get("related_klass_infos", ())
        self._joined = [
            (Objects(each, select), each["local_setter"], each["remote_setter"]) for each in joined
        ]
        self._annotations = annotations

    def build(self, row: Sequence[Any], database: str) -> Any:
        if row[self._key] is None:
            return None
        made = self._model.__new__(self._model)
        vars(made).update(zip(self._names, row[self._part], strict=True))
        made._state = ModelState()
        made._state.adding, made._state.db = False, database
        for objects, set_here, set_there in self._joined:
            other = objects.build(row, database)
            set_here(made, other)
            if other is not None:
                set_there(other, made)
        for name, column in self._annotations.items():
            setattr(made, name, row[column])
        return made


class PreparedQuery(Generic[Row]):
    """Rows as ``build`` asks for them. The names of its parameters are those of a call's values."""

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self._build = build

    @cached_property
    def _prepared(self) -> tuple[QuerySet[Any, Row], SQLCompiler, Any, str, Sequence[Any]]:
        rows = self._build(*build_parameters(self._build))
        compiler: Any = rows.query.get_compiler(rows.db)
        statement = build_statement(*compiler.as_sql())
        converters = compiler.get_converters([expression for expression, *_ in compiler.select])
        compiler.get_converters = lambda *_: converters
        return rows, compiler, converters, *statement

    def __call__(self, **values: object) -> list[Row]:
        """One query. What locks needs a transaction."""
        rows, compiler, converters, statement, parameters = self._prepared
        connection, given = connections[rows.db], build_values(parameters, values)
        if rows.query.select_for_update and connection.get_autocommit():
            raise transaction.TransactionManagementError("A lock needs a transaction.")
        if objects := self._objects:
            with connection.cursor() as cursor:
                cursor.execute(statement, given)
                found = cursor.fetchall()
            found = compiler.apply_converters(found, converters) if converters else found
            return [objects.build(row, rows.db) for row in found]
        compiler, query = copy(compiler), copy(rows.query)
        compiler.connection = connection
        compiler.as_sql = lambda *_, **__: (statement, given)  # type: ignore[method-assign]
        query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        asked = SimpleNamespace(db=rows.db, query=query, _known_related_objects={})
        return [*cast(Any, rows)._iterable_class(asked)]

    @cached_property
    def _objects(self) -> Objects | None:
        rows, compiler, *_ = self._prepared
        if cast(Any, rows)._iterable_class is not ModelIterable:
            return None
        return Objects(compiler.klass_info, compiler.select, compiler.annotation_col_map)


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
    """Changes the rows that ``build`` gives as it says; how many there were. ``names`` are those of a call's
    values where the parameters of ``build`` have none.
    """

    def __init__(self, build: Callable[..., tuple[QuerySet[Any], Mapping[str, object]]], *names: str) -> None:
        self._build, self._names = build, names

    @cached_property
    def _prepared(self) -> tuple[str, str, Sequence[Any]]:
        rows, changes = self._build(*build_parameters(self._build, self._names))
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(changes)
        return rows.db, *build_statement(*query.get_compiler(rows.db).as_sql())

    def __call__(self, **values: object) -> int:
        database, statement, given = self.build(**values)
        with connections[database].cursor() as cursor:
            cursor.execute(*build_batch((statement, given)))
            return int(cursor.rowcount)

    def build(self, **values: object) -> tuple[str, str, Sequence[Any]]:
        database, statement, parameters = self._prepared
        return database, statement, build_values(parameters, values)


class PreparedSteps:
    """Changes and a new row of ``model`` with these columns in one statement, a transaction by itself.

    ``locked`` is done first. Where it finds no row, nothing is done.
    """

    def __init__(self, locked: Any, *changes: Any, model: type[models.Model], names: Sequence[str]) -> None:
        self._steps, self._model, self._names = (locked, *changes), model, names

    @cached_property
    def _prepared(self) -> tuple[str, list[str], str, Sequence[Sequence[Any]]]:
        database = router.db_for_write(self._model)
        with transaction.atomic(database):  # as what locks is put into SQL in a transaction alone
            (*_, select, own), *changes = (step._prepared for step in self._steps)
        parts, parameters = [f"WITH locked AS ({select})"], [own]
        for number, (_, update, own) in enumerate(changes):
            update += " AND EXISTS (SELECT FROM locked)"
            parts.append(f"change_{number} AS ({update})")
            parameters.append(own)
        query, row = InsertQuery(self._model), self._model(**{name: Parameter(name) for name in self._names})
        fields: list[Any] = [row._meta.get_field(name) for name in self._names]
        query.insert_values(fields, [row])
        compiler: Any = query.get_compiler(database)
        compiler.returning_fields = row._meta.db_returning_fields
        ((insert, own),) = compiler.as_sql()
        into, values = insert.split(" VALUES (")
        values, returned = values.split(") RETURNING")
        into = f" {into} SELECT {values} WHERE EXISTS (SELECT FROM locked) RETURNING{returned}"  # nosec B608
        statement, _ = build_statement(", ".join(parts) + into, [*chain(*parameters, own)])
        names = [each.attname for each in compiler.returning_fields]
        return database, names, statement, [*parameters, own]

    def __call__(self, row: models.Model, *values: Mapping[str, object]) -> bool:
        """Store the row, with the values of each step; whether it was done."""
        database, names, statement, parameters = self._prepared
        given = [*chain(*map(build_values, parameters, [*values, vars(row)]))]
        try:
            with connections[database].cursor() as cursor:
                cursor.execute(statement, given)
                stored = cursor.fetchone()
        except Exception:
            connections[database].close_if_unusable_or_obsolete()  # as a transaction does when it ends
            raise
        if stored:
            vars(row).update(zip(names, stored, strict=True))
            row._state.adding, row._state.db = False, database
        return bool(stored)


@cache
def build_save(model: type[models.Model], names: tuple[str, ...]) -> PreparedUpdate:
    def build(pk: Parameter, *values: Parameter) -> tuple[QuerySet[Any], dict[str, object]]:
        return model._base_manager.filter(pk=pk), dict(zip(names, values, strict=True))

    return PreparedUpdate(build, "pk", *names)


def save_columns(row: models.Model, *names: str) -> None:
    """As ``save`` of these alone. No signal is sent, and no value is an expression."""
    fields: list[Any] = [row._meta.get_field(name) for name in names]
    database = connections[router.db_for_write(type(row))]
    values = {each.name: each.get_db_prep_save(getattr(row, each.attname), database) for each in fields}
    if not write(*build_save(type(row), names).build(pk=row.pk, **values)):
        raise DatabaseError(f"There is no {row._meta.label} {row.pk}.")


@lru_cache(maxsize=100)  # an expression may hold a value
def build_store(
    model: type[models.Model], names: tuple[str, ...], expressions: tuple[tuple[str, Any], ...], key: str
) -> tuple[list[str], str, Sequence[Any]]:
    row = model(**{name: Parameter(name) for name in names}, **dict(expressions))
    fields: list[Any] = [each for each in row._meta.concrete_fields if not each.primary_key]
    query: Any = InsertQuery(model)
    if key:
        query.on_conflict, query.unique_fields = OnConflict.UPDATE, [row._meta.get_field(key)]
        query.update_fields = [each for each in fields if each.name != key]
    query.insert_values(fields, [row])
    compiler = query.get_compiler(router.db_for_write(model))
    compiler.returning_fields = [each for each in row._meta.db_returning_fields if each.attname not in names]
    (written,) = compiler.as_sql()
    return [each.attname for each in compiler.returning_fields], *build_statement(*written)


def store_row(row: models.Model, key: str = "") -> None:
    """As ``save`` of a new row, which has its key then, and what the database itself has set. No signal is
    sent. Where one is there with the same ``key``, that becomes as this one.
    """
    database, values, expressions = router.db_for_write(type(row)), {}, {}
    connection = connections[database]
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if not hasattr(value, "resolve_expression"):
            values[field.attname] = field.get_db_prep_save(value, connection)
        elif not isinstance(value, DatabaseDefault):
            expressions[field.attname] = value
    values.pop(row._meta.pk.attname, None)
    names, statement, parameters = build_store(type(row), (*values,), (*expressions.items(),), key)
    with connection.cursor() as cursor:
        cursor.execute(*build_batch((statement, build_values(parameters, values))))
        vars(row).update(zip(names, cursor.fetchone(), strict=True))
    row._state.adding, row._state.db = False, database


@cache
def build_store_all(model: type[models.Model]) -> tuple[list[Any], str]:
    database = connections[router.db_for_write(model)]
    fields: list[Any] = [
        each
        for each in model._meta.concrete_fields
        if not each.primary_key and (each.has_default() or not each.has_db_default())
    ]
    names = ", ".join(database.ops.quote_name(each.column) for each in fields)
    columns = ", ".join(f"%s::{each.db_type(database).partition('(')[0]}[]" for each in fields)
    table = database.ops.quote_name(model._meta.db_table)
    sql = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({columns})"  # nosec B608  # of names alone
    return fields, KeptStatement(sql, range(len(fields)))


def store_rows(rows: Sequence[models.Model]) -> None:
    """New rows of one model at once, which don't get what the database sets. No value is an expression."""
    fields, statement = build_store_all(type(rows[0]))
    database = router.db_for_write(type(rows[0]))
    connection = connections[database]
    columns = (
        [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows] for field in fields
    )
    write(database, statement, [*columns])
