"""`python -m local.mail`: catches mails until it gets SIGTERM or Ctrl-C."""

import argparse
import asyncio
import signal
import sys
import threading
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from local.mail.faults import Faults
from local.mail.inbox import Inbox
from local.mail.web import Server

LARGEST = 50 * 1024 * 1024  # bytes


class Catcher:
    """aiosmtpd's questions. The answer 250 is given only when the mail is on the disk."""

    def __init__(self, inbox: Inbox, faults: Faults) -> None:
        self.inbox = inbox
        self.faults = faults

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: object
    ) -> AuthResult:
        return AuthResult(success=not self.faults.now("no_sign_in"), handled=False)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        if refusal := self.faults.refusal("mail"):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if fault := self.faults.now("hang"):
            await asyncio.sleep(fault.until - time.monotonic())
        if refusal := self.faults.refusal("rcpt"):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.faults.now("drop"):
            assert server.transport
            server.transport.close()
            return "421 Gone"
        if refusal := self.faults.refusal("data"):
            return refusal
        content = envelope.original_content or b""
        await asyncio.to_thread(
            self.inbox.store, content, sender=envelope.mail_from or "", recipients=envelope.rcpt_tos
        )
        if fault := self.faults.now("store_and_hang"):
            await asyncio.sleep(fault.until - time.monotonic())
        return "250 2.0.0 Caught"


async def catch(inbox: Inbox, *, host: str, http_port: int, smtp_port: int) -> None:
    """Serve both sides until a signal. Raises OSError when a port is taken."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    faults = Faults()
    catcher = Catcher(inbox, faults)

    def session() -> SMTP:
        return SMTP(
            catcher,
            hostname="mail-catcher",
            ident="mail catcher",
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            authenticator=catcher.authenticate,
            auth_require_tls=False,
            loop=loop,
        )

    smtp = await loop.create_server(session, host, smtp_port)
    with Server((host, http_port), inbox, faults) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        port = smtp.sockets[0].getsockname()[1]
        print(
            f"Catching mail on smtp://{host}:{port}, shown on http://{host}:{web.server_address[1]}/",
            flush=True,
        )
        await done.wait()
        smtp.close()
        web.shutdown()
        thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.mail", description="Catches mails and shows them.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http-port", type=int, default=8025, help="0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=1025, help="0 takes a free one")
    parser.add_argument("--directory", type=Path, required=True, help="where the mails are kept")
    options = parser.parse_args()
    try:
        asyncio.run(
            catch(
                Inbox(options.directory),
                host=options.host,
                http_port=options.http_port,
                smtp_port=options.smtp_port,
            )
        )
    except OSError as problem:
        print(f"The mail catcher can't start: {problem.strerror or problem}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
