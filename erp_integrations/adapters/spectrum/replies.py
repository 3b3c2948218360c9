"""A reply of Spectrum is read with care: whatever is not plainly yes or no is unknown.

Two shapes are read alike, with or without namespaces and in any case: rows of ``error_code``,
``desc``, ``column`` (writes) and of ``Error_Code``, ``Error_Description``, ``Error_Column`` (reads).
Source: docs/spectrum.md, section 1.
"""

import re
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import Literal, NamedTuple

import zeep.exceptions
from lxml import etree

from erp_integrations.adapters.base import (
    Accepted,
    Call,
    Outcome,
    Refused,
    ReplyRule,
    RuleKind,
    SessionOver,
    Unauthorised,
    Unknown,
    WireError,
)
from erp_integrations.adapters.spectrum.phase_codes import get_comparable_phase
from erp_integrations.adapters.spectrum.redaction import REPLACED, clean_reply_text, clean_reply_xml
from erp_integrations.adapters.spectrum.wire import Exchange
from erp_integrations.adapters.spectrum.wsdl import parse_plain_xml

REFUSALS = frozenset("AIM")
UNAUTHORISED_ON_READS = "E"
GOOD_WITH_INFORMATION = "G"
WARNING = "W"
NOT_LEARNED = "It is not yet set which reply of this Spectrum means written."
LONGEST_CODE = 20

# What may stand beside a yes, by the rule. Only G is published for a record that is taken (with
# information); S is so for the connection test alone.
_GOOD = {
    RuleKind.NO_ERROR_ROW: frozenset({GOOD_WITH_INFORMATION}),
    RuleKind.ECHO: frozenset({"", "S", GOOD_WITH_INFORMATION}),
}
_KEY_NAMES = ("company_code", "vendor_code", "subcontract_number")
_LINE_KEY_NAMES = ("phase_code", "cost_type", "bid_item_number", "notes_topic")

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
# Attributes of these say how a reply is written, and nothing about the record.
_ABOUT_THE_XML = (_SOAP, "{http://www.w3.org/2001/XMLSchema-instance}")
_TEXT_NAMES = ("desc", "error_description")
_COLUMN_NAMES = ("column", "error_column")
_CODE_NAME = "error_code"
_NAMES_IN_A_ROW = frozenset({_CODE_NAME, *_TEXT_NAMES, *_COLUMN_NAMES, *_KEY_NAMES, *_LINE_KEY_NAMES})

# Fields that only the connection fills: a complaint about them is about no document.
_CONNECTION_COLUMNS = frozenset({"AUTHORIZATION_ID", "GUID", "COMPANY_CODE"})
_ABOUT_THE_CONNECTION = re.compile(
    r"web service is not authori[sz]ed|\bguid\b|time.?out has occurred", re.IGNORECASE
)
_AUTHORIZATION_ID = re.compile(r"authori[sz]ation.?id", re.IGNORECASE)
_THINGS = (
    r"\b(job|phase|cost (code|type|cent(er|re))|vendor|(sub)?contract|line|item|fiscal|period|calendar|ledger"
    r"|retention|retainage|unit|price|quantity|amount|date|insurance|hold|record|in use|locked)s?\b"
)
_ABOUT_A_DOCUMENT = re.compile(_THINGS, re.IGNORECASE)
_TIME_OUT = re.compile(r"time.?out has occurred", re.IGNORECASE)
_TRANSIENT = re.compile(r"\bin use\b|\block(ed)? by\b|\brecord is locked\b", re.IGNORECASE)
# So is said of a number that is taken, or of what another record holds: only what a person holds passes.
_PERMANENT = re.compile(
    r"\balready in use\b|\bin use (for|on|in|at|with|elsewhere)\b"
    r"|\b(in use|lock(ed)?) by (an)?other (?!(user|operator|person|session|process|terminal|workstation)s?\b)"
    rf"|\b(in use|lock(ed)?) by [^.;]*{_THINGS}",
    re.IGNORECASE,
)
_LONGEST_TEXT = 500
UNREADABLE = (zeep.exceptions.Error, etree.LxmlError, ValueError)


class UnreadableReplyError(Exception):
    """The reply says neither yes nor no. Its text is a sentence."""


class _Row(NamedTuple):
    """One row of a reply, and where it stands in it."""

    element: etree._Element
    code: str
    error: WireError


def parse_reply(exchange: Exchange, call: Call, rule: ReplyRule) -> Outcome:
    """The meaning of one whole exchange. Secrets are not yet taken out of the texts."""
    reply = clean_reply_text(exchange.body)
    # A gateway's 401 comes before any service runs. A 403 may also be put over a finished answer.
    if exchange.status == 401:
        return Unauthorised("Spectrum's server does not accept the connection's credentials (401).", reply)
    try:
        if exchange.status != 200:
            raise UnreadableReplyError(describe_status(exchange))
        refused = find_refused_rows(parse_envelope(exchange.body), call, rule)
    except UnreadableReplyError as error:
        return Unknown(str(error), reply, exchange.status)
    if not refused:
        return Accepted(reply)
    # It is told before anything of the call is looked at.
    if any(row.column.upper() in ("", "GUID") and _TIME_OUT.search(row.text) for row in refused):
        return SessionOver("Spectrum says that this connection's GUID has expired.", reply)
    subjects = [get_subject(row) for row in refused]
    if "connection" in subjects:
        locked_out = refused[subjects.index("connection")]
        return Unauthorised(f"Spectrum does not let this connection in: {locked_out.text}", reply)
    if "document" not in subjects:
        reasons = "; ".join(filter(None, (row.text for row in refused))) or "no reason given"
        return Unauthorised(f"Spectrum refused the call: {reasons}", reply, refused)
    return Refused(refused, reply, transient=all(map(is_transient, refused)))


def find_reply_rule(reply: str, call: Call, present: ReplyRule) -> ReplyRule | None:
    """The rule under which this reply to a call that is written would have meant so. Pure.

    None where none would: it is not whole, not an answer to this method, or a refusal stands in it; where a
    row names a column, be it for information; and where it means so by the present one already. Codes are
    added to those that count.
    """
    try:
        envelope = parse_envelope(reply.encode())
    except UnreadableReplyError:
        return None
    rows = parse_rows(envelope)
    if any(row.error.column for row in rows):
        return None
    codes = frozenset(row.code for row in rows) - {WARNING}
    by_codes = ReplyRule(RuleKind.CODES, codes | present.codes)
    other = by_codes if codes else ReplyRule(RuleKind.NO_ERROR_ROW)
    for rule in (present, ReplyRule(RuleKind.ECHO), other):
        with suppress(UnreadableReplyError):
            plain = all(code.isascii() and code.isalnum() for code in rule.codes if code)
            short = all(len(code) <= LONGEST_CODE for code in rule.codes)
            if not find_refused_rows(envelope, call, rule) and plain and short:
                return rule if rule != present else None
    return None


def find_refused_rows(envelope: etree._Element, call: Call, rule: ReplyRule) -> tuple[WireError, ...]:
    """The rows that say no; none of them where the reply says yes, by the rule.

    A row that says no, wherever it stands, keeps every rule from a yes. Raises UnreadableReplyError
    where it is neither.
    """
    answer = get_answer(envelope, call.method)
    rows = parse_rows(envelope)
    if any(answer not in (row.element, *row.element.iterancestors()) for row in rows):
        raise UnreadableReplyError("Spectrum's reply has rows outside its answer.")
    codes = {row.code for row in rows}
    refused = codes & (REFUSALS | {UNAUTHORISED_ON_READS})
    good = codes & _GOOD.get(rule.kind, rule.codes)
    if strange := codes - refused - good - {WARNING}:
        if rule.kind is RuleKind.UNKNOWN and not refused:
            raise UnreadableReplyError(NOT_LEARNED)
        names = ", ".join(sorted(code or "blank" for code in strange))
        raise UnreadableReplyError(f"Spectrum answered with an unknown code ({names}).")
    if refused and good:
        raise UnreadableReplyError("Spectrum both confirmed and refused the call.")
    if refused:
        return tuple(row.error for row in rows if row.code in refused)
    if complaint := describe_unconfirmed(answer, rows, call, rule):
        raise UnreadableReplyError(complaint)
    return ()


def describe_unconfirmed(answer: etree._Element, rows: Sequence[_Row], call: Call, rule: ReplyRule) -> str:
    """Why a reply without a refusal does not mean that the call is written; blank if it does."""
    if rows and not {row.code for row in rows} - ({WARNING} - rule.codes):
        return "Spectrum gave only a warning and did not say whether the record is written."
    echoes = find_echoes(answer, call)
    if echoes is None:
        return "Spectrum's reply names another record."
    if rule.kind is RuleKind.UNKNOWN:
        return NOT_LEARNED
    if any(is_complaint(row.error) for row in rows):
        return "Spectrum's reply has an error text under a code that is not an error."
    repeated = set() if rule.kind is RuleKind.NO_ERROR_ROW else echoes
    if has_unknown_content(
        answer, {row.element for row in rows if get_local_name(row.element) == "response"} | repeated
    ):
        return "Spectrum's reply has text that is not recognized."
    if rule.kind is RuleKind.CODES and not rows:
        return "Spectrum's reply does not say whether the record is written."
    # Every row that is no remark must be one.
    if rule.kind is RuleKind.ECHO and (
        not echoes
        or not echoes.issuperset(
            row.element for row in rows if row.code not in (WARNING, GOOD_WITH_INFORMATION)
        )
    ):
        return "Spectrum's reply does not repeat the key of the record."
    return ""


def is_complaint(row: WireError) -> bool:
    """A row names a column, or has words without a code: no yes, whatever its code is.

    A column is published for information alone ("Vendor_Code is inactive").
    """
    return bool(row.column and row.code != GOOD_WITH_INFORMATION) or bool(row.text and not row.code)


def has_unknown_content(answer: etree._Element, known: Set[etree._Element]) -> bool:
    """Something stands in a reply besides the published frame and plain rows."""
    method = get_local_name(answer).removesuffix("response")
    frame = {get_local_name(answer), "returnarray", "returndata", method}
    return not all(map(_is_plain_row, known)) or any(
        known.isdisjoint((element, *element.iterancestors()))
        and (
            (not str(element.tag).startswith(_SOAP) and get_local_name(element) not in frame)
            or _has_own_text(element)
        )
        for element in answer.getroottree().iter("*")
    )


def _is_plain_row(row: etree._Element) -> bool:
    """A row holds only what is published for one, each once, and no XML that is told as text."""
    names = [get_local_name(child) for child in row.iterchildren("*")]
    text = etree.tostring(row, method="text", encoding="unicode", with_tail=False)
    return (
        len(names) == len(_NAMES_IN_A_ROW.intersection(names)) == sum(1 for _ in row.iterdescendants("*"))
        and not _has_own_text(row)
        and not any(map(_list_attributes, row.iterchildren("*")))
        and not any(sign in text for sign in ("<", "&lt;"))
    )


def _has_own_text(element: etree._Element) -> bool:
    """An element says something itself, in an attribute or as text between its children."""
    texts = (element.text, *(child.tail for child in element))
    return bool(_list_attributes(element)) or any(text and str(text).strip() for text in texts)


def _list_attributes(element: etree._Element) -> list[str]:
    return [name for name in map(str, element.keys()) if not name.startswith(_ABOUT_THE_XML)]


def find_echoes(answer: etree._Element, call: Call) -> set[etree._Element] | None:
    """The elements that repeat the call's own key; None where one names another record."""
    wanted = {name.lower(): _get_comparable_part(name, value) for name, value in call.payload.items()}
    echoes = set()
    for element in answer.iter("*"):
        given = [
            (name, _get_comparable_part(name, _get_text(child)))
            for child in element.iterchildren("*")
            if (name := get_local_name(child)) in _KEY_NAMES + _LINE_KEY_NAMES
        ]
        if not any(name == "subcontract_number" for name, _ in given):
            continue
        for name, value in given:
            # Of a line's key, blanks are filled in by Spectrum.
            if value != wanted.get(name) and (name in _KEY_NAMES or wanted.get(name)):
                return None
        if {name for name, _ in given}.issuperset(_KEY_NAMES):
            echoes.add(element)
    return echoes


def _get_comparable_part(name: str, value: str) -> str:
    return get_comparable_phase(value) if name.lower() == "phase_code" else value.strip().upper()


def get_subject(row: WireError) -> Literal["connection", "document", "open"]:
    """A named column decides; without one, only the published words are about the connection.

    Job security, cost centres and fiscal sessions are per document, also under the code A ("abort or
    not authorised"), and may be told of an Authorization ID.
    """
    if row.column:
        return "connection" if row.column.upper() in _CONNECTION_COLUMNS else "document"
    if _ABOUT_THE_CONNECTION.search(row.text):
        return "connection"
    names_a_document = _ABOUT_A_DOCUMENT.search(row.text)
    if _AUTHORIZATION_ID.search(row.text):
        return "open" if names_a_document else "connection"
    return "open" if row.code in ("A", UNAUTHORISED_ON_READS) and not names_a_document else "document"


def is_transient(row: WireError) -> bool:
    return bool(_TRANSIENT.search(row.text) and not _PERMANENT.search(row.text))


def is_connection_error(row: WireError) -> bool:
    """A list is refused to the whole connection: E says so of every list."""
    return row.code == UNAUTHORISED_ON_READS or get_subject(row) != "document"


def describe_status(exchange: Exchange) -> str:
    """A reply that is no answer, in a sentence."""
    fault = ""
    with suppress(*UNREADABLE):  # most of these replies are a web page
        fault = describe_fault(parse_plain_xml(exchange.body))
    detail = f": {fault}" if fault else ""
    return f"Spectrum's server answered with HTTP status {exchange.status}{detail}."


def parse_envelope(body: bytes) -> etree._Element:
    """A reply that is whole, read with a mark for each character that XML does not allow.

    Raises UnreadableReplyError.
    """
    with suppress(*UNREADABLE):
        return parse_plain_xml(body)
    with suppress(*UNREADABLE):
        envelope = parse_plain_xml(clean_reply_xml(body))
        if not any(REPLACED in name for each in envelope.iter("*") for name in (each.tag, *each.keys())):
            return envelope
    raise UnreadableReplyError("Spectrum's reply is not complete, plain XML.")


def get_answer(envelope: etree._Element, method: str) -> etree._Element:
    """The one element ``<Method>Response`` of a reply. Raises UnreadableReplyError."""
    if fault := describe_fault(envelope):
        raise UnreadableReplyError(f"Spectrum answered with a fault: {fault}.")
    wanted = f"{method}Response".lower()
    found = [each for each in envelope.iterfind(f"{_SOAP}Body/*") if get_local_name(each) == wanted]
    if not found:
        raise UnreadableReplyError(f"Spectrum's reply is not an answer to {method}.")
    if len(found) > 1:
        raise UnreadableReplyError(f"Spectrum's reply has {len(found)} answers to {method}.")
    return found[0]


def describe_fault(envelope: etree._Element) -> str:
    fault = envelope.find(f"{_SOAP}Body/{_SOAP}Fault")
    if fault is None:
        return ""
    texts = {get_local_name(child): _get_text(child) for child in fault.iterchildren("*")}
    return texts.get("faultstring") or texts.get("faultcode") or "no text"


def parse_rows(envelope: etree._Element) -> list[_Row]:
    """Every row of a reply wherever it stands, in order; of one with several codes, one for each."""
    rows = []
    for element in envelope.iter("*"):
        children = [(get_local_name(child), _get_text(child)) for child in element.iterchildren("*")]
        attributes = [(etree.QName(name).localname.lower(), str(value)) for name, value in element.items()]
        codes = [value.strip().upper() for name, value in children + attributes if name == _CODE_NAME]
        inner = (get_local_name(each) for each in element.iterdescendants("*"))
        if not codes and get_local_name(element) == "response" and _CODE_NAME not in inner:
            codes = [""]
        values = dict(children)
        text, column = get_first_value(values, _TEXT_NAMES), get_first_value(values, _COLUMN_NAMES)
        rows += [_Row(element, code, WireError(code, text, column)) for code in codes]
    return rows


def get_local_name(element: etree._Element) -> str:
    """An element's name in lower case, without its namespace."""
    return etree.QName(element).localname.lower()


def _get_text(element: etree._Element) -> str:
    return " ".join(etree.tostring(element, method="text", encoding="unicode", with_tail=False).split())[
        :_LONGEST_TEXT
    ]


def get_first_value(values: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if values.get(name)), "")
