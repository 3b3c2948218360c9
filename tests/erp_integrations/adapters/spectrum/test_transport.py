"""One call over a wire that breaks in every way that we know."""

import gzip
import logging
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree

from erp_integrations.adapters.base import (
    Accepted,
    Call,
    Element,
    NotSent,
    Outcome,
    Refused,
    ReplyRule,
    RuleKind,
    Unauthorised,
    Unknown,
    Unusable,
)
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings, wire
from tests.erp_integrations.adapters.examples import DOCUMENT, MASTERS
from tests.erp_integrations.adapters.spectrum import servers
from tests.erp_integrations.adapters.spectrum.servers import (
    Behaviour,
    Server,
    answering,
    reply,
    sending,
    serving,
)

AUTHORIZATION = "AUTH-7781-SECRET"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SUCCESS = reply(("S", "Successful", ""))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


def connected(base_url: str, **changes: object) -> SpectrumAdapter:
    settings = SpectrumSettings(
        base_url,
        "PHL",
        AUTHORIZATION,
        GUID,
        wsdls=servers.descriptions(),
        written=ReplyRule(RuleKind.CODES, frozenset("SG")),
        connect_timeout=5.0,
        read_timeout=5.0,
    )
    return SpectrumAdapter(replace(settings, **changes))  # type: ignore[arg-type]


HEADER, FIRST_LINE, _ = connected("http://127.0.0.1:1").build_calls(DOCUMENT, MASTERS, "SC-001")


def sent(behaviour: Behaviour, call: Call = HEADER, **changes: object) -> tuple[Outcome, Server]:
    with serving(behaviour) as server:
        return connected(server.url, **changes).send_call(call), server


def outcome(behaviour: Behaviour, **changes: object) -> Outcome:
    """The outcome, after making sure that exactly one request was made."""
    answer, server = sent(behaviour, HEADER, **changes)
    assert len(server.requests) == 1
    return answer


def told(answer: Outcome, kind: type[Unknown] | type[NotSent] | type[Unauthorised]) -> str:
    assert isinstance(answer, kind), answer
    return answer.reason


def test_a_whole_yes_is_accepted() -> None:
    answer = outcome(answering(SUCCESS))
    assert isinstance(answer, Accepted)
    assert "Successful" in answer.reply


@pytest.mark.parametrize("qualified", [False, True])
def test_the_request_is_what_the_site_describes(qualified: bool) -> None:
    wsdls = servers.descriptions(qualified=qualified)
    answer, server = sent(answering(SUCCESS), wsdls=wsdls)
    assert isinstance(answer, Accepted)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /ws/UpdateSubcontract HTTP/1.1\r\n")
    assert b"SOAPAction:" in head
    request = etree.fromstring(body)[0][0]
    assert request.tag == f"{{{servers.TYPES}}}UpdateSubcontract"
    namespace = f"{{{servers.TYPES}}}" if qualified else ""
    values = {child.tag: child.text or "" for child in request}
    expected = {"Authorization_ID": AUTHORIZATION, "GUID": GUID, **HEADER.payload}
    assert values == {namespace + name: value for name, value in expected.items()}
    assert [child.tag for child in request] == [namespace + name for name in expected]


def test_each_call_goes_to_its_own_service_below_the_configured_path() -> None:
    _, server = sent(
        answering(reply(("S", "", ""), method="UpdateSubcontractPhases")),
        FIRST_LINE,
        service_path="/spectrum/{method}/call",
    )
    assert server.requests[0].startswith(b"POST /spectrum/UpdateSubcontractPhases/call ")


# What never left us


def test_a_refused_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = connected(f"http://127.0.0.1:{port}").send_call(HEADER)
    assert answer == NotSent("Spectrum's server refused the connection.", transient=True)


def test_a_call_whose_time_is_past_is_not_sent_and_the_server_is_not_blamed() -> None:
    with serving(answering(SUCCESS)) as server:
        answer = connected(server.url).send_call(HEADER, until=time.monotonic())
    assert isinstance(answer, NotSent)
    assert (answer.transient, answer.internal_error) == (True, True)
    assert "took too long" in answer.reason
    assert server.requests == []


def test_an_unknown_name_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # A real look-up would depend on the machine's name service, and on how long it waits.
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = connected("http://spectrum.example:8482").send_call(HEADER)
    assert answer == NotSent("The name of Spectrum's server could not be found.", transient=True)


def test_a_server_that_does_not_take_the_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        # A full backlog drops further attempts in silence, as a firewall does.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        try:
            answer = connected(f"http://127.0.0.1:{address[1]}", connect_timeout=0.3).send_call(HEADER)
        finally:
            for filler in fillers:
                filler.close()
    assert answer == NotSent("Spectrum's server did not answer within 1 second.", transient=True)


def test_a_certificate_that_nobody_vouches_for_is_not_sent(certificate: Path) -> None:
    with serving(answering(SUCCESS), certificate=certificate) as server:
        answer = connected(server.url).send_call(HEADER)
        assert server.requests == []
    assert isinstance(answer, NotSent)
    assert answer.transient
    assert "No secure connection" in answer.reason


def test_a_yes_under_the_status_of_errors_is_no_yes() -> None:
    answer = outcome(answering(SUCCESS, status="422 No"), error_statuses=frozenset({422}))
    assert told(answer, Unknown) == "Spectrum confirmed the call under HTTP status 422."
    no = outcome(answering(reply(("I", "is wrong", "GL_Account")), status="422 No"), error_statuses={422})
    assert isinstance(no, Refused)


def test_a_fault_under_the_status_of_errors_is_still_unknown() -> None:
    answer = outcome(answering(servers.fault("busy"), status="500 Oh"), error_statuses=frozenset({500}))
    assert "Spectrum answered with a fault: busy" in told(answer, Unknown)


def test_a_server_that_speaks_no_tls_is_not_sent() -> None:
    with serving(answering(SUCCESS)) as server:
        answer = connected(server.url.replace("http", "https"), connect_timeout=0.3).send_call(HEADER)
    assert isinstance(answer, NotSent)


def test_a_certificate_that_the_connection_trusts_is_accepted(certificate: Path) -> None:
    with serving(answering(SUCCESS), certificate=certificate) as server:
        answer = connected(server.url, ca_file=str(certificate)).send_call(HEADER)
    assert isinstance(answer, Accepted)


def test_a_certificate_of_another_name_is_not_sent(certificate: Path) -> None:
    with serving(answering(SUCCESS), certificate=certificate) as server:
        named = server.url.replace("127.0.0.1", "localhost")
        answer = connected(named, ca_file=str(certificate)).send_call(HEADER)
        assert server.requests == []
    assert "No secure connection" in told(answer, NotSent)


def test_a_missing_file_of_certificates_is_not_sent(tmp_path: Path) -> None:
    answer = connected("https://127.0.0.1:1", ca_file=str(tmp_path / "none.pem")).send_call(HEADER)
    assert isinstance(answer, NotSent)


@pytest.mark.parametrize("value", ['"x"\r\nX-More: 1', '"x"\n X-More: 1'])
def test_a_header_of_more_than_one_line_is_not_sent(value: str) -> None:
    """SOAPAction is what a site's description says."""
    with serving(answering(SUCCESS)) as server:
        settings = connected(server.url).settings
        exchange = wire.send_request("POST", server.url, settings, headers={"SOAPAction": value})
        assert server.requests == []
    assert (exchange.bytes_sent, exchange.transient) == (False, False)
    assert exchange.failure


@pytest.mark.parametrize(
    "address",
    ["ftp://127.0.0.1:{}", "127.0.0.1:{}", "http://a:b@127.0.0.1:{}/", "http://[bad:{}", "http://:{}"],
)
def test_an_address_of_another_kind_is_not_called(address: str) -> None:
    with serving(answering(SUCCESS)) as server:
        exchange = wire.send_request("GET", address.format(server.port), connected(server.url).settings)
        assert server.requests == []
    assert (exchange.bytes_sent, exchange.transient) == (False, False)
    assert exchange.failure


def altered(call: Call, **values: str) -> Call:
    return replace(call, elements=tuple(Element(e.name, values.get(e.name, e.value)) for e in call.elements))


@pytest.mark.parametrize(
    ("call", "told_in"),
    [
        (altered(HEADER, Company_Code="NYC"), "Subcontract is for company NYC, not PHL."),
        (altered(HEADER, Subcontract_Number="X" * 11), "Subcontract_Number has 11 characters"),
        (altered(HEADER, Comment="Café"), "Comment has characters other than printable ASCII"),
        (altered(HEADER, Job_Number=""), "Job_Number is missing"),
        (altered(FIRST_LINE, Original_Contract_Amount="1,000.00"), "Line 1: Original_Contract_Amount is not"),
        (altered(FIRST_LINE, Phase_Code="03-300"), "Line 1: Phase_Code may not hold -"),
        (replace(HEADER, elements=HEADER.elements[:-1]), "does not have the fields of UpdateSubcontract"),
        (replace(HEADER, elements=HEADER.elements[::-1]), "does not have the fields of UpdateSubcontract"),
        (replace(HEADER, elements=(*HEADER.elements, Element("GUID", "x"))), "does not have the fields"),
        (replace(HEADER, method="DeleteEverything"), "DeleteEverything is no service of this adapter"),
    ],
)
def test_a_stored_call_that_the_layout_does_not_allow_never_leaves(call: Call, told_in: str) -> None:
    answer, server = sent(answering(SUCCESS), call)
    assert told_in in told(answer, NotSent)
    assert answer == NotSent(told(answer, NotSent), transient=False)
    assert server.requests == []


def test_without_a_kept_description_nothing_is_sent() -> None:
    answer, server = sent(answering(SUCCESS), wsdls={})
    assert "No description of UpdateSubcontract is kept" in told(answer, NotSent)
    assert server.requests == []


def described(*names: str) -> dict[str, str]:
    return {"UpdateSubcontract": servers.description("UpdateSubcontract", names).split("?>", 1)[1]}


def test_a_service_that_lacks_an_element_is_not_called_and_it_concerns_the_connection() -> None:
    names = ("Authorization_ID", "GUID", *(name for name in HEADER.payload if name != "Comment"), "Tax_Code")
    answer, server = sent(answering(SUCCESS), wsdls=described(*names))
    assert isinstance(answer, Unusable)
    assert answer.reason.startswith(
        "Spectrum's description of UpdateSubcontract has no Comment. It also has Tax_Code"
    )
    assert server.requests == []


def test_an_element_that_nobody_knows_is_sent_blank() -> None:
    names = ("Authorization_ID", "GUID", "Tax_Code", *HEADER.payload)
    answer, server = sent(answering(SUCCESS), wsdls=described(*names))
    assert isinstance(answer, Accepted)
    request = etree.fromstring(server.requests[0].partition(b"\r\n\r\n")[2])[0][0]
    assert [child.tag for child in request] == list(names)
    assert request[2].text is None


# What may have been written


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (servers.resetting, "connection to Spectrum broke"),
        (servers.closing, "connection to Spectrum broke"),
        (sending(b"HTTP/1.1 200 OK\r\nContent-"), "not complete, plain XML"),
        (sending(HEAD + b"Content-Length: 900\r\n\r\n" + SUCCESS.encode()), "connection to Spectrum broke"),
        (sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<e:En\r\n"), "connection to Spectrum broke"),
        (sending(HEAD + b"\r\n" + SUCCESS.encode()[:-30]), "not complete, plain XML"),
        (sending(b"\x00\xff garbage\r\n\r\n"), "connection to Spectrum broke"),
        (answering("", status="204 No Content"), "HTTP status 204"),
        (answering(SUCCESS, status="500 Internal Server Error"), "HTTP status 500"),
        (
            answering(servers.fault("Error executing Web Service"), status="500 Oh"),
            "Error executing Web Service",
        ),
        (answering("<html><body>Maintenance</body></html>", status="503 No", kind="text/html"), "status 503"),
        (answering(SUCCESS, status="302 Found", headers="Location: /elsewhere\r\n"), "HTTP status 302"),
        (answering(SUCCESS, status="307 Again", headers="Location: http://[bad\r\n"), "HTTP status 307"),
        (answering(SUCCESS, status="403 Forbidden"), "HTTP status 403"),
        (answering(SUCCESS, status="404 Not Found"), "HTTP status 404"),
        (answering("<html><p>Maintenance</html>", kind="text/html"), "not complete, plain XML"),
        (
            answering("<html><p>Maintenance</p></html>", kind="text/html"),
            "not an answer to UpdateSubcontract",
        ),
        (answering(""), "not complete, plain XML"),
        (answering(SUCCESS[:-20]), "not complete, plain XML"),
        (answering(servers.fault("Error executing Web Service")), "a fault: Error executing Web Service"),
        (answering(reply(("Z", "Hm", ""))), "an unknown code (Z)"),
        (answering(reply(("", "Hm", ""))), "an unknown code (blank)"),
        (answering(reply(("W", "Take care", ""))), "only a warning"),
        (answering(reply(("S", "Yes", ""), ("I", "No", ""))), "both confirmed and refused"),
        (answering(reply()), "does not say whether"),
        (answering(reply(("S", "", ""), method="GetJob")), "not an answer to UpdateSubcontract"),
        (answering(servers.envelope("")), "not an answer to UpdateSubcontract"),
        (answering("<!DOCTYPE e [<!ENTITY x 'S'>]>" + SUCCESS.split("?>")[1]), "not complete, plain XML"),
        (answering("<!DOCTYPE e>" + SUCCESS.split("?>")[1]), "not complete, plain XML"),
        (answering(b"<a>" * 100_000 + b"</a>" * 100_000), "not complete, plain XML"),
        (answering(gzip.compress(SUCCESS.encode())[:-12], headers="Content-Encoding: gzip\r\n"), "Spectrum"),
    ],
)
def test_a_reply_that_is_not_plainly_yes_or_no_is_unknown(behaviour: Behaviour, reason: str) -> None:
    assert reason in told(outcome(behaviour), Unknown)


@pytest.mark.parametrize(
    "behaviour", [servers.silent, sending(HEAD + b"Content-Length: 900\r\n\r\n<e:", pause=9)]
)
def test_silence_is_unknown(behaviour: Behaviour) -> None:
    answer = outcome(behaviour, read_timeout=0.3)
    assert told(answer, Unknown) == "Spectrum did not reply within 1 second."


def test_what_had_come_of_a_reply_is_kept() -> None:
    answer = outcome(sending(HEAD + b"Content-Length: 900\r\n\r\n<e:Envelope>half"))
    assert isinstance(answer, Unknown)
    assert answer.reply == "<e:Envelope>half"


def trickling(connection: socket.socket, ending: threading.Event) -> None:
    while not ending.wait(0.1):
        connection.sendall(b" ")


def trickling_headers(connection: socket.socket, ending: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not ending.wait(0.1):
        connection.sendall(b"X-Wait: a little\r\n")


def trickling_body(connection: socket.socket, ending: threading.Event) -> None:
    connection.sendall(HEAD + b"\r\n" + SUCCESS.encode())
    trickling(connection, ending)


@pytest.mark.parametrize("behaviour", [trickling, trickling_headers, trickling_body])
def test_a_server_that_keeps_the_line_warm_holds_nobody_for_ever(behaviour: Behaviour) -> None:
    answer = outcome(behaviour, read_timeout=0.5, connect_timeout=0.2)
    assert told(answer, Unknown) == "Spectrum's reply was not complete after 1 second."


def test_a_server_that_trickles_over_tls_is_cut_too(certificate: Path) -> None:
    with serving(trickling_body, certificate=certificate) as server:
        answer = connected(
            server.url, ca_file=str(certificate), read_timeout=0.5, connect_timeout=0.2
        ).send_call(HEADER)
    assert told(answer, Unknown) == "Spectrum's reply was not complete after 1 second."


def test_a_reply_without_end_is_not_read_to_its_end() -> None:
    answer, _ = sent(sending(HEAD + b"\r\n", *[b" " * 65536] * 64))
    assert told(answer, Unknown) == "Spectrum's reply was longer than 1024 kB."
    assert isinstance(answer, Unknown)
    assert len(answer.reply) <= 20_000


def test_a_redirect_without_end_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n"
    answer, server = sent(sending(head, *[b" " * 65536] * 64))
    assert "longer than 1024 kB" in told(answer, Unknown)
    assert len(server.requests) == 1


def test_a_small_reply_that_unpacks_to_a_huge_one_is_not_read_to_its_end() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    answer = outcome(answering(bomb, headers="Content-Encoding: gzip\r\n"))
    assert "longer than 1024 kB" in told(answer, Unknown)


def test_a_redirect_is_not_followed() -> None:
    with serving(answering(SUCCESS)) as elsewhere:
        answer = outcome(
            answering("", status="307 Temporary Redirect", headers=f"Location: {elsewhere.url}/ws\r\n")
        )
        assert elsewhere.requests == []
    assert isinstance(answer, Unknown)


def test_a_packed_reply_is_read() -> None:
    answer = outcome(answering(gzip.compress(SUCCESS.encode()), headers="Content-Encoding: gzip\r\n"))
    assert isinstance(answer, Accepted)


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert isinstance(outcome(answering(SUCCESS)), Accepted)


# Who may come in


def test_http_401_concerns_the_connection() -> None:
    assert "(401)" in told(outcome(answering("", status="401 Unauthorized")), Unauthorised)


# Secrets


ECHO = f"Authorization {AUTHORIZATION.lower()} with {GUID} &amp; more"


def leaks(text: str) -> list[str]:
    return [secret for secret in (AUTHORIZATION, GUID) if secret.lower() in text.lower()]


@pytest.mark.parametrize(
    "behaviour",
    [
        answering(reply(("S", f"ok {AUTHORIZATION}", GUID))),
        answering(reply(("I", f"bad {AUTHORIZATION}", GUID))),
        answering(reply(("A", f"not authorised: {AUTHORIZATION} {GUID}", ""))),
        answering(reply(("Z", f"{AUTHORIZATION}", GUID))),
        answering(servers.fault(f"no session {GUID} for {AUTHORIZATION}"), status="500 Oh"),
        answering(servers.fault(f"no session {GUID} for {AUTHORIZATION}")),
        answering(f"<html>{AUTHORIZATION} {GUID}", kind="text/html"),
        answering(f"{AUTHORIZATION} {GUID}".encode("utf-16")),
        answering(f"{AUTHORIZATION}", status="401 Unauthorized"),
        sending(HEAD + f"Content-Length: 900\r\n\r\n<GUID>{GUID} {AUTHORIZATION}".encode()),
    ],
)
def test_no_outcome_and_no_log_carries_a_secret(
    behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = outcome(behaviour)
    assert leaks(repr(answer)) == []
    assert leaks(caplog.text) == []


def test_a_beginning_of_a_secret_at_a_break_is_removed_too() -> None:
    answer = outcome(sending(HEAD + f"Content-Length: 900\r\n\r\n<p>{GUID[:20]}".encode()))
    assert isinstance(answer, Unknown)
    assert GUID[:8] not in answer.reply


def test_settings_show_no_secret() -> None:
    assert leaks(repr(connected("http://127.0.0.1:1").settings)) == []


def test_a_reply_can_be_stored_whatever_it_is_made_of() -> None:
    answer = outcome(answering(bytes(range(256)) * 10))
    assert isinstance(answer, Unknown)
    assert "\x00" not in answer.reply
    answer.reply.encode()


@pytest.mark.parametrize("url", ["ftp://host", "host:8482", "http://user:pass@host", "http://host/?a=b", ""])
def test_an_address_that_is_more_or_less_than_an_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        SpectrumSettings(url, "PHL", "x")


def test_refusals_carry_every_complaint_with_its_field() -> None:
    answer = outcome(
        answering(
            reply(("I", "Vendor_Code does not exist", "Vendor_Code"), ("M", "is required", "GL_Account"))
        )
    )
    assert isinstance(answer, Refused)
    assert [(error.code, error.column) for error in answer.errors] == [
        ("I", "Vendor_Code"),
        ("M", "GL_Account"),
    ]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that only itself vouches for, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path
