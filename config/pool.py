"""Turns of work beside one another, so that what is slow delays nothing but itself.

A worker looks after many Spectrum companies. One that is dead or slow holds the thread of its own
turn; the others have theirs.
"""

import logging
import threading
from collections.abc import Callable, Hashable

from django.db import connections

logger = logging.getLogger(__name__)


class Turns:
    """At most ``most`` turns at once, and never two with one key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._running: dict[Hashable, threading.Thread] = {}

    def begin(self, key: Hashable, work: Callable[[], object]) -> bool:
        """Start a turn in a thread of its own; False when this key has one, or no place is free."""
        with self._lock:
            if key in self._running or len(self._running) >= self._most:
                return False
            thread = threading.Thread(target=self._run, args=[key, work], name=f"turn {key}", daemon=True)
            self._running[key] = thread
        thread.start()
        return True

    def wait(self, timeout: float) -> None:
        """Until the turns that run now are over, or each was waited for so long, in seconds."""
        with self._lock:
            running = list(self._running.values())
        for thread in running:
            thread.join(timeout=timeout)

    def _run(self, key: Hashable, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            # The next look tries again.
            logger.exception("The turn %s failed", key)
        finally:
            connections.close_all()
            with self._lock:
                del self._running[key]
