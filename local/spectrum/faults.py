"""Scripted faults: what the field does to a caller, on request and at a chosen call.

A fault is kept in memory and is gone after a restart. A new kind is one line in `KINDS`, and
one branch in `endpoint.py` if it breaks the wire in a new way, or in `site.py` if it befalls more
than one call.
"""

import enum
import random
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


_BEFORE, _AFTER = Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT

KINDS: Mapping[str, tuple[Moment, str]] = MappingProxyType(
    {
        "slow": (_BEFORE, "waits, then works; longer than the caller's patience, a late commit"),
        "hang_before_commit": (_BEFORE, "waits and hangs up; nothing is stored"),
        "late_commit": (_BEFORE, "hangs up at once, and stores so many seconds later"),
        "html_maintenance": (_BEFORE, "an HTML maintenance page with status 503"),
        "expired_secret": (_BEFORE, "status 401, as a gateway answers a secret that has expired"),
        "guid_timed_out": (_BEFORE, "aborts with code A: the session's time is over"),
        "unauthorised": (_BEFORE, "aborts with code A"),
        "abort": (_BEFORE, "aborts with code A, with the given column and text, or without"),
        "job_security": (_BEFORE, "aborts with code A: the operator may not touch this job"),
        "refuse": (_BEFORE, "a business error, code I, with the given column and text"),
        "locked": (_BEFORE, "a business error: the record is in use by a person"),
        "two_answers": (_BEFORE, "stores nothing; the reply holds two answers, a good one and a refusal"),
        "unreadable": (
            _BEFORE,
            "stores nothing, and answers with the same broken text each time",
        ),
        "injected_default": (_BEFORE, "the given text stands in the given column, whatever was sent"),
        "number_taken": (_BEFORE, "a subcontract of another job is entered under the number just before"),
        "commit_then_hang": (_AFTER, "stores, waits and hangs up"),
        "commit_then_reset": (_AFTER, "stores and resets the connection"),
        "commit_then_500": (_AFTER, "stores and answers with an HTML page and status 500"),
        "commit_then_fault": (_AFTER, "stores and answers with a SOAP fault"),
        "bad_characters": (_AFTER, "stores; the words of the reply hold characters that XML does not allow"),
        "cut_off_xml": (_AFTER, "stores and answers with XML that ends in the middle"),
        "person_edits": (_AFTER, "stores; then a person puts the given text into the given column"),
        "person_deletes": (_AFTER, "stores; then a person deletes the subcontract with its lines"),
        "person_recodes": (
            _AFTER,
            "stores; then a person gives the vendor the code in text, with all its records",
        ),
        "refuse_connection": (_AFTER, "stores and answers; no new connection is taken for so many seconds"),
        "wsdl_drift": (_AFTER, "stores; from then on the service has one element more, named in column"),
        "read_back_lag": (_AFTER, "stores; from now on Info-Link shows records so many seconds late"),
        "read_back_outage": (_AFTER, "stores; Info-Link does not answer for so many seconds"),
    }
)

# What the page of faults sets at the press of a button.
BUTTONS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "no-answer": ("Next write: stored, no answer", {"kind": "commit_then_hang", "seconds": 1}),
        "lost": ("Next write: not stored, no answer", {"kind": "hang_before_commit", "seconds": 1}),
        "account": (
            "Refuse the next account",
            {
                "kind": "refuse",
                "method": "UpdateSubcontract",
                "column": "GL_Account",
                "text": "GL account is not valid",
            },
        ),
        # A listener that is closed would take this page with it.
        "maintenance": ("Maintenance: the next ten writes", {"kind": "html_maintenance", "times": 10}),
    }
)

# They befall the site as a whole: `on_call` 0 lets them begin without waiting for a call.
OF_THE_SITE = frozenset({"refuse_connection", "wsdl_drift", "read_back_lag", "read_back_outage"})
OF_INFO_LINK = frozenset({"read_back_lag", "read_back_outage"})


@dataclass
class ScriptedFault:
    """One fault that waits for its call: the `on_call`th matching one, and `times` in a row.

    With a `probability` below 1 each call from there on is a draw, until it has struck `times`.
    """

    kind: str
    method: str = ""
    key: str = ""
    on_call: int = 1
    times: int = 1
    probability: float = 1.0
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
        """True if it has struck as often as it was asked to."""
        return self.fired >= self.times

    def matches(self, method: str, number: str) -> bool:
        """True if a call of this method for this subcontract number counts; a list must be named."""
        any_write = not self.method and not method.startswith("Get")
        is_meant = self.method == method or any_write
        return is_meant and self.key.strip().upper() in {"", number.strip().upper()}

    def as_json(self) -> dict[str, Any]:
        """The script as it was given, with how often it was seen and has fired."""
        return {
            **vars(self),
            "is_spent": self.is_spent,
            "moment": self.moment.value,
            "what": KINDS[self.kind][1],
        }


class FaultScript:
    """The faults that wait, in the order in which they were given; safe for several threads.

    The same seed and the same calls give the same draws.
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._faults: list[ScriptedFault] = []
        self._seed = seed
        self._draws = random.Random(seed)

    def add(self, faults: list[ScriptedFault]) -> list[ScriptedFault]:
        """Append them; those that begin at once are counted as fired and returned."""
        with self._lock:
            self._faults += faults
            at_once = [fault for fault in faults if fault.on_call == 0]
            for fault in at_once:
                fault.fired += 1
        return at_once

    def clear(self) -> None:
        """Forget all of them, and draw from the beginning."""
        with self._lock:
            self._faults = []
            self._draws = random.Random(self._seed)

    def strike(self, method: str, number: str) -> ScriptedFault | None:
        """Count a call and say which fault befalls it, if any: the first that is due."""
        due = None
        with self._lock:
            for fault in self._faults:
                if fault.is_spent or not fault.matches(method, number):
                    continue
                fault.seen += 1
                if due is None and fault.seen >= fault.on_call and self._is_drawn(fault):
                    fault.fired += 1
                    due = fault
        return due

    def all(self) -> list[dict[str, Any]]:
        """Every fault of the script, spent ones too."""
        with self._lock:
            return [fault.as_json() for fault in self._faults]

    def waiting(self) -> int:
        """How many can still strike."""
        with self._lock:
            return sum(not fault.is_spent for fault in self._faults)

    def as_json(self) -> dict[str, Any]:
        """All faults, spent ones too, and the kinds there are."""
        return {"faults": self.all(), "kinds": {kind: what for kind, (_, what) in KINDS.items()}}

    def _is_drawn(self, fault: ScriptedFault) -> bool:
        return fault.probability >= 1 or self._draws.random() < fault.probability
