"""SOAP 1.1, document/literal, as the published examples show it: reading requests, building replies."""

from collections.abc import Iterable, Mapping, Sequence

from lxml import etree

from local.spectrum.answers import GOOD_WITH_INFORMATION, Answer
from local.spectrum.layouts import Layout

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "http://www.northgate-is.com/proiv/webservices/types"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

# The published replies carry the encoding style although they are document/literal.
_ENCODING_STYLE = "http://schemas.xmlsoap.org/soap/encoding/"


class BadRequestError(Exception):
    """The body is not the SOAP request that the WSDL declares; answered with a SOAP fault."""

    def __init__(self, text: str, sent: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.sent = sent or {}


def read_request(body: bytes, layout: Layout) -> dict[str, str]:
    """The declared elements and their trimmed values. Raises BadRequestError.

    Elements may be qualified or not: sites differ, and public clients do both. Entities and
    document types are refused, nothing is ever fetched.
    """
    request = _request_element(body, layout)
    sent: dict[str, str] = {}
    for child in request:
        name = etree.QName(child)
        if name.namespace not in {None, TYPES} or name.localname not in layout.names:
            raise BadRequestError(f"Unexpected element {name.localname} in {layout.method}", sent)
        if len(child):
            raise BadRequestError(f"Element {name.localname} must hold text only", sent)
        if name.localname in sent:
            raise BadRequestError(f"Element {name.localname} occurs twice", sent)
        sent[name.localname] = (child.text or "").strip()
    absent = [name for name in layout.names if name not in sent]
    if absent:
        raise BadRequestError(f"Missing element {', '.join(absent)} in {layout.method}", sent)
    if tuple(sent) != layout.names:
        raise BadRequestError(f"The elements of {layout.method} are not in the declared order", sent)
    return sent


def reply(method: str, answers: Iterable[Answer]) -> bytes:
    """The reply to a Put: any number of `response` rows inside `returnData`, which no schema types."""
    return replies(method, answers)


def replies(method: str, *several: Iterable[Answer]) -> bytes:
    """A reply with so many answers; more than one is no honest server's."""
    envelope, body = _envelope()
    for answers in several:
        response = etree.SubElement(body, etree.QName(TYPES, f"{method}Response"), nsmap={"nis": TYPES})
        data = etree.SubElement(etree.SubElement(response, "returnArray"), "returnData")
        for answer in answers:
            row = etree.SubElement(data, "response")
            columns = answer.key or {"error_code": answer.code, "desc": answer.text, "column": answer.column}
            for name, value in columns.items():
                etree.SubElement(row, name).text = value
    return _bytes(envelope)


def with_bad_characters(method: str) -> bytes:
    """Information with an escape of an old record, a raw one, and a byte of Windows-1252 in its words."""
    words = Answer(GOOD_WITH_INFORMATION, "@", "Comment")
    return reply(method, [words]).replace(b">@<", b">Walls &#x1B; don\x92t \x1bmove<")


def list_reply(method: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """The reply to a Get: the rows inside an element named after the method, its first letter small."""
    envelope, body = _envelope()
    response = etree.SubElement(body, etree.QName(TYPES, f"{method}Response"), nsmap={"nis": TYPES})
    data = etree.SubElement(etree.SubElement(response, "returnArray"), "returnData")
    wrapper = etree.SubElement(data, method[:1].lower() + method[1:])
    for row in rows:
        element = etree.SubElement(wrapper, "response")
        for column in columns:
            etree.SubElement(element, column).text = row.get(column, "")
    return _bytes(envelope)


def fault(code: str, text: str) -> bytes:
    """A SOAP fault; `code` is Client or Server."""
    envelope, body = _envelope()
    element = etree.SubElement(body, etree.QName(ENVELOPE, "Fault"))
    etree.SubElement(element, "faultcode").text = f"SOAP-ENV:{code}"
    etree.SubElement(element, "faultstring").text = text
    return _bytes(envelope)


def _request_element(body: bytes, layout: Layout) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadRequestError("The request is not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadRequestError("The request must not hold a document type")
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise BadRequestError("The request is not a SOAP 1.1 envelope")
    bodies = root.findall(f"{{{ENVELOPE}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise BadRequestError("The envelope must hold one body with one request")
    request = bodies[0][0]
    if request.tag != f"{{{TYPES}}}{layout.method}":
        raise BadRequestError(f"The body must hold {layout.method} of {TYPES}")
    return request


def _envelope() -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(
        etree.QName(ENVELOPE, "Envelope"), nsmap={"SOAP-ENV": ENVELOPE, "xsd": XSD, "xsi": XSI}
    )
    envelope.set(etree.QName(ENVELOPE, "encodingStyle"), _ENCODING_STYLE)
    etree.SubElement(envelope, etree.QName(ENVELOPE, "Header"))
    return envelope, etree.SubElement(envelope, etree.QName(ENVELOPE, "Body"))


def _bytes(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
