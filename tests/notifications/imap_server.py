"""An IMAP server on a free port, as far as a reader of bounces asks (RFC 3501)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class ImapServer(ThreadingTCPServer):
    """``mails`` are in the inbox, each with when it arrived; ``asked`` are the commands, oldest first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.port = self.server_address[1]
        self.mails: list[tuple[datetime, bytes]] = []
        self.asked: list[str] = []

    def put(self, mail: bytes, at: datetime | None = None) -> None:
        self.mails.append((at or datetime.now(UTC), mail))


class Conversation(StreamRequestHandler):
    server: ImapServer

    def handle(self) -> None:
        self.tell(b"* OK ready")
        while line := self.rfile.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.server.asked.append(command)
            self.answer(command)
            refused = "wrong" in command or command.startswith(("STORE", "SELECT", "EXPUNGE", "COPY"))
            self.tell(f"{tag} {'NO refused' if refused else 'OK done'}".encode())

    def answer(self, command: str) -> None:
        match command.split()[0]:
            case "CAPABILITY":
                self.tell(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2")
            case "AUTHENTICATE":
                self.tell(b"+ ")
                self.server.asked.append(self.rfile.readline().decode().strip())
            case "EXAMINE":
                self.tell(f"* {len(self.server.mails)} EXISTS".encode())
            case "SEARCH":
                found = [
                    str(number)
                    for number, (_, mail) in enumerate(self.server.mails, 1)
                    if "delivery-status" in BytesHeaderParser().parsebytes(mail).get("Content-Type", "")
                ]
                self.tell(f"* SEARCH {' '.join(found)}".encode())
            case "FETCH":
                number = int(command.split()[1])
                most = int(re.findall(r"<0\.(\d+)>", command)[0])
                arrived, mail = self.server.mails[number - 1]
                said = f'* {number} FETCH (INTERNALDATE "{arrived:%d-%b-%Y %H:%M:%S %z}" BODY[]<0> '
                part = mail[:most]
                self.tell(said.encode() + f"{{{len(part)}}}\r\n".encode() + part + b")")

    def tell(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@contextmanager
def serving() -> Iterator[ImapServer]:
    server = ImapServer()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
