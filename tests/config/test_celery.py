"""How Celery runs the product's tasks."""

from types import SimpleNamespace

import pytest
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined]
from celery.signals import task_prerun
from django.db import connection

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
