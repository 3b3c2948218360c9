"""Scripted faults: what the field does to a caller, on request and at a chosen call.

A fault is kept in memory and is gone after a restart. A new kind is one line in `KINDS`, and
one branch in `endpoint.py` if it breaks the wire in a new way.
"""

import enum
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

LONGEST_WAIT = 3600.0


class Moment(enum.Enum):
    """When a fault strikes, seen from the record that is about to be written."""

    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit"


KINDS: Mapping[str, tuple[Moment, str]] = MappingProxyType(
    {
        "slow": (Moment.BEFORE_COMMIT, "waits, then works; longer than the caller's patience, a late commit"),
        "hang_before_commit": (Moment.BEFORE_COMMIT, "waits and hangs up; nothing is stored"),
        "html_maintenance": (Moment.BEFORE_COMMIT, "an HTML maintenance page with status 503"),
        "unauthorised": (Moment.BEFORE_COMMIT, "aborts with code A"),
        "refuse": (Moment.BEFORE_COMMIT, "a business error, code I, with the given column and text"),
        "locked": (Moment.BEFORE_COMMIT, "a business error: the record is in use by a person"),
        "commit_then_hang": (Moment.AFTER_COMMIT, "stores, waits and hangs up"),
        "commit_then_reset": (Moment.AFTER_COMMIT, "stores and resets the connection"),
        "commit_then_500": (Moment.AFTER_COMMIT, "stores and answers with an HTML page and status 500"),
        "commit_then_fault": (Moment.AFTER_COMMIT, "stores and answers with a SOAP fault"),
        "cut_off_xml": (Moment.AFTER_COMMIT, "stores and answers with XML that ends in the middle"),
    }
)

_DEFAULT_SECONDS = {"slow": 2.0, "hang_before_commit": 60.0, "commit_then_hang": 60.0}


class BadFaultError(Exception):
    """A script names an unknown kind or holds a value that makes no sense."""


@dataclass
class ScriptedFault:
    """One fault that waits for its call: the `on_call`th matching one, and `times` in a row."""

    kind: str
    method: str = ""
    key: str = ""
    on_call: int = 1
    times: int = 1
    seconds: float = 0.0
    code: str = "I"
    column: str = ""
    text: str = ""
    seen: int = field(default=0)
    fired: int = field(default=0)

    @property
    def moment(self) -> Moment:
        """Before or after the commit."""
        return KINDS[self.kind][0]

    @property
    def is_spent(self) -> bool:
        """Whether it has struck as often as it was asked to."""
        return self.fired >= self.times

    def matches(self, method: str, number: str) -> bool:
        """Whether a call of this method for this subcontract number counts."""
        return self.method in {"", method} and self.key.strip().upper() in {"", number.strip().upper()}

    def as_json(self) -> dict[str, Any]:
        """The script as it was given, with how often it was seen and has fired."""
        return {
            **vars(self),
            "is_spent": self.is_spent,
            "moment": self.moment.value,
            "what": KINDS[self.kind][1],
        }


class FaultScript:
    """The faults that wait, in the order in which they were given; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[ScriptedFault] = []

    def add(self, given: object) -> None:
        """Append the faults of `{"faults": [...]}`; all of them or none. Raises BadFaultError."""
        entries = given.get("faults") if isinstance(given, dict) else None
        if not isinstance(entries, list):
            raise BadFaultError('the document must be {"faults": [...]}')
        faults = [_read(entry) for entry in entries]
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._faults = []

    def strike(self, method: str, number: str) -> ScriptedFault | None:
        """Count a call and say which fault befalls it, if any: the first that is due."""
        due = None
        with self._lock:
            for fault in self._faults:
                if fault.is_spent or not fault.matches(method, number):
                    continue
                fault.seen += 1
                if due is None and fault.seen >= fault.on_call:
                    fault.fired += 1
                    due = fault
        return due

    def waiting(self) -> int:
        """How many can still strike."""
        with self._lock:
            return sum(not fault.is_spent for fault in self._faults)

    def as_json(self) -> dict[str, Any]:
        """All faults, spent ones too, and the kinds there are."""
        with self._lock:
            faults = [fault.as_json() for fault in self._faults]
        return {"faults": faults, "kinds": {kind: what for kind, (_, what) in KINDS.items()}}


def _read(entry: object) -> ScriptedFault:
    if not isinstance(entry, dict):
        raise BadFaultError("each fault must be an object")
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadFaultError(f"kind must be one of {', '.join(KINDS)}")
    allowed = {"kind", "method", "key", "on_call", "times", "seconds", "code", "column", "text"}
    if unknown := set(entry) - allowed:
        raise BadFaultError(f"a fault has no {', '.join(sorted(map(str, unknown)))}")
    # An optional value may be left out or null.
    given = {name: value for name, value in entry.items() if value is not None}
    for name in ("method", "key", "code", "column", "text"):
        if not isinstance(given.get(name, ""), str):
            raise BadFaultError(f"{name} must be text")
    for name in ("on_call", "times"):
        value = given.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise BadFaultError(f"{name} must be a whole number from 1")
    seconds = given.setdefault("seconds", _DEFAULT_SECONDS.get(given["kind"], 0.0))
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not _is_a_wait(seconds):
        raise BadFaultError(f"seconds must be a number from 0 to {LONGEST_WAIT:.0f}")
    return ScriptedFault(**given)


def _is_a_wait(seconds: float) -> bool:
    return math.isfinite(seconds) and 0 <= seconds <= LONGEST_WAIT
