"""The page and the JSON of the mail catcher, on the standard library's server."""

import json
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.mail import pages
from local.mail.faults import BadFault, Faults
from local.mail.inbox import Inbox, Mail

PER_PAGE = 50
STYLE = Path(__file__).with_name("style.css")
PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'"
# A mail is foreign content: no scripts, nothing loaded from elsewhere, no access to our own pages.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
LOCAL_NAMES = {"127.0.0.1", "localhost", "::1"}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], inbox: Inbox, faults: Faults) -> None:
        self.inbox = inbox
        self.faults = faults
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing of each request."""

    def _answer(self, respond: Callable[[str, dict[str, list[str]]], None]) -> None:
        # A foreign page could point a name of its own at this machine and read the mails.
        asked_for = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if asked_for not in LOCAL_NAMES | {self.server.server_address[0]}:
            self._send("This is the mail catcher of another machine.", status=HTTPStatus.FORBIDDEN)
            return
        length = self.headers.get("Content-Length", "")
        self.body = self.rfile.read(int(length) if length.isdigit() else 0)
        target = urlsplit(self.path)
        respond(target.path, parse_qs(target.query))

    def _get(self, path: str, query: dict[str, list[str]]) -> None:
        inbox = self.server.inbox
        if path == "/":
            self._list(query.get("before", [""])[0])
        elif path == "/healthz":
            self._send("ok\n")
        elif path == "/style.css":
            self._send(STYLE.read_text(), kind="text/css")
        elif path == "/api/messages":
            mails = filter(None, map(inbox.get, inbox.ids()))
            self._send(json.dumps({"messages": [as_json(mail) for mail in mails]}), kind="application/json")
        elif path.startswith("/messages/"):
            mail_id, _, part = path.removeprefix("/messages/").partition("/")
            mail = inbox.get(mail_id)
            if mail and part == "":
                self._page(pages.message(mail))
            elif mail and part == "html" and mail.html:
                self._send(pages.html_part(mail), kind="text/html", policy=MAIL_POLICY)
            elif mail and part == "source":
                self._send(mail.source)
            else:
                self._page(pages.not_found(), status=HTTPStatus.NOT_FOUND)
        else:
            self._page(pages.not_found(), status=HTTPStatus.NOT_FOUND)

    def _list(self, before: str) -> None:
        ids = self.server.inbox.ids()
        shown = [mail_id for mail_id in ids if not before or mail_id < before]
        mails = [mail for mail in map(self.server.inbox.get, shown[:PER_PAGE]) if mail]
        older = mails[-1].id if len(shown) > PER_PAGE and mails else None
        self._page(pages.inbox(mails, total=len(ids), older=older))

    def _post(self, path: str, query: dict[str, list[str]]) -> None:
        origin = self.headers.get("Origin", "")
        if path != "/clear":
            self._page(pages.not_found(), status=HTTPStatus.NOT_FOUND)
        elif urlsplit(origin).netloc != self.headers.get("Host"):
            self._send("Only the mail catcher's own page may delete.", status=HTTPStatus.FORBIDDEN)
        else:
            self.server.inbox.clear()
            self.send_response(HTTPStatus.SEE_OTHER)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _put(self, path: str, query: dict[str, list[str]]) -> None:
        # No page of another site can send a PUT here.
        if path != "/api/fault":
            self._page(pages.not_found(), status=HTTPStatus.NOT_FOUND)
            return
        try:
            self.server.faults.set(json.loads(self.body))
        except (BadFault, ValueError) as problem:
            self._send(json.dumps({"error": str(problem)}), status=HTTPStatus.BAD_REQUEST)
        else:
            self._send("{}", kind="application/json")

    def _delete(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/api/messages":
            deleted = self.server.inbox.clear()
            self._send(json.dumps({"deleted": deleted}), kind="application/json")
        else:
            self._page(pages.not_found(), status=HTTPStatus.NOT_FOUND)

    def _page(self, html: str, *, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(html, kind="text/html", status=status)

    def _send(
        self,
        content: str | bytes,
        *,
        kind: str = "text/plain",
        status: HTTPStatus = HTTPStatus.OK,
        policy: str = PAGE_POLICY,
    ) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def as_json(mail: Mail) -> dict[str, Any]:
    """For tests and scripts: what a person would read, by name."""
    return {
        "id": mail.id,
        "to": list(mail.to),
        "from": mail.sender,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "text": mail.text,
        "html": mail.html,
        "received": mail.received.isoformat(),
    }
