"""The database as it stood before a race, and back to it in a few milliseconds."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.conftest import KEPT, session_of_owner


class Photograph:
    """All rows of all tables, kept in a session of the owner."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() != (True,):
            pytest.skip("only a superuser may write rows back without triggers: see OWNER_DATABASE_URL")
        cursor.execute(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns "
            "WHERE table_schema = 'public' AND is_generated = 'NEVER' GROUP BY table_name"
        )
        stored = {name: sql.SQL(", ").join(map(sql.Identifier, names)) for name, names in cursor.fetchall()}
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)",
            [list(KEPT)],
        )
        self._back = sql.SQL("SET LOCAL session_replication_role = replica")
        for (name,) in cursor.fetchall():
            table, kept = sql.Identifier("public", name), sql.Identifier(f"was_{name}"[:63])
            columns = stored[name]
            cursor.execute(sql.SQL("CREATE TEMP TABLE {} AS SELECT {} FROM {}").format(kept, columns, table))
            self._back += sql.SQL("; DELETE FROM {}").format(table)
            if cursor.rowcount:
                self._back += sql.SQL("; INSERT INTO {} ({}) TABLE {}").format(table, columns, kept)
        cursor.connection.commit()

    def restore(self) -> None:
        """Write every row back."""
        self._cursor.execute(self._back)
        self._cursor.connection.commit()


@contextmanager
def photograph() -> Iterator[Photograph]:
    """Of the rows as they are committed now."""
    with session_of_owner() as cursor:
        yield Photograph(cursor)
