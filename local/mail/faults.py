"""The mail catcher's faults on request: refuse, hang, or answer too late."""

import time
from dataclasses import dataclass

LONGEST = 600.0  # seconds
KINDS = {
    "refuse": "answers each recipient with the code, or the sender, or the whole mail, as `at` says",
    "no_sign_in": "refuses every password",
    "drop": "closes the connection when it has the mail, and keeps none",
    "hang": "takes no recipient before the time is over",
    "store_and_hang": "keeps the mail, and says so only when the time is over",
}


PLACES = ("mail", "rcpt", "data")


class BadFault(Exception):
    """The document names no fault that there is."""


@dataclass(frozen=True)
class Fault:
    """One kind, until a moment of `time.monotonic`."""

    kind: str
    until: float
    code: int = 451
    at: str = "rcpt"


class Faults:
    """The one fault of the moment, if any. The SMTP side and the page may use it at once."""

    def __init__(self) -> None:
        self._fault: Fault | None = None

    def set(self, document: object) -> None:
        """`{"kind": "refuse", "code": 550, "at": "data", "seconds": 5}`; a new one replaces the old.

        Raises BadFault.
        """
        if not isinstance(document, dict) or not set(document) <= {"kind", "code", "at", "seconds"}:
            raise BadFault('the document must be {"kind": ..., "code": ..., "at": ..., "seconds": ...}')
        kind, code, seconds = document.get("kind"), document.get("code", 451), document.get("seconds", 5)
        if kind not in KINDS:
            raise BadFault(f"kind must be one of {', '.join(KINDS)}")
        if not isinstance(code, int) or not 400 <= code < 600:
            raise BadFault("code must be from 400 to 599")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST:
            raise BadFault(f"seconds must be a number from 0 to {LONGEST:.0f}")
        at = document.get("at", "rcpt")
        if at not in PLACES:
            raise BadFault(f"at must be one of {', '.join(PLACES)}")
        self._fault = Fault(kind, time.monotonic() + seconds, code, at)

    def refusal(self, at: str) -> str:
        """The answer to this part of a mail; blank where it is not refused."""
        fault = self.now("refuse")
        return f"{fault.code} Refused on request" if fault and fault.at == at else ""

    def now(self, *kinds: str) -> Fault | None:
        """The fault, if it is one of these and not over."""
        fault = self._fault
        return fault if fault and fault.kind in kinds and time.monotonic() < fault.until else None
