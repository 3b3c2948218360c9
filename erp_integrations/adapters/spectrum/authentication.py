"""How a connection shows who it is; the one place that knows, for every kind of request.

Source: docs/spectrum.md, section 1.
"""

import hashlib
import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from erp_integrations.adapters.base import NotSent, Unauthorised, Unknown, Unusable
from erp_integrations.adapters.spectrum.settings import Authentication, OAuthClient, SpectrumSettings
from erp_integrations.adapters.spectrum.wire import Exchange, send_request

SCOPE = "spectrumapi"
GRANT = "client_credentials"

_EXPIRY_MARGIN = 60.0
"""Seconds before its end from which a token is not used any more: a call may be long under way."""
MAX_TOKEN_WAIT = 20.0
"""Seconds of silence that are waited for a token at most: it comes before a call, inside the same lease."""
_DEFAULT_LIFETIME = 300.0
"""Seconds that a token is believed in whose server does not say how long it lasts."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_ERROR = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Added to one request at the last moment, and in no record.

    ``secrets`` are the texts that must be removed from whatever comes back.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    elements: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RotatedSecret:
    """The secret that counts from now on, and until when; None where the site did not say."""

    secret: str = field(repr=False)
    expires_on: date | None


class NoTokenError(Exception):
    """There is no access token, so nothing was sent. ``outcome`` says why, without secrets."""

    def __init__(self, outcome: NotSent | Unauthorised | Unusable) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def build_soap_credentials(settings: SpectrumSettings) -> Credentials:
    """SOAP services read the first two elements of the body; hosted sites want a token besides.

    Raises NoTokenError.
    """
    body = get_soap_elements(settings)
    header = build_header_credentials(settings, settings.soap_authentication, Authentication.NONE)
    return Credentials(header.headers, body, (*body.values(), *header.secrets))


def get_soap_elements(settings: SpectrumSettings) -> dict[str, str]:
    """The elements in the body of a SOAP call beside the record."""
    return {"Authorization_ID": settings.authorization_id, "GUID": settings.guid}


def build_rest_credentials(settings: SpectrumSettings) -> Credentials:
    """REST services want Basic; on a hosted site the token stands in its place. Raises NoTokenError."""
    header = build_header_credentials(settings, settings.rest_authentication, Authentication.BASIC)
    headers = {**header.headers, "Accept": "application/json"}
    return Credentials(headers, secrets=(settings.authorization_id, *header.secrets))


def list_secrets(settings: SpectrumSettings) -> tuple[str, ...]:
    """Everything that a request of this connection may have carried. No wire."""
    pair = f"{settings.company_code}:{settings.authorization_id}"
    found = [settings.authorization_id, settings.guid, b64encode(pair.encode()).decode()]
    if client := settings.oauth:
        with _lock:
            tokens = [_tokens.get(_get_cache_key(client, secret), ("", 0.0))[0] for secret in client.secrets]
        found += [*client.secrets, *tokens]
    return tuple(filter(None, found))


def build_wsdl_credentials(settings: SpectrumSettings) -> Credentials:
    """Service descriptions are open to everybody, except on some hosted sites. Raises NoTokenError."""
    rule = Authentication.BY_SITE if settings.token_for_descriptions else Authentication.NONE
    return build_header_credentials(settings, rule, Authentication.NONE)


def build_header_credentials(
    settings: SpectrumSettings, rule: Authentication, without_token: Authentication
) -> Credentials:
    """By the site the header holds its token, or else ``without_token``."""
    client = settings.oauth
    if rule is Authentication.BY_SITE:
        rule = without_token if client is None else Authentication.BEARER
    if rule is Authentication.BASIC:
        # The company is the user, and the Authorization_ID the password.
        pair = f"{settings.company_code}:{settings.authorization_id}"
        basic = b64encode(pair.encode()).decode()
        return Credentials({"Authorization": f"Basic {basic}"}, secrets=(basic,))
    if rule is Authentication.NONE or client is None:
        return Credentials()
    token = get_token(settings, client)
    return Credentials({"Authorization": f"Bearer {token}"}, secrets=(token, *client.secrets))


def purge_token(settings: SpectrumSettings) -> None:
    """After the site turned one away: the next request asks for a new one."""
    if settings.oauth:
        with _lock:
            for secret in settings.oauth.secrets:
                _tokens.pop(_get_cache_key(settings.oauth, secret), None)


def verify_secret(settings: SpectrumSettings, secret: str) -> NotSent | Unauthorised | Unusable | None:
    """Ask for a token with one secret, whatever is cached; None if it was given."""
    assert settings.oauth is not None
    with _lock:
        _tokens.pop(_get_cache_key(settings.oauth, secret), None)
    try:
        fetch_token(settings, settings.oauth, secret)
    except NoTokenError as error:
        return error.outcome
    return None


def rotate_secret(settings: SpectrumSettings) -> RotatedSecret | NotSent | Unauthorised | Unusable | Unknown:
    """Have the site make a new secret; exactly one attempt.

    After Unknown nobody knows which secret counts: the new one, if there is one, is lost.
    """
    client = settings.oauth
    assert client is not None
    answer = send_token_request(settings, client.rotation_url, client, client.secret)
    if answer.failure:
        if answer.bytes_sent:
            return Unknown(answer.failure)
        return NotSent(answer.failure) if answer.transient else Unusable(answer.failure)
    if answer.status in (400, 401, 403):
        return Unauthorised(
            f"Spectrum does not let this client rotate its secret{_format_error_code(answer)}."
        )
    if answer.status == 404:
        return Unusable("Spectrum's server has no secret rotation at the configured path (it answered 404).")
    values = {
        re.sub(r"[^a-z]", "", name.lower()): value for name, value in _parse_json_object(answer).items()
    }
    secret = values.get("clientsecret")
    if answer.status != 200 or not isinstance(secret, str) or not secret.strip():
        return Unknown(f"Spectrum's server answered with HTTP status {answer.status} and no new secret.")
    return RotatedSecret(secret.strip(), parse_date(values.get("estimatedexpiration")))


_tokens: dict[tuple[str, str, str], tuple[str, float]] = {}
_lock = threading.Lock()


def get_token(settings: SpectrumSettings, client: OAuthClient) -> str:
    """A token that is good for a while. Only where the new secret is refused, the previous one is tried."""
    for secret in client.secrets:
        with _lock:
            token, until = _tokens.get(_get_cache_key(client, secret), ("", 0.0))
        if time.monotonic() < until:
            return token
    try:
        return fetch_token(settings, client, client.secret)
    except NoTokenError as error:
        if not client.previous_secret or not isinstance(error.outcome, Unauthorised):
            raise
    return fetch_token(settings, client, client.previous_secret)


def fetch_token(settings: SpectrumSettings, client: OAuthClient, secret: str) -> str:
    quick = replace(settings, read_timeout=min(settings.read_timeout, MAX_TOKEN_WAIT))
    answer = send_token_request(quick, client.token_url, client, secret)
    if answer.failure:
        message = f"There is no access token. {answer.failure}"
        # Nothing of the record has left us, whatever became of the request for a token.
        raise NoTokenError(NotSent(message) if answer.bytes_sent or answer.transient else Unusable(message))
    if answer.status >= 500:
        message = f"There is no access token: Spectrum's token service answered {answer.status}."
        raise NoTokenError(NotSent(message))
    document = _parse_json_object(answer)
    token = document.get("access_token")
    if answer.status != 200 or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise NoTokenError(
            Unauthorised(
                "Spectrum's token service does not accept the client ID and its secret"
                f"{_format_error_code(answer)}. The secret may have expired."
                if answer.status in (400, 401, 403)
                else f"Spectrum's token service answered {answer.status} without a token."
            )
        )
    lasts = document.get("expires_in")
    seconds = float(lasts) if isinstance(lasts, int | float) and lasts > 0 else _DEFAULT_LIFETIME
    with _lock:
        until = time.monotonic() + seconds - min(_EXPIRY_MARGIN, seconds / 2)
        _tokens[_get_cache_key(client, secret)] = (token, until)
    return token


def send_token_request(settings: SpectrumSettings, url: str, client: OAuthClient, secret: str) -> Exchange:
    form = {"client_id": client.client_id, "client_secret": secret, "scope": SCOPE, "grant_type": GRANT}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return send_request("POST", url, settings, body=urlencode(form).encode(), headers=headers)


def _get_cache_key(client: OAuthClient, secret: str) -> tuple[str, str, str]:
    return client.token_url, client.client_id, hashlib.sha256(secret.encode()).hexdigest()


def _parse_json_object(answer: Exchange) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _format_error_code(answer: Exchange) -> str:
    """The standard's short word for what is wrong, never a free text: it may repeat what was sent."""
    code = _parse_json_object(answer).get("error")
    return f" ({code})" if isinstance(code, str) and _ERROR.fullmatch(code) else f" ({answer.status})"


def parse_date(value: object) -> date | None:
    """A date in the forms that are likely: which one it is, is not public."""
    text = str(value or "").strip()
    for length, form in ((10, "%Y-%m-%d"), (10, "%m/%d/%Y")):
        try:
            return datetime.strptime(text[:length], form).date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
    return None
