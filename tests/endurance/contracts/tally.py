"""Counts of what came up and how it ended, while several people work; printed for whoever waits."""

import threading
import time
from collections import Counter
from collections.abc import Iterable

from tests.endurance.contracts.pages import Commitment


class Tally:
    """Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.counts: Counter[str] = Counter()
        self._blocked: dict[tuple[str, str], set[str]] = {}
        self._corrected: dict[tuple[str, str], Counter[str]] = {}
        self._ever_corrected: set[str] = set()

    def count(self, what: str) -> None:
        """One more is, say, sent."""
        with self._lock:
            self.counts[what] += 1

    def blocked(self, commitment: Commitment, when: str, codes: Iterable[str]) -> None:
        """These findings stood in the way of it, at this moment; each is counted once for each."""
        with self._lock:
            for code in codes:
                self._blocked.setdefault((when, code), set()).add(commitment.path)

    def corrected(self, commitment: Commitment, when: str, code: str, how: str) -> None:
        """Somebody did something about one of them."""
        with self._lock:
            self._corrected.setdefault((when, code), Counter())[how] += 1
            self._ever_corrected.add(commitment.path)

    @property
    def commitments_corrected(self) -> int:
        """How many commitments needed a correction of any kind."""
        with self._lock:
            return len(self._ever_corrected)

    @property
    def commitments_blocked(self) -> int:
        """How many commitments something stood in the way of."""
        with self._lock:
            return len(set().union(*self._blocked.values()))

    def say(self, line: str) -> None:
        """Print at once, with the seconds since the start."""
        print(f"{time.monotonic() - self._began:6.1f} s  {line}", flush=True)

    def progress(self) -> str:
        """How far it is."""
        with self._lock:
            names = ("sent", "accepted", "begun in Spectrum", "synced")
            return ", ".join(f"{self.counts[name]} {name}" for name in names)

    def table(self) -> str:
        """The issues, of how many commitments, and how they were corrected."""
        with self._lock:
            lines = []
            for (when, code), paths in sorted(
                self._blocked.items(),
                key=lambda item: (_MOMENTS.index(item[0][0]), -len(item[1]), item[0][1]),
            ):
                done = self._corrected.get((when, code), Counter())
                how = "; ".join(f"{words} ({times})" for words, times in sorted(done.items()))
                lines.append((when, code, str(len(paths)), how or "went with another correction"))
        heads = ("when", "finding", "blocked", "how it was corrected (how often)")
        widths = [max(len(row[column]) for row in [heads, *lines]) for column in range(3)]
        return "\n".join(
            f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}"
            for row in [heads, *lines]
        )


SEND, ACCEPT, SPECTRUM = "Send", "Accept", "Spectrum"
_MOMENTS = (SEND, ACCEPT, SPECTRUM)
