"""A hosted site puts this in front of its services: OAuth with client credentials, and secret rotation.

Source: the vendor's page "Enhanced Authentication". Kept in memory: after a restart the client has
the secret of the command line again. What is wrong with a secret is said as RFC 6749 has it.
"""

import datetime as dt
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

TOKEN = "connect/token"
ROTATION = "secretRotation"
SCOPE = "spectrumapi"
DAYS = 90


@dataclass(frozen=True)
class Answer:
    """A reply of the gateway, always JSON."""

    status: int
    body: bytes


@dataclass
class Client:
    """The one client that the site knows."""

    name: str
    secret: str
    token_seconds: float = 3600.0
    expired: bool = False
    tokens: dict[str, dt.datetime] = field(default_factory=dict)


class Gateway:
    """Gives out tokens and looks at them; safe for several threads."""

    def __init__(self, client: Client | None, now: Callable[[], dt.datetime]) -> None:
        self._lock = threading.Lock()
        self._client = client
        self._now = now
        self.issued = 0

    @property
    def is_open(self) -> bool:
        """True if nobody needs a token."""
        return self._client is None

    def lets_in(self, authorization: str) -> bool:
        """True if a request with this header may pass. A site without a client is open."""
        if self._client is None:
            return True
        kind, _, token = authorization.partition(" ")
        with self._lock:
            until = self._client.tokens.get(token)
            return kind == "Bearer" and until is not None and self._now() < until

    def answer(self, what: str, body: bytes) -> Answer:
        """A token or a new secret for the form that was sent."""
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        client = self._client
        with self._lock:
            if client is None:
                return _json(404, {"error": "not_found"})
            if form.get("grant_type") != "client_credentials":
                return _json(400, {"error": "unsupported_grant_type"})
            if form.get("scope") != SCOPE:
                return _json(400, {"error": "invalid_scope"})
            known = (form.get("client_id"), form.get("client_secret")) == (client.name, client.secret)
            if not known or client.expired:
                return _json(400, {"error": "invalid_client"})
            if what == ROTATION:
                client.secret = secrets.token_urlsafe(24)
                expires = self._now().date() + dt.timedelta(days=DAYS)
                return _json(
                    200, {"client_secret": client.secret, "estimated_expiration": expires.isoformat()}
                )
            token = secrets.token_urlsafe(32)
            client.tokens[token] = self._now() + dt.timedelta(seconds=client.token_seconds)
            self.issued += 1
            lasts = {"expires_in": client.token_seconds, "token_type": "Bearer", "scope": SCOPE}
            return _json(200, {"access_token": token, **lasts})

    def change(self, given: object) -> None:
        """`{"expired": true}`: the secret is refused; `{"forget_tokens": true}`: every token is."""
        wanted = given if isinstance(given, dict) else {}
        with self._lock:
            if self._client is None:
                raise ValueError("the simulator was started without --client")
            if "expired" in wanted:
                self._client.expired = bool(wanted["expired"])
            if wanted.get("forget_tokens"):
                self._client.tokens = {}


def _json(status: int, document: dict[str, object]) -> Answer:
    return Answer(status, json.dumps(document).encode())
