"""Each session with the database limits idle transactions, compiles nothing, and keeps plans.

By a statement, because PgBouncer refuses both as start-up options. The sessions that it opens itself get
them from their role (docs/scale.md).
"""

from functools import partial
from typing import Any

from django.conf import settings
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from directory.db.plans import PlanKeepingCursor


@receiver(connection_created)
def set_session_parameters(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Limit idle transactions, and leave statements uncompiled.

    A frozen worker, or a machine that is cut off, would hold its row locks for ever, and every look at
    these rows would wait with it: the database ends a session that stopped with a transaction open.

    A server built with LLVM, as Debian's is, compiles a statement whose estimate is high before it runs
    it: several tenths of a second for a statement of milliseconds, as all of ours are.

    A connection that breaks here is none: Django would keep it, and whoever tries again would find it dead.
    """
    milliseconds = round(settings.IDLE_TRANSACTION_SECONDS * 1000)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('idle_in_transaction_session_timeout', %s, false),"
                " set_config('jit', 'off', false), pg_backend_pid()",
                [str(milliseconds)],
            )
            *_, process = cursor.fetchone()
    except Error:
        connection.close()
        raise
    # Not behind a pooler, which names a process of its own: the next statement may be another session's.
    if process == connection.connection.info.backend_pid:
        connection.connection.cursor_factory = partial(PlanKeepingCursor, kept={})
