"""One HTTP attempt and its evidence.

Bounded in time and in size, on a connection of its own, never followed, never repeated.
Whether anything left us is not guessed from the kind of error: the connection notes the
moment when the first byte of the request is handed to the network.
"""

import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Url, parse_url
from urllib3.util.connection import create_connection
from urllib3.util.ssl_ import create_urllib3_context

from erp_integrations.adapters.addresses import ForbiddenAddressError, require_allowed
from erp_integrations.adapters.spectrum.settings import SpectrumSettings

MAX_REPLY_BYTES = 1024 * 1024
"""Bytes. Both replies to writes and descriptions are a few thousand."""

MAX_LIST_BYTES = 32 * MAX_REPLY_BYTES
"""Bytes. A list of 500 rows is about one million; where lists are not capped, they are longer."""

TOO_LATE = "The worker took too long between its check and the call, so nothing was sent."

_CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything known after one attempt.

    ``bytes_sent`` tells whether any part of the request may have left us. ``failure`` is blank when a
    whole reply came, and else a sentence without secrets; ``transient`` then tells whether trying
    again can help, or the connection itself is at fault, and ``internal_error`` that the server has no part
    in it. ``body`` holds what had come until then.
    """

    bytes_sent: bool
    status: int = 0
    content_type: str = ""
    body: bytes = b""
    failure: str = ""
    transient: bool = True
    internal_error: bool = False


def get_effective_exchange(exchange: Exchange, settings: SpectrumSettings) -> Exchange:
    """The exchange as one under status 200, where this site puts errors of its own under another one."""
    if exchange.failure or exchange.status not in settings.error_statuses:
        return exchange
    return replace(exchange, status=200)


class TooLateError(Exception):
    """The time in which the request might be handed over is past."""


class ReplyTooLongError(Exception):
    """The server sent more than any honest reply has."""


def send_request(
    verb: str,
    url: str,
    settings: SpectrumSettings,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    longest_reply: int = MAX_REPLY_BYTES,
    until: float = math.inf,
) -> Exchange:
    """Send one request and read its reply, whatever happens.

    Lasts at most ``settings.longest_call`` from the moment when the server's name is resolved; a
    reply of more than ``longest_reply`` bytes is a failure. Nothing is handed to the network after
    ``until``, of ``time.monotonic()``: a process that was frozen meanwhile is held back at the last moment.
    """
    if settings.require_https and not url.lower().startswith("https://"):
        return Exchange(
            bytes_sent=False,
            failure="The address of Spectrum's server is not an https address.",
            transient=False,
        )
    line = _AttemptConnection(until)
    reply: urllib3.BaseHTTPResponse | None = None
    received = bytearray()
    # The read time-out starts anew with every byte, so it alone lets a slow server hold us for ever.
    _watchdog.add(line, settings.longest_call)
    try:
        target = parse_url(url)
        with closing(build_connection(target, line, settings.ca_file)) as connection:
            connection.timeout = settings.connect_timeout
            written = _build_headers(headers or {})
            connection.request(
                verb, target.request_uri, body=body or None, headers=written, preload_content=False
            )
            connection.timeout = settings.read_timeout
            reply = connection.getresponse()
            while chunk := reply.read1(_CHUNK_BYTES, decode_content=True):
                received += chunk  # as it comes, so that what came before a break is not lost
                if len(received) > longest_reply:
                    raise ReplyTooLongError(longest_reply)
        failure = describe_timeout(settings) if line.expired else ""
    except Exception as error:  # Whatever the libraries raise, what left us is known from the line alone.
        return Exchange(
            bytes_sent=line.bytes_sent,
            status=reply.status if reply is not None else 0,
            body=bytes(received),
            failure=describe_failure(error, line, settings),
            transient=isinstance(error, ssl.SSLError) or not isinstance(error, ValueError),
            internal_error=isinstance(error, TooLateError),
        )
    finally:
        _watchdog.delete(line)
        line.close()
    return Exchange(
        bytes_sent=line.bytes_sent,
        status=reply.status,
        content_type=reply.headers.get("Content-Type", ""),
        body=bytes(received),
        failure=failure,
    )


class _AttemptConnection:
    """The connection of one attempt: what was done on it, and the means to cut it."""

    def __init__(self, until: float) -> None:
        self.bytes_sent = False
        self.expired = False
        self._until = until
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def record_first_byte(self) -> None:
        """Raise TooLateError when the time for it is past. From here on something may have left us."""
        if time.monotonic() > self._until:
            raise TooLateError
        self.bytes_sent = True

    def add_handle(self, connection: socket.socket) -> bool:
        """Keep a second handle on a new connection; False if the time is over already."""
        with self._lock:
            # A duplicate stays valid when TLS takes the socket over, and ends the same connection.
            self._handle = connection.dup()
            return not self.expired

    def end(self) -> None:
        """End the connection from another thread; a blocked read or write returns at once."""
        with self._lock:
            self.expired = True
            if self._handle is not None:
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None


class _Watchdog:
    """Ends the connections whose time is over, in one thread for all: to start one takes long."""

    def __init__(self) -> None:
        self._ends: dict[_AttemptConnection, float] = {}
        self._changed = threading.Condition()
        self._next = 0.0
        self._thread = threading.Thread()

    def add(self, line: _AttemptConnection, seconds: float) -> None:
        with self._changed:
            self._ends[line] = end = time.monotonic() + seconds
            if not self._thread.is_alive():  # nor is it in a process that was forked
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
            elif end < self._next:
                self._changed.notify()

    def delete(self, line: _AttemptConnection) -> None:
        with self._changed:
            self._ends.pop(line, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._next = min(self._ends.values(), default=math.inf)
                self._changed.wait(min(self._next - time.monotonic(), threading.TIMEOUT_MAX))
                over = [line for line, end in self._ends.items() if end <= time.monotonic()]
                for line in over:
                    del self._ends[line]
            for line in over:
                line.end()


_watchdog = _Watchdog()


class _WatchedHTTPConnection(HTTPConnection):
    def __init__(self, *args: Any, line: _AttemptConnection, **options: Any) -> None:
        super().__init__(*args, **options)
        self.line = line

    def _new_conn(self) -> socket.socket:
        connection = self._open_allowed_connection()
        if not self.line.add_handle(connection):
            connection.close()
            raise urllib3.exceptions.ConnectTimeoutError(self, "the time for the whole call was over")
        return connection

    def _open_allowed_connection(self) -> socket.socket:
        """As urllib3's own, but with a look at each address between the name and the connection."""
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, 0, socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise urllib3.exceptions.NameResolutionError(self.host, self, error) from error
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        for address in addresses:
            require_allowed(address)
        failure: OSError = OSError("the name has no address")
        for address in addresses:
            try:
                return create_connection(
                    (address, self.port),
                    self.timeout,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise urllib3.exceptions.ConnectTimeoutError(self, "no answer in time") from failure
        raise urllib3.exceptions.NewConnectionError(self, "no connection") from failure

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.line.record_first_byte()
        super().send(data)


class _WatchedHTTPSConnection(_WatchedHTTPConnection, HTTPSConnection):
    """The same over TLS, whose handshake is no part of the request."""


def build_connection(target: Url, line: _AttemptConnection, ca_file: str) -> _WatchedHTTPConnection:
    """A watched connection, which takes nothing from the environment.

    ``ca_file`` holds authorities that are trusted besides the usual ones.
    """
    if target.scheme not in ("http", "https") or target.auth or not target.host:
        raise urllib3.exceptions.LocationParseError("an address of another kind")
    host = target.host.strip("[]")
    if target.scheme == "http":
        return _WatchedHTTPConnection(host, target.port or HTTPConnection.default_port, line=line)
    context = _build_context(threading.get_ident(), ca_file, os.stat(ca_file).st_mtime_ns if ca_file else 0)
    port = target.port or HTTPSConnection.default_port
    return _WatchedHTTPSConnection(host, port, ssl_context=context, line=line)


@lru_cache(maxsize=32)
def _build_context(thread: int, ca_file: str, changed_at: int) -> ssl.SSLContext:
    """Kept, since the usual authorities take long to read; for one thread, since urllib3 writes to it."""
    context = create_urllib3_context()
    context.load_verify_locations(certifi.where())
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _build_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Raises ValueError for a value of more than one line: SOAPAction comes from a site's description."""
    if any("\r" in value or "\n" in value for value in headers.values()):
        raise ValueError("a header of more than one line")
    ours = {"Connection": "close", "Accept-Encoding": "identity"}
    return {"User-Agent": "Ledgergate", "Accept": "*/*", **headers, **ours}


def describe_timeout(settings: SpectrumSettings) -> str:
    return f"Spectrum's reply was not complete after {_format_seconds(settings.longest_call)}."


def describe_failure(error: Exception, line: _AttemptConnection, settings: SpectrumSettings) -> str:
    causes = tuple(_list_causes(error))

    def has_cause(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if line.bytes_sent:
        if line.expired:
            return describe_timeout(settings)
        if isinstance(error, ReplyTooLongError):
            return f"Spectrum's reply was longer than {error.args[0] // 1024} kB."
        if has_cause(urllib3.exceptions.ReadTimeoutError, TimeoutError):
            return f"Spectrum did not reply within {_format_seconds(settings.read_timeout)}."
        return "The connection to Spectrum broke before its reply was complete."
    if isinstance(error, TooLateError):
        return TOO_LATE
    for cause in causes:
        if isinstance(cause, ForbiddenAddressError):
            return f"The name of Spectrum's server leads to {cause}, which is not allowed."
    if has_cause(urllib3.exceptions.NameResolutionError):
        return "The name of Spectrum's server could not be found."
    if has_cause(ConnectionRefusedError):
        return "Spectrum's server refused the connection."
    if has_cause(TimeoutError):
        return f"Spectrum's server did not answer within {_format_seconds(settings.connect_timeout)}."
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return f"No secure connection to Spectrum's server could be made ({cause.reason or 'TLS'})."
    return f"No connection to Spectrum's server could be made ({type(error).__name__})."


def _format_seconds(time: float) -> str:
    whole = math.ceil(time)
    return "1 second" if whole == 1 else f"{whole} seconds"


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those inside it: urllib3 wraps in three different ways."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, *current.args)
        waiting.extend(cause for cause in inner if isinstance(cause, BaseException))
