"""HTTP: which address leads where, and how a connection is left.

Why the standard library's `http.server` and not a web framework: a faithful stand-in must be
able to misbehave below HTTP, that is, reset a connection after the record was stored, hang up
without a word, or end a reply in the middle. Here the socket is in reach, a hanging call costs
one thread and nobody else's time, and nothing retries, buffers or repairs a reply. It listens
for one machine's own traffic and is not meant to face a network.
"""

import contextlib
import logging
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.spectrum import control, lists, wsdl
from local.spectrum.endpoint import HTML, JSON, XML, Ending, Endpoint, Reply, layout_of
from local.spectrum.faults import BUTTONS
from local.spectrum.hosted import ROTATION, TOKEN
from local.spectrum.pages import Pages, as_json
from local.spectrum.subcontracts import SubcontractKey

TEXT = "text/plain; charset=utf-8"
LARGEST_BODY = 1_000_000

_STATIC = {"simulator.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)

_log = logging.getLogger("local.spectrum")


class SimulatorServer(ThreadingHTTPServer):
    """The listening socket and what its threads share."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.pages = Pages(endpoint.switches)
        self._busy = 0
        self._idle = threading.Condition()
        self._ending = threading.Event()
        self._refused_for = 0.0
        self._refusing = threading.Event()
        endpoint.site.refuse = self.refuse
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without asking DNS for the machine's name, which may take seconds where there is none."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it answers, without a trailing slash."""
        return f"http://{self.server_name}:{self.server_port}"

    def serve(self) -> None:
        """Take connections until `end`, but for the time in which they are refused."""
        while not self._ending.is_set():
            self.serve_forever(poll_interval=0.05)
            if self._ending.is_set():
                return
            # A closed listener is the only thing that a caller sees as a refused connection.
            self.socket.close()
            self._refusing.set()
            self._ending.wait(self._refused_for)
            self._refusing.clear()
            self._listen_again()

    def end(self) -> None:
        """Take no connection any more; `serve` returns."""
        self._ending.set()
        self.shutdown()

    def refuse(self, seconds: float) -> None:
        """Refuse every new connection for so long. It is refused already when this returns."""
        if not self._refusing.is_set():
            self._refused_for = seconds
            self.shutdown()
            self._refusing.wait()

    def _listen_again(self) -> None:
        self.server_address = (self.server_name, self.server_port)
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Counts a request, so that a stop can let it end."""
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until no request is under way, at most so long. Returns whether that was reached."""
        until = time.monotonic() + seconds
        with self._idle:
            while self._busy:
                if not self._idle.wait(until - time.monotonic()):
                    return False
        return True


class Handler(BaseHTTPRequestHandler):
    """One request; every connection is closed after it, so that no idle one goes stale."""

    server: SimulatorServer
    server_version = "SpectrumSimulator"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        with self.server.working():
            self._guarded(self._get)

    def do_POST(self) -> None:
        with self.server.working():
            self._guarded(self._post)

    def do_DELETE(self) -> None:
        with self.server.working():
            self._guarded(self._delete)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it)
        """Requests are in the log of calls; the standard one would print every address."""

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        except Exception:
            _log.exception("a request failed")
            self._send(500, b"The simulator failed; its output says why.\n", TEXT)

    def _get(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        match parts.path.strip("/").split("/"):
            case ["wsdls" | "vendors" as kind, *_] if not self._is_let_in(kind):
                pass
            case ["wsdls", name]:
                self._send_wsdl(name)
            case ["vendors", company]:
                authorization = self.headers.get("Authorization", "")
                switches = self.server.endpoint.switches
                vouched = not (self.server.endpoint.gateway.is_open or switches.basic_over_rest)
                reply = self._lists.vendors(unquote(company), authorization, query, vouched=vouched)
                self._send(reply.status, reply.body, reply.content_type)
            case ["healthz"]:
                self._send(200, b"ok\n", TEXT)
            case ["static", name] if name in _STATIC:
                self._send(200, (resources.files(__package__) / "static" / name).read_bytes(), _STATIC[name])
            case ["simulator", *address]:
                self._send_json(control.get(address, query, self.server.endpoint))
            case address:
                self._send_page(self._page(address, query))

    def _page(self, address: list[str], query: dict[str, str]) -> bytes | None:
        pages, faults = self.server.pages, self.server.endpoint.faults
        waiting = faults.waiting()
        if address == ["faults"]:
            return pages.fault_list(faults.all(), waiting)
        with self.server.endpoint.store.reading() as db:
            match address:
                case [""]:
                    return pages.subcontract_list(db, query, waiting)
                case ["subcontracts", company, vendor, number]:
                    key = SubcontractKey(unquote(company), unquote(vendor), unquote(number))
                    return pages.subcontract(db, key, waiting)
                case ["calls"]:
                    return pages.call_log(db, query, waiting)
                case ["calls", call] if (wanted := control.number(call)) is not None:
                    return pages.call(db, wanted, waiting)
        return None

    def _post(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/simulator/"):
            self._control(path)
            return
        if path == "/faults":
            self._set_fault()
            return
        if path.strip("/") in {TOKEN, ROTATION}:
            self._answer_hosted(path.strip("/"))
            return
        if path.startswith("/ws/") and not self._is_let_in("ws"):
            return
        method = path.removeprefix("/ws/") if path.startswith("/ws/") else ""
        layout = layout_of(method)
        body = self._body()
        if body is None:
            return
        if method in lists.LAYOUTS:
            self._deliver(self._lists.answer(self.server.endpoint.site.drift.of(lists.LAYOUTS[method]), body))
            return
        if layout is None:
            self._send_page(None)
            return
        self._finish(self.server.endpoint.answer(layout, body))

    def _set_fault(self) -> None:
        """A button of the page of faults; another site's page can't press it."""
        body = self._body()
        if body is None:
            return
        if self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            self._send(403, b"This is set on the page of faults itself.\n", TEXT)
            return
        chosen = dict(parse_qsl(body.decode("ascii", "replace"))).get("fault", "")
        endpoint = self.server.endpoint
        if chosen == "clear":
            control.delete(["faults"], endpoint)
        elif chosen in BUTTONS:
            control.post(["faults"], as_json({"faults": [dict(BUTTONS[chosen][1])]}), endpoint)
        self.send_response(303)
        self.send_header("Location", "/faults")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer_hosted(self, what: str) -> None:
        body = self._body()
        if body is not None:
            self._finish(self.server.endpoint.answer_hosted(what, body))

    def _is_let_in(self, kind: str) -> bool:
        """True if the gateway of a hosted site lets the request pass; else it is answered here."""
        endpoint, shown = self.server.endpoint, self.headers.get("Authorization", "")
        if kind == "ws" and endpoint.switches.basic_over_soap:
            lets_in = self._lists.knows(shown)
        elif kind == "vendors" and endpoint.switches.basic_over_rest:
            lets_in = True  # the list itself looks
        elif kind == "wsdls" and endpoint.switches.open_descriptions:
            lets_in = not shown
        else:
            lets_in = endpoint.gateway.lets_in(shown)
        if lets_in:
            return True
        if "Content-Length" in self.headers:
            self._body()
        self._send(401, b"A valid access token is needed.\n", TEXT)
        return False

    def _finish(self, reply: Reply) -> None:
        match reply.ending:
            case Ending.ANSWER:
                self._deliver(reply)
            case Ending.HANG_UP:
                self.close_connection = True
            case Ending.RESET:
                self._reset()

    def _delete(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/simulator/"):
            self._send_json(control.delete(path.split("/")[2:], self.server.endpoint))
        else:
            self._send_page(None)

    def _control(self, path: str) -> None:
        body = self._body()
        if body is None:
            return
        # A form on some web page can post here, but not with this type unless we allowed it to.
        if self.headers.get_content_type() != "application/json":
            self._send_json((415, {"error": "the content type must be application/json"}))
            return
        self._send_json(control.post(path.split("/")[2:], body, self.server.endpoint))

    @property
    def _lists(self) -> lists.Lists:
        endpoint = self.server.endpoint
        return lists.Lists(endpoint.store, endpoint.faults, endpoint.switches)

    def _body(self) -> bytes | None:
        """The request's body, or None when its length was refused and the refusal was sent."""
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,9}", length, re.ASCII):
            self._send(411, b"A Content-Length is needed.\n", TEXT)
            return None
        if int(length) > LARGEST_BODY:
            self._send(413, b"The request is too large.\n", TEXT)
            return None
        return self.rfile.read(int(length))

    def _send_wsdl(self, name: str) -> None:
        method = name.removesuffix(".jws") if name.endswith(".jws") else ""
        layout = layout_of(method) or lists.LAYOUTS.get(method)
        if layout is None:
            self._send_page(None)
            return
        # The address under which the caller came is the one that it can reach.
        host = self.headers.get("Host", "")
        site = self.server.endpoint.site
        layout = site.drift.of(layout)
        base = f"http://{host}" if re.fullmatch(r"[\w.\-:\[\]]+", host, re.ASCII) else self.server.url
        self._send(
            200,
            wsdl.describe(layout, f"{base}/ws/{layout.method}", qualified=site.drift.qualifies(layout)),
            XML,
        )

    def _send_page(self, page: bytes | None) -> None:
        if page is None:
            waiting = self.server.endpoint.faults.waiting()
            missing = self.server.pages.not_found("The server has nothing at this address.", waiting)
            self._send(404, missing, HTML)
        else:
            self._send(200, page, HTML)

    def _send_json(self, answer: control.Answer) -> None:
        status, document = answer
        self._send(status, as_json(document), JSON)

    def _deliver(self, reply: Reply) -> None:
        try:
            self._send(reply.status, reply.body, reply.content_type)
        except (BrokenPipeError, ConnectionResetError):
            self.server.endpoint.caller_gone(reply)
            raise

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        """Close so that the caller's kernel sees RST and not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The reader holds the descriptor too; the last of the two closes sends the RST.
        self.rfile.close()
        self.connection.close()
