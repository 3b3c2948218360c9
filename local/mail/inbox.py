"""The caught mails: one file each, so that they survive a restart."""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

SENDER, RECIPIENT = "X-Envelope-From", "X-Envelope-To"


@dataclass(frozen=True)
class Mail:
    """One caught mail. `to` is who it was handed over for, which a header need not say."""

    id: str
    received: datetime
    to: tuple[str, ...]
    message: EmailMessage
    source: bytes

    @property
    def subject(self) -> str:
        return self.message.get("Subject", "") or "(no subject)"

    @property
    def sender(self) -> str:
        return self.message.get("From", "") or self.message.get(SENDER, "")

    @property
    def message_id(self) -> str:
        return str(self.message.get("Message-ID", "")).strip()

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """As the sender wrote it, without what we noted ourselves."""
        return [(name, str(value)) for name, value in self.message.items() if name not in (SENDER, RECIPIENT)]

    def _part(self, subtype: str) -> str:
        part = self.message.get_body(preferencelist=(subtype,))
        if part is None:
            return ""
        try:
            return str(part.get_content()).replace("\r\n", "\n")
        except (LookupError, ValueError):  # an unknown or wrong character set must not hide the mail
            payload = part.get_payload(decode=True)
            return payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""


class Inbox:
    """A folder of mails. Safe to use from the SMTP side and the page at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._last = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for unfinished in folder.glob("*.part"):
            unfinished.unlink()

    def store(self, content: bytes, *, sender: str, recipients: Sequence[str]) -> str:
        """Keep one mail; on return it is on the disk. The answer is its id, which sorts by time."""
        envelope = "".join(
            f"{name}: {one_line(value)}\r\n"
            for name, value in ((SENDER, sender), *((RECIPIENT, recipient) for recipient in recipients))
        )
        with self._lock:
            self._last = max(time.time_ns(), self._last + 1)
            name = f"{self._last:020d}"
        unfinished = self.folder / f"{name}.part"
        with unfinished.open("wb") as output:
            output.write(envelope.encode("utf-8", errors="replace") + content)
            output.flush()
            os.fsync(output.fileno())
        unfinished.rename(self.folder / f"{name}.eml")
        return name

    def ids(self) -> list[str]:
        """Newest first."""
        return sorted((path.stem for path in self.folder.glob("*.eml")), reverse=True)

    def get(self, mail_id: str) -> Mail | None:
        """None when there is no such mail, or no longer."""
        if not (mail_id.isascii() and mail_id.isdigit()):
            return None
        try:
            stored = (self.folder / f"{mail_id}.eml").read_bytes()
        except FileNotFoundError:
            return None
        message = message_from_bytes(stored, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return Mail(
            mail_id,
            datetime.fromtimestamp(int(mail_id) / 1e9, tz=UTC),
            tuple(message.get_all(RECIPIENT, [])),
            message,
            without_envelope(stored),
        )

    def clear(self) -> int:
        """Throw all away; returns how many there were."""
        mails = list(self.folder.glob("*.eml"))
        for mail in mails:
            mail.unlink(missing_ok=True)
        return len(mails)


def without_envelope(stored: bytes) -> bytes:
    """The mail as it came, without the lines that `store` put before it."""
    while stored.startswith((SENDER.encode(), RECIPIENT.encode())):
        stored = stored.partition(b"\r\n")[2]
    return stored


def one_line(value: str) -> str:
    return " ".join(value.split())
