"""Turns of work beside one another, so that what is slow delays nothing but itself.

A worker looks after many Spectrum companies. One that is dead or slow holds the thread of its own
turn; the others have theirs.
"""

import logging
import threading
from collections.abc import Callable, Hashable

from django.db import connections

logger = logging.getLogger(__name__)


class KeyedThreadPool:
    """At most ``most`` turns at once, and never two with one key."""

    def __init__(self, max_threads: int) -> None:
        self._max_threads = max_threads
        self._lock = threading.Lock()
        self._running: dict[Hashable, threading.Thread] = {}

    def start(self, key: Hashable, task: Callable[[], object]) -> bool:
        """Start a turn in a thread of its own; False when this key has one, or no place is free."""
        with self._lock:
            if key in self._running or len(self._running) >= self._max_threads:
                return False
            thread = threading.Thread(
                target=self._run_task, args=[key, task], name=f"turn {key}", daemon=True
            )
            self._running[key] = thread
        thread.start()
        return True

    def end(self, timeout: float) -> None:
        """Until the turns that run now are over, or each was waited for so long, in seconds."""
        with self._lock:
            running = list(self._running.values())
        for thread in running:
            thread.join(timeout=timeout)

    def _run_task(self, key: Hashable, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception:
            # The next look tries again.
            logger.exception("The turn %s failed", key)
        finally:
            connections.close_all()
            with self._lock:
                del self._running[key]
