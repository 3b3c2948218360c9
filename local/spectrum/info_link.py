"""Info-Link as a site may have it: a copy of the `_MC` tables that lags, or does not answer.

Without this file the readers look into the simulator's own database, which is never late.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.spectrum.store import INFO_LINK_SCHEMA, INFO_LINK_TABLES, Store
from local.spectrum.subcontracts import LINES, SUBCONTRACTS, SubcontractKey

Rows = Sequence[tuple[object, ...]]


@dataclass(frozen=True)
class _Copy:
    """The content under a key after one commit, and when the readers shall see it."""

    key: SubcontractKey
    headers: Rows
    lines: Rows
    due: float


class InfoLink:
    """The copy. A lag of none is a copy in step: who is told of a commit finds it there already."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path = path
        self._away = path.with_name(f"{path.name}.away")
        self._changed = threading.Condition()
        self._waiting: deque[_Copy] = deque()
        self._lag = 0.0
        self._back_at = 0.0
        self._stopped = False
        self._begin(store)
        threading.Thread(target=self._keep_up, name="info-link", daemon=True).start()

    def take(self, db: sqlite3.Connection, key: SubcontractKey) -> None:
        """Note what stands under the key now; call it inside the transaction or right after it."""
        where = " AND ".join(f"{name} = ?" for name in key.columns)
        headers, lines = (
            [
                tuple(row)
                for row in db.execute(f"SELECT * FROM {table} WHERE {where}", tuple(key.columns.values()))
            ]
            for table in (SUBCONTRACTS, LINES)
        )
        with self._changed:
            self._waiting.append(_Copy(key, headers, lines, time.monotonic() + self._lag))
            self._publish()
            self._changed.notify()

    def lag(self, seconds: float) -> None:
        """From now on, commits are shown so late."""
        with self._changed:
            self._lag = seconds

    def fail(self, seconds: float) -> None:
        """For so long nothing answers: the file is not there."""
        with self._changed:
            if not self._back_at:
                self.path.rename(self._away)
            self._back_at = time.monotonic() + seconds
            self._changed.notify()

    def recover(self) -> None:
        """Answer, without a lag, and show all that was held back."""
        with self._changed:
            self._lag = 0.0
            self._waiting = deque(_Copy(each.key, each.headers, each.lines, 0.0) for each in self._waiting)
            self._come_back()
            self._publish()

    def close(self) -> None:
        """End the thread. What waits is copied at the next start."""
        with self._changed:
            self._stopped = True
            self._come_back()
            self._changed.notify()

    def _begin(self, store: Store) -> None:
        # Made aside: who reads meanwhile finds the copy of before, never an empty one.
        unfinished = self.path.with_name(f"{self.path.name}.unfinished")
        # A copy that was cut short left its journal, without which nobody who may only read gets in.
        journals = [each.with_name(f"{each.name}-journal") for each in (self.path, unfinished, self._away)]
        for leftover in (unfinished, self._away, *journals):
            leftover.unlink(missing_ok=True)
        copy = sqlite3.connect(unfinished)
        try:
            copy.executescript(INFO_LINK_SCHEMA)
            with store.reading() as db:
                for table in INFO_LINK_TABLES:
                    _insert(copy, table, [tuple(row) for row in db.execute(f"SELECT * FROM {table}")])
            copy.commit()
        finally:
            copy.close()
        unfinished.replace(self.path)

    def _keep_up(self) -> None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._back_at and now >= self._back_at:
                    self._come_back()
                self._publish()
                moments = [self._back_at] if self._back_at else [each.due for each in self._waiting]
                self._changed.wait(max(0.01, min(moments) - now) if moments else None)

    def _come_back(self) -> None:
        if self._back_at:
            self._away.rename(self.path)
            self._back_at = 0.0

    def _publish(self) -> None:
        """Show what is due, in the order of the commits; nothing while the file is away."""
        if self._back_at or not self._waiting or self._waiting[0].due > time.monotonic():
            return
        copy = sqlite3.connect(self.path, timeout=30)
        try:
            copy.execute("PRAGMA synchronous = OFF")
            while self._waiting and self._waiting[0].due <= time.monotonic():
                each = self._waiting.popleft()
                for table, rows in ((LINES, each.lines), (SUBCONTRACTS, each.headers)):
                    where = " AND ".join(f"{name} = ?" for name in each.key.columns)
                    copy.execute(f"DELETE FROM {table} WHERE {where}", tuple(each.key.columns.values()))
                    _insert(copy, table, rows)
            copy.commit()
        finally:
            copy.close()


def _insert(db: sqlite3.Connection, table: str, rows: Rows) -> None:
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
