"""Other databases on the tests' server, and their migration as it once was."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

import psycopg2
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from tests.conftest import owner

WHAT_IS_THERE = """
    SELECT format('%s.%s %s, not null: %s, default %s, identity %s, generated %s, grants %s',
                  relname, attname, format_type(atttypid, atttypmod), attnotnull,
                  pg_get_expr(adbin, adrelid), attidentity, attgenerated, attacl)
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = current_schema::regnamespace AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT format('%s %s of %s, grants %s', relkind, relname, relowner::regrole,
                            (SELECT array_agg(each::text ORDER BY each::text) FROM unnest(relacl) AS each))
        FROM pg_class WHERE relnamespace = current_schema::regnamespace
    UNION ALL SELECT format('%s %s: %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = current_schema::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema
    UNION ALL SELECT format('%s: %s', pg_get_triggerdef(oid), tgenabled)
        FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('%s of %s, grants %s', pg_get_functiondef(oid), proowner::regrole, proacl)
        FROM pg_proc WHERE pronamespace = current_schema::regnamespace
    UNION ALL SELECT format('%s %s', extname, extversion) FROM pg_extension
    UNION ALL SELECT format('%s.%s may be %s: %s', app_label, model, codename, name)
        FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id
    UNION ALL SELECT format('%s.%s', app_label, model) FROM django_content_type
"""


@contextmanager
def new_database(name: str, *, template: str = "template1") -> Iterator[None]:
    """Its owner's; never there afterwards."""
    parameters = {**database.get_connection_params(), "cursor_factory": None, "dbname": "postgres"}
    if different := owner():
        parameters |= {"user": different["USER"], "password": different["PASSWORD"]}
    with closing(psycopg2.connect(**parameters)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            try:
                yield
            finally:
                cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """The product works on this database, as its owner."""
    usual = {key: database.settings_dict[key] for key in ("NAME", "USER", "PASSWORD")}
    database.close()
    database.settings_dict.update(owner() or {}, NAME=name)
    try:
        yield
    finally:
        database.close()
        database.settings_dict.update(usual)


def migrate_by_replaced_files(targets: Iterable[tuple[str, str]]) -> None:
    """To the last migration of each app, as a release did that had no squashed ones."""
    executor = MigrationExecutor(database)
    executor.loader = MigrationLoader(database, replace_migrations=False)
    executor.migrate(list(targets))


def describe_database() -> set[str]:
    """All that migrations make, in words that two databases have in common."""
    with database.cursor() as cursor:
        cursor.execute(WHAT_IS_THERE)
        return {each for (each,) in cursor.fetchall()}
