"""Turns of work beside one another, so that what is slow delays nothing but itself.

A worker looks after many Spectrum companies. One that is dead or slow holds the thread of its own
turn; the others have theirs.
"""

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from django.db import connections

logger = logging.getLogger(__name__)


class KeyedThreadPool:
    """At most so many turns at once, and never two with one key. One thread alone starts them."""

    def __init__(self, max_threads: int) -> None:
        self._max_threads = max_threads
        self._executor = ThreadPoolExecutor(max_threads)
        self._running: dict[Hashable, Future[None]] = {}

    def start(self, key: Hashable, task: Callable[[], object]) -> bool:
        """Start a turn in a thread of its own; False when this key has one, or no place is free."""
        self._running = {other: turn for other, turn in self._running.items() if not turn.done()}
        if key in self._running or len(self._running) >= self._max_threads:
            return False
        self._running[key] = self._executor.submit(self._run_task, key, task)
        return True

    def end(self, timeout: float) -> None:
        """Wait for the turns that run now, for so many seconds at most."""
        wait(self._running.values(), timeout)

    def _run_task(self, key: Hashable, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception:
            # The next look tries again.
            logger.exception("The turn %s failed", key)
        finally:
            connections.close_all()
