"""Two roles, as in production: `owner` makes and empties the test database, the tests are `app`."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import TransactionTestCase
from environ import Env
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from pytest_django.plugin import DjangoDbBlocker

from tests.embedded_services import template

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
    with django_db_blocker.unblock():
        connection.close()
    connection.settings_dict.update(owner() or {})


@contextmanager
def session_of_owner() -> Iterator[Cursor]:
    """A connection beside the test's own, as the role that history does not refuse."""
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    if different := owner():
        parameters |= {"user": different["USER"], "password": different["PASSWORD"]}
    ours = psycopg2.connect(**parameters)
    try:
        with ours, ours.cursor() as cursor:
            # A test that left a transaction open fails here instead of hanging.
            cursor.execute("SET lock_timeout = '10s'")
            yield cursor
    finally:
        ours.close()


def empty_the_database(test_case: TransactionTestCase) -> None:
    """Instead of Django's flush: history refuses TRUNCATE and DELETE, and `app` may do neither."""
    with session_of_owner() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)",
            [list(KEPT)],
        )
        tables = [sql.Identifier(name) for (name,) in cursor.fetchall()]
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() == (True,):
            # Without triggers and foreign keys the order is free, and small deletes beat TRUNCATE.
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(sql.SQL(";").join(sql.SQL("DELETE FROM {}").format(table) for table in tables))
        else:
            for table in tables:
                cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
            cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(",").join(tables)))
            for table in tables:
                cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))


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
