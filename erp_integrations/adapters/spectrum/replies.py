"""What a reply of Spectrum means, read with care: whatever is not plainly yes or no is unknown.

Two shapes are read alike, with or without namespaces and in any case: rows of ``error_code``,
``desc``, ``column`` (writes) and of ``Error_Code``, ``Error_Description``, ``Error_Column`` (reads).
Source: section 1 of ``docs/spectrum.md``.
"""

import re
from contextlib import suppress

import zeep.exceptions
from lxml import etree

from erp_integrations.adapters.base import (
    Accepted,
    Outcome,
    Refused,
    SessionOver,
    Unauthorised,
    Unknown,
    WireError,
)
from erp_integrations.adapters.spectrum.redaction import storable
from erp_integrations.adapters.spectrum.wire import Exchange
from erp_integrations.adapters.spectrum.wsdl import parsed

REFUSALS = frozenset("AIM")
UNAUTHORISED_ON_READS = "E"
WARNING = "W"

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_TEXT_NAMES = ("desc", "error_description")
_COLUMN_NAMES = ("column", "error_column")
_CODE_NAME = "error_code"

# Fields that only the connection fills: a complaint about them is about no document.
_CONNECTION_COLUMNS = frozenset({"AUTHORIZATION_ID", "GUID", "COMPANY_CODE"})
_ABOUT_AUTHORISATION = re.compile(
    r"authori[sz]|authentic|credential|password|permission|access denied|guid|time.?out has occurred"
    r"|session.{0,20}(expired|invalid)",
    re.IGNORECASE,
)
_TIME_OUT = re.compile(r"time.?out has occurred", re.IGNORECASE)
_LONGEST_TEXT = 500
UNREADABLE = (zeep.exceptions.Error, etree.LxmlError, ValueError)


class UnreadableReplyError(Exception):
    """The reply says neither yes nor no. Its text is a sentence."""


def read(exchange: Exchange, method: str, success_codes: frozenset[str]) -> Outcome:
    """What one whole exchange means. Secrets are not yet taken out of the texts."""
    reply = storable(exchange.body)
    # A gateway's 401 comes before any service runs. A 403 may also be put over a finished answer.
    if exchange.status == 401:
        return Unauthorised("Spectrum's server does not accept the connection's credentials (401).", reply)
    try:
        if exchange.status != 200:
            raise UnreadableReplyError(about_status(exchange))
        rows = _rows(answer_in(_whole(exchange.body), method))
    except UnreadableReplyError as error:
        return Unknown(str(error), reply)
    return _meaning(rows, reply, success_codes)


def _meaning(rows: tuple[WireError, ...], reply: str, success_codes: frozenset[str]) -> Outcome:
    codes = {row.code for row in rows}
    succeeded = codes & success_codes
    refused = (codes & (REFUSALS | {UNAUTHORISED_ON_READS})) - success_codes
    strange = codes - success_codes - refused - {WARNING}
    if strange:
        names = ", ".join(sorted(code or "blank" for code in strange))
        return Unknown(f"Spectrum answered with a code that is not known here ({names}).", reply)
    if refused and succeeded:
        return Unknown("Spectrum answered yes and no at once.", reply)
    if refused:
        complaints = tuple(row for row in rows if row.code in refused)
        if any(is_time_out(row) for row in complaints):
            return SessionOver("Spectrum says that the time of this connection's GUID is over.", reply)
        locked_out = next((row for row in complaints if is_about_the_connection(row)), None)
        if locked_out:
            return Unauthorised(f"Spectrum does not let this connection in: {locked_out.text}", reply)
        return Refused(complaints, reply)
    if succeeded:
        return Accepted(reply)
    return Unknown("Spectrum only warned and did not say whether the record is written.", reply)


def is_about_the_connection(row: WireError) -> bool:
    """Whether the whole connection is turned away, rather than one document.

    The code A stands for "abort or not authorised". It counts as the first only when it comes
    with words, or a column, that speak of something else: one alarm too many is cheaper than
    one failure for every document in the queue.
    """
    if row.code == UNAUTHORISED_ON_READS or row.column.upper() in _CONNECTION_COLUMNS:
        return True
    if row.code != "A":
        return False
    return not (row.text or row.column) or bool(_ABOUT_AUTHORISATION.search(row.text))


def is_time_out(row: WireError) -> bool:
    """Whether the GUID was not used for too long: told before anything of the call is looked at."""
    return row.column.upper() == "GUID" and bool(_TIME_OUT.search(row.text))


def about_status(exchange: Exchange) -> str:
    """What is known of a reply that is no answer, in a sentence."""
    fault = ""
    with suppress(*UNREADABLE):  # most of these replies are a web page
        fault = _fault(parsed(exchange.body))
    detail = f": {fault}" if fault else ""
    return f"Spectrum's server answered with HTTP status {exchange.status}{detail}."


def _whole(body: bytes) -> etree._Element:
    try:
        return parsed(body)
    except UNREADABLE as error:
        raise UnreadableReplyError("Spectrum's reply is not whole, plain XML.") from error


def answer_in(envelope: etree._Element, method: str) -> etree._Element:
    """The element ``<Method>Response`` of a reply. Raises UnreadableReplyError."""
    if fault := _fault(envelope):
        raise UnreadableReplyError(f"Spectrum answered with a fault: {fault}.")
    wanted = f"{method}Response".lower()
    for element in envelope.iterfind(f"{_SOAP}Body/*"):
        if local_name(element) == wanted:
            return element
    raise UnreadableReplyError(f"Spectrum's reply is no answer to {method}.")


def _fault(envelope: etree._Element) -> str:
    fault = envelope.find(f"{_SOAP}Body/{_SOAP}Fault")
    if fault is None:
        return ""
    texts = {local_name(child): _text(child) for child in fault.iterchildren("*")}
    return texts.get("faultstring") or texts.get("faultcode") or "no words"


def _rows(answer: etree._Element) -> tuple[WireError, ...]:
    """The rows of an answer, in order. Raises UnreadableReplyError if there is none."""
    rows = []
    for element in answer.iter("*"):
        values = {local_name(child): _text(child) for child in element.iterchildren("*")}
        if _CODE_NAME in values or (local_name(element) == "response" and not _holds_rows(element)):
            rows.append(
                WireError(
                    code=values.get(_CODE_NAME, "").upper(),
                    text=_first(values, _TEXT_NAMES),
                    column=_first(values, _COLUMN_NAMES),
                )
            )
    if not rows:
        raise UnreadableReplyError("Spectrum's reply does not say whether the record is written.")
    return tuple(rows)


def _holds_rows(element: etree._Element) -> bool:
    return any(local_name(inner) == _CODE_NAME for inner in element.iterdescendants("*"))


def local_name(element: etree._Element) -> str:
    """An element's name in lower case, without its namespace."""
    return etree.QName(element).localname.lower()


def _text(element: etree._Element) -> str:
    return " ".join(etree.tostring(element, method="text", encoding="unicode", with_tail=False).split())[
        :_LONGEST_TEXT
    ]


def _first(values: dict[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if values.get(name)), "")
