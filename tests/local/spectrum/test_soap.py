"""The wire: WSDL, envelopes, faults, and what a hostile or careless body gets."""

import pytest
import zeep.exceptions

from tests.local.spectrum.conftest import Caller
from tests.local.spectrum.test_layouts import HEADER_ORDER
from tests.simulator import AUTHORIZATION_ID

TYPES = "http://www.northgate-is.com/proiv/webservices/types"


def envelope(
    *, elements: str, namespace: str = TYPES, prolog: str = "", method: str = "UpdateSubcontract"
) -> bytes:
    return (
        f'{prolog}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<t:{method} xmlns:t="{namespace}">{elements}</t:{method}></s:Body></s:Envelope>'
    ).encode()


def elements(number: str, prefix: str = "", without: str = "", extra: str = "") -> str:
    values = {
        "Authorization_ID": AUTHORIZATION_ID,
        "GUID": "one",
        "Company_Code": "PHL",
        "Vendor_Code": "ACME",
        "Subcontract_Number": number,
        "Job_Number": "24-001",
        "GL_Account": "500100",
    }
    rows = [
        f"<{prefix}{name}>{values.get(name, '')}</{prefix}{name}>"
        for name in HEADER_ORDER.split()
        if name != without
    ]
    return "".join(rows) + extra


def _post(caller: Caller, body: bytes, path: str = "/ws/UpdateSubcontract") -> tuple[int, str, bytes]:
    return caller.raw("POST", path, body, Content_Type="text/xml; charset=utf-8", SOAPAction='""')


def test_the_wsdl_says_where_the_endpoint_is_and_names_it_as_soap_action(caller: Caller) -> None:
    status, kind, body = caller.raw("GET", "/wsdls/UpdateSubcontract.jws", Host="erp.example:8482")
    assert (status, kind) == (200, "text/xml; charset=utf-8")
    assert b'location="http://erp.example:8482/ws/UpdateSubcontract"' in body
    assert b'soapAction="http://erp.example:8482/ws/UpdateSubcontract"' in body
    assert b'targetNamespace="http://www.northgate-is.com/proiv/webservices/wsdl"' in body


def test_a_host_header_can_not_write_into_the_wsdl(caller: Caller) -> None:
    _, _, body = caller.raw("GET", "/wsdls/UpdateSubcontract.jws", Host='x"/><evil y="')
    assert b"evil" not in body


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/wsdls/AddEverything.jws"),
        ("GET", "/wsdls/UpdateSubcontract"),
        ("GET", "/ws/UpdateSubcontract"),
        ("POST", "/ws/AddEverything"),
        ("POST", "/somewhere"),
    ],
)
def test_what_is_not_served_is_an_html_404(caller: Caller, verb: str, path: str) -> None:
    status, kind, body = caller.raw(verb, path)
    assert (status, kind) == (404, "text/html; charset=utf-8")
    assert b"<h1>Not found</h1>" in body


@pytest.mark.parametrize("prefix", ["", "t:"])
def test_elements_may_be_qualified_or_not(caller: Caller, number: str, prefix: str) -> None:
    status, kind, body = _post(caller, envelope(elements=elements(number, prefix)))
    assert (status, kind) == (200, "text/xml; charset=utf-8")
    assert b"<returnArray><returnData/></returnArray>" in body
    assert caller.simulator.record(number) is not None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (elements("F1", without="Cost_Center_Override"), b"Missing element Cost_Center_Override"),
        (elements("F1", extra="<Nickname>x</Nickname>"), b"Unexpected element Nickname"),
        (elements("F1", extra="<GUID/>"), b"Element GUID occurs twice"),
        (elements("F1", without="GUID", extra="<GUID/>"), b"not in the declared order"),
        (elements("F1").replace("PHL", "<b>PHL</b>"), b"Element Company_Code must hold text only"),
    ],
)
def test_a_request_that_is_not_what_the_wsdl_declares_gets_a_soap_fault(
    caller: Caller, given: str, says: bytes
) -> None:
    status, _, body = _post(caller, envelope(elements=given))
    assert status == 500
    assert b"<faultcode>SOAP-ENV:Client</faultcode>" in body
    assert says in body
    assert caller.simulator.record("F1") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<a/>",
        b"\x00\xff",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        envelope(elements=elements("F1"), namespace="urn:other"),
        envelope(elements=elements("F1"), method="UpdateSubcontractPhases"),
        envelope(elements=elements("F1"))[:-30],
        envelope(elements=elements("F1").replace("<GUID>one</GUID>", "<GUID>\x01</GUID>")),
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
    ],
)
def test_a_body_that_is_no_request_gets_a_soap_fault(caller: Caller, body: bytes) -> None:
    status, kind, reply = _post(caller, body)
    assert (status, kind) == (500, "text/xml; charset=utf-8")
    assert b"SOAP-ENV:Fault" in reply


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
def test_document_types_and_entities_are_refused(caller: Caller, doctype: str) -> None:
    reference = "&secret;" if "secret" in doctype else "x"
    inside = elements("F1").replace("<Comment></Comment>", f"<Comment>{reference}</Comment>")
    status, _, body = _post(caller, envelope(elements=inside, prolog=doctype))
    assert status == 500
    assert b"must not hold a document type" in body


def test_a_call_that_zeep_would_not_build_never_leaves(caller: Caller) -> None:
    with pytest.raises(zeep.exceptions.ValidationError, match="Missing element"):
        caller.service("UpdateSubcontract").service.UpdateSubcontract(Authorization_ID="x")


def test_a_request_without_a_length_or_with_a_huge_one_is_turned_away(caller: Caller) -> None:
    path = "/ws/UpdateSubcontract"
    assert caller.raw("POST", path, Content_Length="many")[0] == 411
    assert caller.raw("POST", path, Content_Length="999999999")[0] == 413


def test_the_call_log_keeps_everything_but_the_secrets(caller: Caller, number: str) -> None:
    secret = "0f9a4c1e-1111-4222-8333-5d6e7f8a9bcd"
    caller.header(Subcontract_Number=number, GUID=secret, Comment="Roof")
    call = caller.simulator.calls()[-1]
    assert call["elements"]["Authorization_ID"] == "••••7Q"
    assert call["elements"]["GUID"] == "••••cd"
    assert call["elements"]["Comment"] == "Roof"
    assert (call["method"], call["number"]) == ("UpdateSubcontract", number)
    assert (call["outcome"], call["wire"], call["stored"]) == ("accepted", "answered", True)
    assert call["answers"] == []
    assert "<returnData/>" in call["reply"]
    assert 0 <= call["milliseconds"] < 5000
    everything = caller.simulator.database.read_bytes() + caller.simulator.output.read_bytes()
    log = caller.simulator.database.with_name("spectrum.sqlite3-wal")
    everything += log.read_bytes() if log.exists() else b""
    assert secret.encode() not in everything


def test_the_call_log_shows_refused_calls_and_faults_too(caller: Caller, number: str) -> None:
    caller.header(Subcontract_Number=number, Vendor_Code="NOBODY")
    _post(caller, b"not xml")
    refused, fault = caller.simulator.calls()[-2:]
    assert (refused["outcome"], refused["stored"]) == ("refused", False)
    assert refused["answers"][0]["column"] == "Vendor_Code"
    assert (fault["outcome"], fault["stored"], fault["elements"]) == ("fault", False, {})
