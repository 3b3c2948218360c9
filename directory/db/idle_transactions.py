"""A process that stops in the middle of a transaction holds others up for a limited time."""

from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def limit_idle_transactions(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Let the database end the session of a process that stopped with a transaction open.

    A frozen worker, or a machine that is cut off, would hold its row locks for ever, and every look at
    these rows would wait with it. By a statement, because PgBouncer refuses it as a start-up option.
    """
    milliseconds = round(settings.IDLE_TRANSACTION_SECONDS * 1000)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [str(milliseconds)]
        )
