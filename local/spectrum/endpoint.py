"""One SOAP call from its body to its reply: read, judge, store, answer; or break on request."""

import enum
import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.spectrum import calls, rules, soap, validation
from local.spectrum.answers import ABORTED, INVALID, Answer, RefusedError, no_right_to_the_job, unauthorised
from local.spectrum.faults import FaultScript, Moment, ScriptedFault
from local.spectrum.hosted import Client, Gateway
from local.spectrum.layouts import LAYOUTS, Layout
from local.spectrum.site import Site
from local.spectrum.subcontracts import SubcontractKey

SUCCESSES = ("none", "blank", "G", "S", "echo")
"""The reply to a successful Put: no row, a row without a code, with one, or one that repeats the key."""
KEY = (
    *("Company_Code", "Vendor_Code", "Subcontract_Number"),
    *("Phase_Code", "Cost_Type", "Bid_Item_Number", "Notes_Topic"),
)
XML = "text/xml; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"

_log = logging.getLogger("local.spectrum")

_MAINTENANCE = b"""<!DOCTYPE html><html><head><title>Maintenance</title></head>
<body><h1>Down for maintenance</h1><p>The server is being maintained. Try again later.</p></body></html>
"""
_EXPIRED = json.dumps({"error": "invalid_token", "error_description": "The access token expired"}).encode()
_SERVER_ERROR = b"""<!DOCTYPE html><html><head><title>500</title></head>
<body><h1>500 Internal Server Error</h1></body></html>
"""


class Ending(enum.Enum):
    """The fate of the connection."""

    ANSWER = "answer"
    HANG_UP = "hang up"
    RESET = "reset"


@dataclass(frozen=True)
class Reply:
    """The reply that goes back to the caller, if any does."""

    status: int = 200
    body: bytes = b""
    content_type: str = XML
    wire: str = calls.ANSWERED
    ending: Ending = Ending.ANSWER
    call: int | None = None


End = tuple[str, Sequence[Answer], Reply]
"""A call's outcome, the rows of its answer, and what goes back."""


@dataclass(frozen=True)
class Switches:
    """Where the public pages leave room, and so a site may differ.

    ``blank_retention``: a line sent without Retention_Flag gets `N`, or that of its `phase`.
    ``blank_unit_price_flag``: a header sent without one is `N`, or has that of its `job`.
    ``amount_alone``: a unit-price line sent without a unit price gets that of its `phase`, or `none`.
    """

    success: str = SUCCESSES[0]
    cut_over_long_text: bool = False
    list_cap: int = 500
    guid_is_mandatory: bool = True
    blank_retention: str = "N"
    blank_unit_price_flag: str = "N"
    amount_alone: str = "phase"
    basic_over_soap: bool = False
    basic_over_rest: bool = False  # on a hosted site, where else the token stands in the header
    open_descriptions: bool = False
    error_status: int = 200
    any_ending: str = "*"


class Endpoint:
    """The services behind `/ws/<Method>`. Threads may call it at the same time."""

    def __init__(
        self, site: Site, faults: FaultScript, switches: Switches, client: Client | None = None
    ) -> None:
        self.site = site
        self.store = site.store
        self.faults = faults
        self.switches = switches
        self.gateway = Gateway(client, site.clock.now)
        self.stopping = threading.Event()

    def answer(self, layout: Layout, body: bytes) -> Reply:
        """Run one call to its end. The log of calls is complete when this returns."""
        started = time.monotonic()
        broken = None
        try:
            sent = soap.read_request(body, self.site.drift.of(layout))
        except soap.BadRequestError as error:
            sent, broken = error.sent, error
        sent = self.site.drift.published(layout, sent)
        fault = None if broken else self.faults.strike(layout.method, sent["Subcontract_Number"])
        with self.store.transaction() as db:
            kind = fault.kind if fault else ""
            call = calls.begin(db, layout=layout, sent=sent, fault=kind, at=self.site.now())
        if broken:
            reply = Reply(500, soap.fault("Client", str(broken)))
            return self._finish(layout, sent, call, started, (calls.FAULT, (), reply))
        if fault and fault.kind == "late_commit":
            late = (fault.seconds, layout, sent, call, started)
            threading.Thread(target=self._commit_late, args=late, name="late commit", daemon=True).start()
            return Reply(wire=calls.HUNG_UP, ending=Ending.HANG_UP, call=call)
        early = self._before_commit(fault, layout, sent) if fault else None
        if fault and fault.kind == "injected_default" and fault.column in sent:
            sent = {**sent, fault.column: fault.text}
        outcome, answers, reply = early or self._perform(layout, sent, call)
        if fault and fault.moment is Moment.AFTER_COMMIT:
            self.site.strike(fault, sent)
            if fault.kind != "bad_characters":
                reply = self._after_commit(fault, reply)
            elif outcome == calls.ACCEPTED:
                reply = Reply(body=soap.with_bad_characters(layout.method))
        return self._finish(layout, sent, call, started, (outcome, answers, reply))

    def caller_gone(self, reply: Reply) -> None:
        """The reply could not be written: the caller gave up waiting."""
        if reply.call is not None:
            with self.store.transaction() as db:
                calls.caller_gone(db, reply.call)

    def _commit_late(
        self, seconds: float, layout: Layout, sent: Mapping[str, str], call: int, started: float
    ) -> None:
        if self.stopping.wait(seconds):
            return  # the next start finds it interrupted
        outcome, answers, _ = self._perform(layout, sent, call)
        nothing = Reply(wire=calls.HUNG_UP, ending=Ending.HANG_UP)
        self._finish(layout, sent, call, started, (outcome, answers, nothing))

    def _finish(self, layout: Layout, sent: Mapping[str, str], call: int, started: float, end: End) -> Reply:
        """Write the end of a call into the log, and say what goes back."""
        outcome, answers, reply = end
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

    def answer_hosted(self, what: str, body: bytes) -> Reply:
        """A token or a new secret, or one of the faults that are scripted for it by that name."""
        fault = self.faults.strike(what, "")
        if fault and fault.kind in {"slow", "hang_before_commit"} and self.stopping.wait(fault.seconds):
            return Reply(ending=Ending.HANG_UP)
        if fault and fault.kind == "hang_before_commit":
            return Reply(ending=Ending.HANG_UP)
        if fault and fault.kind == "html_maintenance":
            return Reply(503, _MAINTENANCE, HTML)
        given = self.gateway.answer(what, body)
        reply = Reply(given.status, given.body, JSON)
        return self._after_commit(fault, reply) if fault and fault.moment is Moment.AFTER_COMMIT else reply

    def _perform(self, layout: Layout, sent: Mapping[str, str], call: int) -> End:
        try:
            with self.store.transaction() as db:
                rules.require_authorisation(db, sent, method=layout.method)
                mandatory = self.switches.guid_is_mandatory
                rules.require_session(db, sent["GUID"], now=self.site.clock.now(), mandatory=mandatory)
                sent = rules.with_defaults(db, sent)
                validation.require_values(layout, sent)
                values = validation.require_form(layout, sent, cut=self.switches.cut_over_long_text)
                information = rules.PUTS[layout.method](
                    db, values, now=self.site.clock.now(), readings=self.switches
                )
                calls.mark_stored(db, call, calls.ACCEPTED)
        except RefusedError as refusal:
            outcome = calls.UNAUTHORISED if refusal.is_unauthorised else calls.REFUSED
            body = soap.reply(layout.method, refusal.answers)
            return outcome, refusal.answers, Reply(self.switches.error_status, body)
        self.site.show(SubcontractKey(sent["Company_Code"], sent["Vendor_Code"], sent["Subcontract_Number"]))
        answers = [*information, *self._success(values, informed=bool(information))]
        return calls.ACCEPTED, answers, Reply(body=soap.reply(layout.method, answers))

    def _success(self, values: Mapping[str, str], *, informed: bool) -> list[Answer]:
        """The reply that says that a record is written; beside information only an echo does."""
        match self.switches.success:
            case "echo":
                return [Answer("", "", key={name: values[name].ljust(12) for name in KEY if name in values})]
            case "blank" if not informed:
                return [Answer("", "")]
            case "S" | "G" as code if not informed:
                return [Answer(code, "Successful")]
        return []

    def _before_commit(self, fault: ScriptedFault, layout: Layout, sent: Mapping[str, str]) -> End | None:
        """The end of a call that never reaches the record, or None when it goes on."""
        column = fault.column or "Subcontract_Number"
        match fault.kind:
            case "unauthorised":
                answer = unauthorised(fault.text or "Authorization ID is not setup in the system.")
                outcome = calls.UNAUTHORISED
            case "guid_timed_out":
                text = fault.text or "Time out has occurred"
                outcome, answer = calls.UNAUTHORISED, Answer(ABORTED, text, "GUID")
            case "abort":
                outcome, answer = calls.REFUSED, Answer(ABORTED, fault.text, fault.column)
            case "job_security":
                outcome, answer = calls.REFUSED, no_right_to_the_job(sent.get("Job_Number", ""))
            case "two_answers":
                refusal = Answer(INVALID, fault.text or f"{column} is invalid", column)
                return calls.REFUSED, (refusal,), Reply(body=soap.replies(layout.method, [], [refusal]))
            case "unreadable":
                text = fault.text or "<<< The update of this record did not end as planned >>>"
                return calls.NOTHING, (), Reply(body=text.encode())
            case "refuse":
                text = fault.text or f"{column} is invalid"
                outcome, answer = calls.REFUSED, Answer(fault.code, text, column)
            case "locked":
                text = fault.text or "The record is in use by another user"
                outcome, answer = calls.REFUSED, Answer(INVALID, text, column)
            case "expired_secret":
                return calls.UNAUTHORISED, (), Reply(401, _EXPIRED, JSON, calls.ERROR_PAGE)
            case "number_taken":
                self.site.strike(fault, sent)
                return None
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
        reply = Reply(self.switches.error_status, soap.reply(layout.method, [answer]))
        return outcome, (answer,), reply

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
        return reply


def layout_of(method: str) -> Layout | None:
    """The layout of a method that is served here, or None."""
    return LAYOUTS.get(method) if method in rules.PUTS else None
