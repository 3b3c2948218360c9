"""One SOAP call from its body to its reply: read, judge, store, answer; or break on request."""

import datetime as dt
import enum
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from local.spectrum import calls, rules, soap, validation
from local.spectrum.answers import INVALID, Answer, RefusedError, unauthorised
from local.spectrum.faults import FaultScript, Moment, ScriptedFault
from local.spectrum.layouts import LAYOUTS, Layout
from local.spectrum.store import Store

XML = "text/xml; charset=utf-8"
HTML = "text/html; charset=utf-8"

_log = logging.getLogger("local.spectrum")

_MAINTENANCE = b"""<!DOCTYPE html><html><head><title>Maintenance</title></head>
<body><h1>Down for maintenance</h1><p>The server is being maintained. Try again later.</p></body></html>
"""
_SERVER_ERROR = b"""<!DOCTYPE html><html><head><title>500</title></head>
<body><h1>500 Internal Server Error</h1></body></html>
"""


class Ending(enum.Enum):
    """What happens to the connection."""

    ANSWER = "answer"
    HANG_UP = "hang up"
    RESET = "reset"


@dataclass(frozen=True)
class Reply:
    """What goes back to the caller, if anything does."""

    status: int = 200
    body: bytes = b""
    content_type: str = XML
    wire: str = calls.ANSWERED
    ending: Ending = Ending.ANSWER
    call: int | None = None


@dataclass(frozen=True)
class Switches:
    """Where the public pages leave room, and so a site may differ."""

    success_code: str = "S"
    cut_over_long_text: bool = False


class Endpoint:
    """The services behind `/ws/<Method>`. Threads may call it at the same time."""

    def __init__(
        self, store: Store, faults: FaultScript, switches: Switches, now: Callable[[], dt.datetime]
    ) -> None:
        self.store = store
        self.faults = faults
        self.switches = switches
        self.now = now
        self.stopping = threading.Event()

    def answer(self, layout: Layout, body: bytes) -> Reply:
        """Run one call to its end. The log of calls is complete when this returns."""
        started = time.monotonic()
        broken = None
        try:
            sent = soap.read_request(body, layout)
        except soap.BadRequestError as error:
            sent, broken = error.sent, error
        fault = None if broken else self.faults.strike(layout.method, sent["Subcontract_Number"])
        with self.store.transaction() as db:
            at = self.now().isoformat(timespec="milliseconds")
            call = calls.begin(db, layout=layout, sent=sent, fault=fault.kind if fault else "", at=at)
        answers: Sequence[Answer] = ()
        if broken:
            outcome, reply = calls.FAULT, Reply(500, soap.fault("Client", str(broken)))
        elif fault and (early := self._before_commit(fault, layout)):
            outcome, answers, reply = early
        else:
            outcome, answers = self._perform(layout, sent, call)
            reply = Reply(body=soap.reply(layout.method, answers))
        if fault and fault.moment is Moment.AFTER_COMMIT:
            reply = self._after_commit(fault, reply)
        milliseconds = round((time.monotonic() - started) * 1000)
        with self.store.transaction() as db:
            calls.finish(
                db,
                call,
                outcome=outcome,
                wire=reply.wire,
                answers=answers,
                reply=reply.body.decode(errors="replace"),
                milliseconds=milliseconds,
            )
        key = "/".join(sent.get(n, "") for n in ("Company_Code", "Vendor_Code", "Subcontract_Number"))
        _log.info("%s %r %s, %s, %d ms", layout.method, key, outcome, reply.wire, milliseconds)
        return Reply(reply.status, reply.body, reply.content_type, reply.wire, reply.ending, call)

    def caller_gone(self, reply: Reply) -> None:
        """The reply could not be written: the caller gave up waiting."""
        if reply.call is not None:
            with self.store.transaction() as db:
                calls.caller_gone(db, reply.call)

    def _perform(self, layout: Layout, sent: Mapping[str, str], call: int) -> tuple[str, list[Answer]]:
        try:
            with self.store.transaction() as db:
                rules.require_authorisation(db, sent, method=layout.method)
                validation.require_values(layout, sent)
                values = validation.require_form(layout, sent, cut=self.switches.cut_over_long_text)
                information = rules.PUTS[layout.method](db, values, now=self.now())
                calls.mark_stored(db, call, calls.ACCEPTED)
        except RefusedError as refusal:
            outcome = calls.UNAUTHORISED if refusal.is_unauthorised else calls.REFUSED
            return outcome, list(refusal.answers)
        return calls.ACCEPTED, information or [Answer(self.switches.success_code, "Successful")]

    def _before_commit(
        self, fault: ScriptedFault, layout: Layout
    ) -> tuple[str, Sequence[Answer], Reply] | None:
        """The end of a call that never reaches the record, or None when it goes on."""
        column = fault.column or "Subcontract_Number"
        match fault.kind:
            case "unauthorised":
                answer = unauthorised(fault.text or "Authorization ID is not setup in the system.")
                outcome = calls.UNAUTHORISED
            case "refuse":
                text = fault.text or f"{column} is invalid"
                outcome, answer = calls.REFUSED, Answer(fault.code, text, column)
            case "locked":
                text = fault.text or "The record is in use by another user"
                outcome, answer = calls.REFUSED, Answer(INVALID, text, column)
            case "html_maintenance":
                return calls.NOTHING, (), Reply(503, _MAINTENANCE, HTML, calls.ERROR_PAGE)
            case "hang_before_commit":
                self.stopping.wait(fault.seconds)
                return calls.NOTHING, (), Reply(wire=calls.HUNG_UP, ending=Ending.HANG_UP)
            case "slow":
                if self.stopping.wait(fault.seconds):
                    return calls.NOTHING, (), Reply(wire=calls.HUNG_UP, ending=Ending.HANG_UP)
                return None
            case _:
                return None
        return outcome, (answer,), Reply(body=soap.reply(layout.method, [answer]))

    def _after_commit(self, fault: ScriptedFault, reply: Reply) -> Reply:
        match fault.kind:
            case "commit_then_hang":
                self.stopping.wait(fault.seconds)
                return Reply(wire=calls.HUNG_UP, ending=Ending.HANG_UP)
            case "commit_then_reset":
                return Reply(wire=calls.RESET, ending=Ending.RESET)
            case "commit_then_500":
                return Reply(500, _SERVER_ERROR, HTML, calls.ERROR_PAGE)
            case "commit_then_fault":
                return Reply(500, soap.fault("Server", fault.text or "Error executing Web Service"))
            case "cut_off_xml":
                # The observed cut loses closing tags, not data; a short reply has little else to lose.
                return Reply(reply.status, reply.body[: len(reply.body) * 3 // 4], XML, calls.CUT_OFF)
        raise ValueError(fault.kind)


def layout_of(method: str) -> Layout | None:
    """The layout of a method that is served here, or None."""
    return LAYOUTS.get(method) if method in rules.PUTS else None
