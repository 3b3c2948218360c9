"""Servers of a few lines, each of which breaks the wire in one way."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from erp_integrations.adapters.spectrum.service_fields import LAYOUTS

TYPES = "http://www.northgate-is.com/proiv/webservices/types"
XML = "text/xml; charset=utf-8"

Behaviour = Callable[[socket.socket, threading.Event], None]


@dataclass
class Server:
    """A running server, as a test may know it. ``requests`` are those that were read whole."""

    port: int
    scheme: str = "http"
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@contextmanager
def serving(behaviour: Behaviour, *, certificate: Path | None = None) -> Iterator[Server]:
    """Read each request whole, then do what the test wants; ends with the block."""
    ending = threading.Event()
    workers: list[threading.Thread] = []
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1], "https" if certificate else "http")

        def work(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                spoken = context.wrap_socket(connection, server_side=True) if context else connection
                with spoken:
                    server.requests.append(_request(spoken))
                    behaviour(spoken, ending)

        def listen() -> None:
            with suppress(OSError):
                while not ending.is_set():
                    worker = threading.Thread(target=work, args=(listener.accept()[0],), daemon=True)
                    workers.append(worker)
                    worker.start()

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        try:
            yield server
        finally:
            ending.set()
            listener.shutdown(socket.SHUT_RDWR)
            listening.join(5)
            for worker in workers:
                worker.join(5)


def answering(body: str | bytes, *, status: str = "200 OK", kind: str = XML, headers: str = "") -> Behaviour:
    """A whole reply."""
    content = body.encode() if isinstance(body, str) else body

    def behave(connection: socket.socket, ending: threading.Event) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + content)

    return behave


def sending(*pieces: bytes, pause: float = 0) -> Behaviour:
    """Raw bytes, with a pause between the pieces, and then the end of the connection."""

    def behave(connection: socket.socket, ending: threading.Event) -> None:
        for piece in pieces:
            connection.sendall(piece)
            if ending.wait(pause):
                return

    return behave


def silent(connection: socket.socket, ending: threading.Event) -> None:
    """Never a word."""
    ending.wait()


def resetting(connection: socket.socket, ending: threading.Event) -> None:
    """A reset after the whole request was read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closing(connection: socket.socket, ending: threading.Event) -> None:
    """A plain end of the connection, without a reply."""


def reply(
    *rows: tuple[str, str, str],
    method: str = "UpdateSubcontract",
    names: tuple[str, str, str] = ("error_code", "desc", "column"),
    wrapper: str = "",
    prefix: str = "",
) -> str:
    """A reply as Spectrum's pages show it, in one of its spellings."""
    inner = "".join(
        f"<{prefix}response>"
        + "".join(
            f"<{prefix}{name}>{escape(value)}</{prefix}{name}>"
            for name, value in zip(names, row, strict=True)
        )
        + f"</{prefix}response>"
        for row in rows
    )
    if wrapper:
        inner = f"<{prefix}{wrapper}>{inner}</{prefix}{wrapper}>"
    data = f"<{prefix}returnArray><{prefix}returnData>{inner}</{prefix}returnData></{prefix}returnArray>"
    return envelope(f'<n:{method}Response xmlns:n="{TYPES}">{data}</n:{method}Response>')


def fault(text: str) -> str:
    """A SOAP fault of the server."""
    return envelope(
        f"<e:Fault><faultcode>SOAP-ENV:Server</faultcode><faultstring>{text}</faultstring></e:Fault>"
    )


def envelope(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f"{body}</e:Body></e:Envelope>"
    )


def description(
    method: str,
    names: tuple[str, ...] | None = None,
    *,
    qualified: bool = False,
    address: str = "http://wrong.invalid/ws",
    schema: str = "",
) -> str:
    """A site's WSDL of one method. Its address is wrong on purpose: nobody may go there."""
    elements = "".join(
        f'<xsd:element name="{name}" type="xsd:string"/>'
        for name in (LAYOUTS[method].names if names is None else names)
    )
    form = ' elementFormDefault="qualified"' if qualified else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions name="{method}" targetNamespace="urn:site" xmlns:tns="urn:site" xmlns:t="{TYPES}"
  xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <wsdl:types><xsd:schema targetNamespace="{TYPES}"{form}>{schema}
    <xsd:element name="{method}"><xsd:complexType><xsd:sequence>{elements}</xsd:sequence></xsd:complexType>
    </xsd:element>
    <xsd:element name="{method}Response"><xsd:complexType><xsd:sequence>
      <xsd:element name="returnArray" type="xsd:anyType"/>
    </xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></wsdl:types>
  <wsdl:message name="In"><wsdl:part name="parameters" element="t:{method}"/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="parameters" element="t:{method}Response"/></wsdl:message>
  <wsdl:portType name="Port"><wsdl:operation name="{method}">
    <wsdl:input message="tns:In"/><wsdl:output message="tns:Out"/>
  </wsdl:operation></wsdl:portType>
  <wsdl:binding name="Binding" type="tns:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="{method}"><soap:operation soapAction="{address}"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input>
      <wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="Service"><wsdl:port name="Port" binding="tns:Binding">
    <soap:address location="{address}"/>
  </wsdl:port></wsdl:service>
</wsdl:definitions>"""


def descriptions(**options: bool) -> dict[str, str]:
    """Both descriptions, as a connection keeps them: without a declaration."""
    return {method: description(method, **options).split("?>", 1)[1].strip() for method in LAYOUTS}  # type: ignore[arg-type]


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("the caller went away")
    return piece
