"""PostgreSQL tells in several ways that it has gone away; any other error is its no."""

import psycopg2
from django.db import DatabaseError, Error, InterfaceError, OperationalError

CONNECTION_ENDED_CODES = ("08", "57P0")
"""How the SQLSTATEs begin that say so: connection exceptions, and a server that stops or starts."""


def is_database_unreachable(error: BaseException | None) -> bool:
    """The server, or the way to it, is gone: not a lock or a statement that took too long.

    What a server refuses has a SQLSTATE. Without one nobody answered, and psycopg2 then raises
    ``OperationalError``, ``InterfaceError``, or, where the server had warned of its own crash, plain
    ``DatabaseError``.
    """
    cause = error.__cause__ if isinstance(error, Error) else None
    if not isinstance(cause, psycopg2.Error):
        return False
    if cause.pgcode:
        return str(cause.pgcode).startswith(CONNECTION_ENDED_CODES)
    return type(error) in (DatabaseError, InterfaceError, OperationalError)


def is_transient_error(error: BaseException) -> bool:
    """The same may succeed in a moment: the server is away, or another transaction was in the way."""
    return is_database_unreachable(error) or isinstance(error, OperationalError)
