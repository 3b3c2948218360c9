"""How Celery runs the product's tasks."""

import socket
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined]
from celery.signals import task_prerun
from django.db import connection
from kombu.exceptions import OperationalError

from config.celery import app


@pytest.mark.django_db(transaction=True)
def test_a_session_outlives_its_task_with_its_plans_and_a_broken_one_is_opened_anew() -> None:
    task = SimpleNamespace(request=SimpleNamespace(is_eager=False))
    connection.ensure_connection()
    session = connection.connection
    DjangoWorkerFixup(app).on_task_postrun(task)
    task_prerun.send(None)
    assert connection.connection is session
    session.close()  # as a cut does, or a restart of the server
    task_prerun.send(None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert connection.connection is not session


def test_a_broker_that_hangs_up_is_tried_once_more_and_then_given_up() -> None:
    """Three tries take six seconds, for which the approver would wait."""
    tries = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()
                    tries.append("hung up")

        threading.Thread(target=hang_up, daemon=True).start()
        with (
            app.connection_for_write(f"redis://127.0.0.1:{server.getsockname()[1]}/0") as broker,
            pytest.raises(OperationalError),
        ):
            app.send_task("nothing", connection=broker)
    assert len(tries) <= 2
