"""A real SMTP server on a free port, which misbehaves as a test asks."""

import asyncio
import socket
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """Mails that were taken over are in ``received``, in order; ``connections`` counts the greetings.

    ``answers`` says by address how a recipient is answered instead of 250. ``after_data`` is
    called when a whole mail has arrived, before it is answered, and may give the answer.
    """

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.connections = 0
        self.answers: dict[str, str] = {}
        self.answer_to_sender = ""
        self.hangs = False
        self.drops_after_data = False
        self.mails_on_a_connection: int | None = None
        self.after_data: Callable[[EmailMessage], str | None] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._controller: Controller | None = None

    def start(self) -> None:
        """Answer from now on."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._controller:
            self._controller.stop()
            self._controller = None

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.hangs:
            await asyncio.sleep(2)
        envelope.mail_from = address
        return self.answer_to_sender or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content: Any = envelope.content
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        carried = getattr(session, "carried", 0) + 1
        session.carried = carried  # type: ignore[attr-defined]
        if self.mails_on_a_connection and carried > self.mails_on_a_connection:
            return "421 Enough for one connection"
        self.received.append(message)
        if self.drops_after_data:
            assert server.transport is not None
            server.transport.close()
        answer = await asyncio.to_thread(self.after_data, message) if self.after_data else None
        return answer or "250 OK"
