"""The mail catcher's faults on request: refuse, hang, or answer too late."""

import time
from dataclasses import dataclass

LONGEST = 600.0  # seconds
KINDS = {
    "refuse": "answers each recipient with the code",
    "hang": "takes no recipient before the time is over",
    "store_and_hang": "keeps the mail, and says so only when the time is over",
}


class BadFault(Exception):
    """The document names no fault that there is."""


@dataclass(frozen=True)
class Fault:
    """One kind, until a moment of `time.monotonic`."""

    kind: str
    until: float
    code: int = 451


class Faults:
    """The one fault of the moment, if any. The SMTP side and the page may use it at once."""

    def __init__(self) -> None:
        self._fault: Fault | None = None

    def set(self, document: object) -> None:
        """`{"kind": "refuse", "code": 550, "seconds": 5}`; a new one takes the place of the old.

        Raises BadFault.
        """
        if not isinstance(document, dict) or not set(document) <= {"kind", "code", "seconds"}:
            raise BadFault('the document must be {"kind": ..., "code": ..., "seconds": ...}')
        kind, code, seconds = document.get("kind"), document.get("code", 451), document.get("seconds", 5)
        if kind not in KINDS:
            raise BadFault(f"kind must be one of {', '.join(KINDS)}")
        if not isinstance(code, int) or not 400 <= code < 600:
            raise BadFault("code must be from 400 to 599")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST:
            raise BadFault(f"seconds must be a number from 0 to {LONGEST:.0f}")
        self._fault = Fault(kind, time.monotonic() + seconds, code)

    def now(self, *kinds: str) -> Fault | None:
        """The fault, if it is one of these and not over."""
        fault = self._fault
        return fault if fault and fault.kind in kinds and time.monotonic() < fault.until else None
