"""A list of Spectrum's, and whether it is all of it.

A list is capped near 500 rows, with a trailing row of code W; a large one may lose its closing
tags, and with them the row that would have told. Neither is ever taken for the whole.
Source: docs/spectrum.md, section 6.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from erp_integrations.adapters.base import Unauthorised, Unavailable, WireError
from erp_integrations.adapters.spectrum.redaction import clean_reply_text, clean_reply_xml, clean_unprintable
from erp_integrations.adapters.spectrum.replies import (
    REFUSALS,
    WARNING,
    UnreadableReplyError,
    describe_status,
    get_answer,
    get_first_value,
    get_local_name,
    is_connection_error,
    parse_envelope,
)
from erp_integrations.adapters.spectrum.wire import Exchange

Row = Mapping[str, str]
"""Column names in lower case, and trimmed values."""

LIST_CAP = 500
# With the row that tells of the cap, 501 and 502 were seen.
_CAPPED_COUNTS = range(LIST_CAP, LIST_CAP + 3)

_CODE = "error_code"
_TEXTS = ("error_description", "desc")
_COLUMNS = ("error_column", "column")
_NO_DATA = frozenset({_CODE, *_TEXTS, *_COLUMNS, "company_code"})


@dataclass(frozen=True, slots=True)
class ListResponse:
    """The rows of one reply, in its order; ``is_complete`` unless more of them may be there."""

    rows: tuple[Row, ...]
    is_complete: bool


class ListUnavailableError(Exception):
    """There is no list; ``answer`` says why, with the secrets still in it."""

    def __init__(self, answer: Unauthorised | Unavailable | str) -> None:
        self.answer = Unavailable(answer) if isinstance(answer, str) else answer
        super().__init__(self.answer.reason)


def parse_soap_list(exchange: Exchange, method: str) -> ListResponse:
    """The list in a reply of a Get service. Raises ListUnavailableError."""
    require_list_reply(exchange)
    try:
        responses, ended = find_response_elements(exchange.body, method)
    except UnreadableReplyError as error:
        raise ListUnavailableError(str(error)) from error
    return build_list_response([parse_row(element) for element in responses], ended=ended)


def parse_json_list(exchange: Exchange) -> ListResponse:
    """The list in a reply of a REST service: an array of objects, bare or inside an object.

    Raises ListUnavailableError.
    """
    require_list_reply(exchange)
    text = clean_reply_text(exchange.body).lstrip("\ufeff \t\r\n")
    try:
        rows, ended = _find_array(json.loads(text, strict=False)), True
    except ValueError:
        rows, ended = list(parse_truncated_json(text)), False
    except RecursionError:
        rows, ended = None, True
    if rows is None or not text.startswith(("[", "{")):
        raise ListUnavailableError("Spectrum's reply is not a list.")
    return build_list_response([_clean_json_row(row) for row in rows], ended=ended)


def require_list_reply(exchange: Exchange) -> None:
    if exchange.failure:
        raise ListUnavailableError(exchange.failure)
    # Nothing is written here, so that a 403 can't stand over a finished write.
    if exchange.status in (401, 403):
        reason = f"Spectrum's server does not accept the connection's credentials ({exchange.status})."
        raise ListUnavailableError(Unauthorised(reason))
    if exchange.status != 200:
        raise ListUnavailableError(describe_status(exchange))


def build_list_response(rows: Sequence[Row], *, ended: bool) -> ListResponse:
    remarks = [
        WireError(row[_CODE].upper(), get_first_value(row, _TEXTS), get_first_value(row, _COLUMNS))
        for row in rows
        if row.get(_CODE)
    ]
    data = tuple(row for row in rows if any(value for name, value in row.items() if name not in _NO_DATA))
    if complaint := next((remark for remark in remarks if remark.code != WARNING), None):
        raise ListUnavailableError(build_refusal(complaint))
    if len(data) + len(remarks) < len(rows):
        # Seen where a GUID had been used before: one row without a value, and no word about it.
        raise ListUnavailableError("Spectrum answered with an empty row.")
    # A warning without rows says that there are none, not that there are more.
    capped = bool(remarks and data) or len(data) in _CAPPED_COUNTS
    return ListResponse(data, is_complete=ended and not capped)


def build_refusal(complaint: WireError) -> Unauthorised | Unavailable:
    if is_connection_error(complaint):
        return Unauthorised(f"Spectrum does not let this connection in: {complaint.text}")
    if complaint.code in REFUSALS:
        return Unavailable(f"Spectrum refused to list them: {complaint.text or complaint.column}")
    return Unavailable(f"Spectrum answered with an unknown code ({complaint.code}).")


def find_response_elements(body: bytes, method: str) -> tuple[list[etree._Element], bool]:
    """The rows of a reply, and whether it came to its end. Raises UnreadableReplyError."""
    try:
        envelope = parse_envelope(body)
    except UnreadableReplyError:
        return find_truncated_responses(clean_reply_xml(body), method), False
    return [each for each in get_answer(envelope, method).iter("*") if _is_response(each)], True


def find_truncated_responses(body: bytes, method: str) -> list[etree._Element]:
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
        raise UnreadableReplyError("Spectrum's reply is not complete, plain XML.")
    get_answer(closed[0].getroottree().getroot(), method)
    return [element for element in closed if _is_response(element)]


def _is_response(element: etree._Element) -> bool:
    return get_local_name(element) == "response" and not any(
        get_local_name(inner) == "response" for inner in element.iterdescendants("*")
    )


def parse_row(element: etree._Element) -> Row:
    return {
        get_local_name(child): etree.tostring(
            child, method="text", encoding="unicode", with_tail=False
        ).strip()
        for child in element.iterchildren("*")
    }


def _clean_json_row(row: Mapping[str, Any]) -> Row:
    values = {name.lower(): "" if value is None else str(value) for name, value in row.items()}
    return {name: clean_unprintable(value).strip() for name, value in values.items()}


def _find_array(document: Any) -> list[Mapping[str, Any]] | None:
    """The array of objects in a document; None where there is no single one."""
    if isinstance(document, list):
        return document if all(isinstance(each, dict) for each in document) else None
    if not isinstance(document, dict):
        return None
    if any(name.lower() == _CODE for name in document):
        return [document]
    found = [array for value in document.values() if (array := _find_array(value)) is not None]
    return found[0] if len(found) == 1 else None


def parse_truncated_json(text: str) -> Iterator[Mapping[str, Any]]:
    """The whole objects at the beginning of an array that broke off."""
    decoder = json.JSONDecoder(strict=False)
    position = text.find("[") + 1
    while position:
        start = text.find("{", position)
        if start < 0 or text[position:start].strip(" ,\t\r\n"):
            return
        try:
            found, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return
        yield found
