"""The simulator's own time: the real one, or another that runs on from a given moment."""

import datetime as dt
import threading


class BadMomentError(Exception):
    """The document names no moment."""


class Clock:
    """Says what time it is. Safe for several threads; waiting is always done in real seconds."""

    def __init__(self, start: dt.datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._ahead = dt.timedelta()
        if start is not None:
            self.set(start)

    def now(self) -> dt.datetime:
        """In UTC."""
        with self._lock:
            return dt.datetime.now(dt.UTC) + self._ahead

    def set(self, moment: dt.datetime) -> None:
        """From here on it is this moment, and time runs on."""
        with self._lock:
            self._ahead = moment - dt.datetime.now(dt.UTC)

    def follow(self, document: object) -> None:
        """`{"now": "2015-07-01T09:00:00+00:00"}`, or `{"now": null}` for the real time again.

        Raises BadMomentError.
        """
        if not isinstance(document, dict) or set(document) != {"now"}:
            raise BadMomentError('the document must be {"now": ...}')
        if document["now"] is None:
            with self._lock:
                self._ahead = dt.timedelta()
            return
        self.set(moment(document["now"]))


def moment(text: object) -> dt.datetime:
    """A moment as ISO 8601 writes it, UTC unless it says otherwise. Raises BadMomentError."""
    try:
        read = dt.datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise BadMomentError(f"{text} is no moment as ISO 8601 writes it") from error
    return read if read.tzinfo else read.replace(tzinfo=dt.UTC)
