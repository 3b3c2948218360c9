"""A witness of whatever happens: which tables a request wrote to, and what is in them afterwards."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

WRITES = re.compile(r'(?:^|; )(?:INSERT INTO|UPDATE|DELETE FROM)\s+"(\w+)"')
READS = ("SELECT", "(SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET ")
# What a request may leave behind that is no effect of it: its own session, and the counting of tries.
ASIDE = {
    "django_session",
    "usersessions_usersession",
    "axes_accessattempt",
    "axes_accesslog",
    "axes_accessfailurelog",
    "cache",
}


@dataclass
class Witness:
    """The tables that were written to, rolled back or not."""

    tables: set[str] = field(default_factory=set)

    def _see(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if written := WRITES.findall(sql):
            self.tables.update(written)
        elif not sql.startswith(READS):
            self.tables.add(f"? {sql[:60]}")
        return execute(sql, params, many, context)


@contextmanager
def watching() -> Iterator[Witness]:
    """Sees every statement that is sent to the database inside."""
    witness = Witness()
    with connection.execute_wrapper(witness._see):
        yield witness


def digests() -> dict[str, str]:
    """The content of each table, as one number."""
    tables = sorted(set(connection.introspection.table_names()) - ASIDE)
    query = " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{table}\" t"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())


def changed(before: dict[str, str]) -> set[str]:
    """The tables that hold something else now."""
    return {table for table, digest in digests().items() if before[table] != digest}
