"""Two roles, as in production: `owner` makes and empties the test database, the tests are `app`."""

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import TransactionTestCase
from environ import Env
from hypothesis import HealthCheck, settings
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from pytest_django.plugin import DjangoDbBlocker

from tests.embedded_services import template

# A slow machine is no fault of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Filled by migrations, and never changed by a test.
KEPT = ("django_migrations", "django_content_type", "auth_permission")


def owner() -> dict[str, Any] | None:
    """The settings that differ for the owning role; None where DATABASE_URL names the only role."""
    url = os.environ.get("OWNER_DATABASE_URL")
    return {key: Env.db_url_config(url)[key] for key in ("USER", "PASSWORD")} if url else None


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """The database is created by its owner, who migrates it where it is no copy of one that is."""
    connection.settings_dict.update(owner() or {})
    connection.settings_dict["TEST"]["TEMPLATE"] = template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Generator[None]:
    """From here on the tests have the rights that the product has in production."""
    with django_db_blocker.unblock():
        connection.close()
    ours = Env.db_url_config(os.environ["DATABASE_URL"])
    connection.settings_dict.update(USER=ours["USER"], PASSWORD=ours["PASSWORD"])
    yield
    EMPTYING.close()
    with django_db_blocker.unblock():
        connection.close()
    connection.settings_dict.update(owner() or {})


def _connect_as_owner() -> psycopg2.extensions.connection:
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    if different := owner():
        parameters |= {"user": different["USER"], "password": different["PASSWORD"]}
    return psycopg2.connect(**parameters)


@contextmanager
def session_of_owner() -> Iterator[Cursor]:
    """A connection beside the test's own, as the role that history does not refuse."""
    ours = _connect_as_owner()
    try:
        with ours, ours.cursor() as cursor:
            # A test that left a transaction open fails here instead of hanging.
            cursor.execute("SET lock_timeout = '10s'")
            yield cursor
    finally:
        ours.close()


class Emptying:
    """Instead of Django's flush: history refuses TRUNCATE and DELETE, and `app` may do neither.

    One session for all tests, because a new one reads the whole catalogue before its first statement.
    """

    def __init__(self) -> None:
        self._session: psycopg2.extensions.connection | None = None
        self._tables: list[str] = []
        self._is_superuser = False

    def empty(self) -> None:
        """Delete every row that is there."""
        try:
            self._empty()
        except psycopg2.Error as error:
            if error.pgcode:
                raise
            # Without an answer: the test let the server crash, or ended every session.
            self.close()
            self._empty()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def _empty(self) -> None:
        if self._session is None or self._session.closed:
            self._begin()
        assert self._session is not None
        with self._session, self._session.cursor() as cursor:
            cursor.execute(
                sql.SQL(" UNION ALL ").join(
                    sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(
                        sql.Literal(name), sql.Identifier(name)
                    )
                    for name in self._tables
                )
            )
            if filled := [sql.Identifier(name) for (name,) in cursor.fetchall()]:
                cursor.execute(sql.SQL(";").join(self._deletion(filled)))

    def _begin(self) -> None:
        self._session = _connect_as_owner()
        with self._session, self._session.cursor() as cursor:
            # A test that left a transaction open fails here instead of hanging.
            cursor.execute("SET lock_timeout = '10s'")
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            self._is_superuser = cursor.fetchone() == (True,)
            if self._is_superuser:
                # Without triggers and foreign keys the order is free, and small deletes beat TRUNCATE.
                cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)",
                [list(KEPT)],
            )
            self._tables = [name for (name,) in cursor.fetchall()]

    def _deletion(self, tables: list[sql.Identifier]) -> Iterator[sql.Composable]:
        if self._is_superuser:
            yield from (sql.SQL("DELETE FROM {}").format(table) for table in tables)
            return
        for table in tables:
            yield sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table)
        # CASCADE reaches tables that are empty, and no others: what refers to a row is a row.
        yield sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(",").join(tables))
        for table in tables:
            yield sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table)


EMPTYING = Emptying()


def empty_the_database(test_case: TransactionTestCase) -> None:
    """In the place of the tear-down of a test that commits."""
    EMPTYING.empty()


def pytest_collection_finish() -> None:
    """What was imported stays, and so isn't looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was tried by the tests that try many things each."""
    tried: dict[str, int] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, count in report.user_properties:
                tried[name] = tried.get(name, 0) + int(count)
    for name, count in tried.items():
        terminalreporter.write_line(f"{name}: {count:,}")


TransactionTestCase._fixture_teardown = empty_the_database  # type: ignore[attr-defined]
