"""A process that stops inside a transaction holds its row locks for a bounded time; nothing is compiled."""

import threading
import time

import pytest
from django.db import Error, OperationalError, connection, transaction
from pytest_django import Settings

from directory.models import Company
from tests.factories import CompanyFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_a_frozen_process_has_locked_is_free_again_in_time(settings: Settings) -> None:
    settings.IDLE_TRANSACTION_SECONDS = 0.3
    company = CompanyFactory()
    locked, woken = threading.Event(), threading.Event()
    ends: list[BaseException | None] = []

    def frozen() -> None:
        try:
            with transaction.atomic():
                Company.objects.select_for_update().get(pk=company.pk)
                locked.set()
                woken.wait(10)
                Company.objects.filter(pk=company.pk).update(name="Too late")
            ends.append(None)
        except OperationalError as error:
            ends.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=frozen)
    thread.start()
    assert locked.wait(10)
    begun = time.monotonic()
    with transaction.atomic():
        Company.objects.select_for_update().get(pk=company.pk)
    assert time.monotonic() - begun < 5
    woken.set()
    thread.join()
    assert isinstance(ends[0], OperationalError)
    assert Company.objects.get().name == company.name


def test_zero_lets_it_hold_them(settings: Settings) -> None:
    settings.IDLE_TRANSACTION_SECONDS = 0
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("0",)
    connection.close()


def test_no_statement_is_compiled_before_it_runs() -> None:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)


def test_a_connection_that_takes_no_settings_is_none(settings: Settings) -> None:
    settings.IDLE_TRANSACTION_SECONDS = -1
    connection.close()
    with pytest.raises(Error):
        connection.ensure_connection()
    assert connection.connection is None
    settings.IDLE_TRANSACTION_SECONDS = 30
    CompanyFactory()
