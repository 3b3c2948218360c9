"""A message to a worker. It may be lost: the database says what is due, and workers poll for it."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake(task: str, *arguments: int) -> None:
    """After the commit, send a worker this task; with the broker down, log that it waits for the next poll.

    The task goes by its name, so that whatever wakes a worker stands below what the worker does.
    """

    def send_message() -> None:
        try:
            current_app.send_task(task, arguments)
        except OperationalError as error:
            logger.warning("Broker unreachable, %s waits for the next poll: %s", task, error)

    transaction.on_commit(send_message)
