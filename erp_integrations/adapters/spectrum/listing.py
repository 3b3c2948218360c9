"""What a list of Spectrum's means, and whether it is all of it.

A list is capped near 500 rows, with a trailing row of code W; a large one may lose its closing
tags, and with them the row that would have told. Neither is ever taken for the whole.
Source: docs/spectrum.md, section 6.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from erp_integrations.adapters.base import CannotTell, Unauthorised, WireError
from erp_integrations.adapters.spectrum.redaction import printable, readable, storable
from erp_integrations.adapters.spectrum.replies import (
    REFUSALS,
    WARNING,
    UnreadableReplyError,
    about_status,
    answer_in,
    is_about_the_connection,
    local_name,
    whole,
)
from erp_integrations.adapters.spectrum.wire import Exchange

Row = Mapping[str, str]
"""Column names in lower case, and trimmed values."""

CAP = 500
# With the row that tells of the cap, 501 and 502 were seen.
_NEAR_THE_CAP = range(CAP, CAP + 3)

_CODE = "error_code"
_TEXTS = ("error_description", "desc")
_COLUMNS = ("error_column", "column")
_NO_DATA = frozenset({_CODE, *_TEXTS, *_COLUMNS, "company_code"})


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of one reply, in its order; ``whole`` unless more of them may be there."""

    rows: tuple[Row, ...]
    whole: bool


class NotListedError(Exception):
    """There is no list; ``answer`` says why, with the secrets still in it."""

    def __init__(self, answer: Unauthorised | CannotTell) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def of_soap(exchange: Exchange, method: str) -> Listing:
    """The list in a reply of a Get service. Raises NotListedError."""
    _require_reply(exchange)
    try:
        responses, ended = _responses(exchange.body, method)
    except UnreadableReplyError as error:
        raise NotListedError(CannotTell(str(error))) from error
    return _listing([_row(element) for element in responses], ended=ended)


def of_json(exchange: Exchange) -> Listing:
    """The list in a reply of a REST service: an array of objects, bare or inside an object.

    Raises NotListedError.
    """
    _require_reply(exchange)
    text = storable(exchange.body).lstrip("\ufeff \t\r\n")
    try:
        rows, ended = _array(json.loads(text, strict=False)), True
    except ValueError:
        rows, ended = list(_objects_of_a_beginning(text)), False
    except RecursionError:
        rows, ended = None, True
    if rows is None or not text.startswith(("[", "{")):
        raise NotListedError(CannotTell("Spectrum's reply is no list."))
    return _listing([_plain(row) for row in rows], ended=ended)


def _require_reply(exchange: Exchange) -> None:
    if exchange.failure:
        raise NotListedError(CannotTell(exchange.failure))
    # Nothing is written here, so that a 403 can't stand over a finished write.
    if exchange.status in (401, 403):
        reason = f"Spectrum's server does not accept the connection's credentials ({exchange.status})."
        raise NotListedError(Unauthorised(reason))
    if exchange.status != 200:
        raise NotListedError(CannotTell(about_status(exchange)))


def _listing(rows: Sequence[Row], *, ended: bool) -> Listing:
    remarks = [_remark(row) for row in rows if row.get(_CODE)]
    data = tuple(row for row in rows if any(value for name, value in row.items() if name not in _NO_DATA))
    if complaint := next((remark for remark in remarks if remark.code != WARNING), None):
        raise NotListedError(_refusal(complaint))
    if len(data) + len(remarks) < len(rows):
        # Seen where a GUID had been used before: one row without a value, and no word about it.
        raise NotListedError(CannotTell("Spectrum answered with a row that says nothing."))
    # A warning without rows says that there are none, not that there are more.
    capped = bool(remarks and data) or len(data) in _NEAR_THE_CAP
    return Listing(data, whole=ended and not capped)


def _remark(row: Row) -> WireError:
    text, column = (next((row[name] for name in names if row.get(name)), "") for names in (_TEXTS, _COLUMNS))
    return WireError(row[_CODE].upper(), text, column)


def _refusal(complaint: WireError) -> Unauthorised | CannotTell:
    if is_about_the_connection(complaint):
        return Unauthorised(f"Spectrum does not let this connection in: {complaint.text}")
    if complaint.code in REFUSALS:
        return CannotTell(f"Spectrum refused to list them: {complaint.text or complaint.column}")
    return CannotTell(f"Spectrum answered with a code that is not known here ({complaint.code}).")


def _responses(body: bytes, method: str) -> tuple[list[etree._Element], bool]:
    """The rows of a reply, and whether it came to its end. Raises UnreadableReplyError."""
    try:
        envelope = whole(body)
    except UnreadableReplyError:
        return _responses_of_a_beginning(readable(body), method), False
    return [each for each in answer_in(envelope, method).iter("*") if _is_response(each)], True


def _responses_of_a_beginning(body: bytes, method: str) -> list[etree._Element]:
    """The whole rows of a reply that is plain XML up to where it broke off."""
    parser = etree.XMLPullParser(
        ("end",), resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False
    )
    try:
        parser.feed(body)
        events = parser.read_events()
        closed = [element for _, element in events if isinstance(element, etree._Element)]
    except etree.XMLSyntaxError as error:
        raise UnreadableReplyError("Spectrum's reply is not plain XML.") from error
    if not closed or closed[0].getroottree().docinfo.internalDTD is not None:
        raise UnreadableReplyError("Spectrum's reply is not whole, plain XML.")
    answer_in(closed[0].getroottree().getroot(), method)
    return [element for element in closed if _is_response(element)]


def _is_response(element: etree._Element) -> bool:
    return local_name(element) == "response" and not any(
        local_name(inner) == "response" for inner in element.iterdescendants("*")
    )


def _row(element: etree._Element) -> Row:
    return {
        local_name(child): etree.tostring(child, method="text", encoding="unicode", with_tail=False).strip()
        for child in element.iterchildren("*")
    }


def _plain(row: Mapping[str, Any]) -> Row:
    values = {name.lower(): "" if value is None else str(value) for name, value in row.items()}
    return {name: printable(value).strip() for name, value in values.items()}


def _array(document: Any) -> list[Mapping[str, Any]] | None:
    """The array of objects in a document; None where there is no single one."""
    if isinstance(document, list):
        return document if all(isinstance(each, dict) for each in document) else None
    if not isinstance(document, dict):
        return None
    if any(name.lower() == _CODE for name in document):
        return [document]
    found = [array for value in document.values() if (array := _array(value)) is not None]
    return found[0] if len(found) == 1 else None


def _objects_of_a_beginning(text: str) -> Iterator[Mapping[str, Any]]:
    """The whole objects at the beginning of an array that broke off."""
    decoder = json.JSONDecoder(strict=False)
    place = text.find("[") + 1
    while place:
        start = text.find("{", place)
        if start < 0 or text[place:start].strip(" ,\t\r\n"):
            return
        try:
            found, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return
        yield found
