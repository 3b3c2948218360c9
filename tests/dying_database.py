"""PostgreSQL that dies under a statement of ours, for real: its process is ended as after a crash."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from tests.conftest import session_of_owner
from tests.embedded_services import OURS

Statement = Callable[[str, Any, bool, dict[str, Any]], Any]


@contextmanager
def crash_at(fragment: str) -> Iterator[None]:
    """PostgreSQL crashes under the first statement with this fragment, and has restarted at the end.

    The server warns its sessions of the crash: a statement after that warning fails as plain
    ``DatabaseError``, without a SQLSTATE and with psycopg2's connection still called open.
    """
    if "DATABASE_URL" not in os.environ.get(OURS, "").split():
        pytest.skip("only a server that the run has started itself is ended")
    crashed: list[int] = []

    def crash(execute: Statement, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if fragment in sql and not crashed:
            backend = context["connection"].connection.info.backend_pid
            crashed.append(backend)
            _keep_what_is_committed()
            os.kill(backend, signal.SIGQUIT)
            _until(lambda: not Path(f"/proc/{backend}").exists())
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(crash):
            yield
    finally:
        connection.close()
        _until(_answers)
    assert crashed, f"no statement held {fragment}"


@contextmanager
def instead_of(fragment: str, statement: str) -> Iterator[None]:
    """The first statement with this fragment is another one."""
    done: list[str] = []

    def execute_another(
        execute: Statement, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if fragment in sql and not done:
            done.append(sql)
            return execute(statement, None, False, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(execute_another):
        yield
    assert done, f"no statement held {fragment}"


def _keep_what_is_committed() -> None:
    """A throw-away server writes its log late, so that a crash would lose commits as no real one does."""
    with session_of_owner() as cursor:
        cursor.execute("CHECKPOINT")


def _answers() -> bool:
    try:
        with session_of_owner():
            return True
    except psycopg2.Error:
        return False


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "PostgreSQL neither ended nor restarted"
        time.sleep(0.01)
