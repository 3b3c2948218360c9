"""Two acts, each in a thread with a database session of its own, held and let go statement by statement.

Points are counted in each lane: one after every statement, and one before each that begins a
transaction. So a lane can be held with its last statement done and its commit still to come.
"""

import queue
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.db import connection, connections
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

SECONDS = 20.0  # for what takes milliseconds
PATIENCE = 0.003  # seconds until a lane that does not move is suspected of waiting for a lock


class Stand(StrEnum):
    """How far a lane has come."""

    HELD = "held"
    RUNNING = "running"
    BLOCKED = "blocked"
    ENDED = "ended"


class Lane:
    """One thread and one session, used for one act after the other."""

    def __init__(self) -> None:
        self.points = 0
        self.result: object = None
        self._stand = Stand.ENDED
        self._stop_at: int | None = 0
        self._pid = 0
        self._moved = threading.Condition()
        self._acts: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def prepare(self, act: Callable[[], object]) -> None:
        """Hold it before its first statement."""
        assert self._stand is Stand.ENDED, "the act before has not ended"
        self.points, self.result, self._stop_at, self._stand = 0, None, 0, Stand.HELD
        self._acts.put(act)

    def run(self, *, to: int | None = None) -> Stand:
        """Let it go on to that point, or as far as it comes."""
        with self._moved:
            if self._stand is not Stand.HELD or to == self._stop_at:
                return self._stand
            self._stop_at, self._stand = to, Stand.RUNNING
            self._moved.notify_all()
        for _ in range(int(SECONDS / PATIENCE)):
            with self._moved:
                if self._moved.wait_for(lambda: self._stand is not Stand.RUNNING, PATIENCE):
                    return self._stand
            if self._waits_for_a_lock():
                with self._moved:
                    self._stop_at = None  # once let through, it runs on
                return Stand.BLOCKED
        raise AssertionError("a lane neither moves nor waits for a lock")

    def end(self) -> None:
        """Wait for the end of its act."""
        with self._moved:
            assert self._moved.wait_for(lambda: self._stand is Stand.ENDED, SECONDS), "a lane hangs"

    def close(self) -> None:
        """End the thread and its session."""
        self._acts.put(None)
        self._thread.join(SECONDS)

    def _waits_for_a_lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self._pid])
            return bool(cursor.fetchone()[0])

    def _work(self) -> None:
        try:
            connection.ensure_connection()
            self._pid = connection.connection.info.backend_pid
            while act := self._acts.get():
                with self._moved:
                    self._moved.wait_for(lambda: self._stop_at != 0)
                try:
                    with connection.execute_wrapper(self._statement):
                        self.result = act()
                except Exception as error:
                    self.result = error
                with self._moved:
                    self._stand = Stand.ENDED
                    self._moved.notify_all()
        finally:
            connections.close_all()

    def _statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if context["connection"].connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            self._arrive()
        try:
            return execute(sql, params, many, context)
        finally:
            self._arrive()

    def _arrive(self) -> None:
        with self._moved:
            self.points += 1
            if self._stop_at == self.points:
                self._stand = Stand.HELD
                self._moved.notify_all()
                self._moved.wait_for(lambda: self._stop_at != self.points)
