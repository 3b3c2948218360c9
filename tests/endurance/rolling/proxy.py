"""Stands before the web processes of a rolling upgrade, and counts what people are answered."""

import socket
import socketserver
import threading
from collections import Counter

from local.ports import HOST

MOST = 65536


class Proxy(socketserver.ThreadingTCPServer):
    """One request for each connection; who can't be reached is a 502, as of any proxy."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, web: int) -> None:
        super().__init__((HOST, port), Handler)
        self.web = web
        """The port of the web that has the next request."""
        self.under_way = Counter[int]()
        self.statuses = Counter[int]()
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def begin(self) -> int:
        """The web that has this request."""
        with self._lock:
            self.under_way[self.web] += 1
            return self.web

    def end(self, web: int, answer: bytes) -> None:
        """Count the request as answered by it."""
        with self._lock:
            self.under_way[web] -= 1
            self.statuses[int(answer.split(maxsplit=2)[1])] += 1


class Handler(socketserver.BaseRequestHandler):
    server: Proxy
    request: socket.socket

    def handle(self) -> None:
        web, first = self.server.begin(), b""
        try:
            with socket.create_connection((HOST, web)) as there:
                threading.Thread(target=pass_on, args=(self.request, there), daemon=True).start()
                while part := there.recv(MOST):
                    first = first or part
                    self.request.sendall(part)
        except OSError:
            pass
        if not first:
            first = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n"
            self.request.sendall(first)
        self.server.end(web, first)


def pass_on(person: socket.socket, web: socket.socket) -> None:
    """What the person sends, until either has gone."""
    try:
        while part := person.recv(MOST):
            web.sendall(part)
    except OSError:
        pass
