"""A phone or a key that holds a passkey, in software, and says what a browser would pass on."""

import hashlib
import json
import os
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from directory.models import User

ADD, SIGN_IN = "/accounts/two-step/webauthn/add/", "/accounts/two-step/webauthn/login/"
HOST = "testserver"
VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV
PRESENT = AuthenticatorData.FLAG.UP


class Passkey:
    """``flags`` say whether its person was verified; ``origin`` is the site that it believes to be at."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name, self.user_handle = os.urandom(16), b""
        self.flags, self.origin = VERIFIED, f"https://{HOST}"

    def add(self, client: Client) -> Any:
        """As on the page."""
        options = client.get(ADD).context["js_data"]["creation_options"]["publicKey"]
        return client.post(ADD, {"name": "My phone", "credential": self.make(options)})

    def sign_in(self, client: Client, next_page: str = "", **request: Any) -> Any:
        """As on the page of signing in."""
        options = client.get(SIGN_IN, headers={"accept": "application/json"}).json()
        return self.say(client, SIGN_IN, options["request_options"], next=next_page, **request)

    def say(self, client: Client, address: str, options: Any, **posted: str) -> Any:
        return client.post(address, {"credential": self.answer(options["publicKey"]), **posted})

    def make(self, options: Any) -> str:
        self.user_handle = websafe_decode(options["user"]["id"])
        cose = ES256.from_cryptography_key(self.key.public_key())
        made = AttestedCredentialData.create(b"\0" * 16, self.name, cose)
        flags = self.flags | AuthenticatorData.FLAG.AT
        said = AuthenticatorData.create(self._site(), flags, 0, bytes(made))
        return self._write(
            CollectedClientData.TYPE.CREATE,
            options,
            attestationObject=websafe_encode(bytes(AttestationObject.create("none", said, {}))),
        )

    def answer(self, options: Any) -> str:
        said = AuthenticatorData.create(self._site(), self.flags, 0)
        about = self._about(CollectedClientData.TYPE.GET, options)
        signature = self.key.sign(bytes(said) + hashlib.sha256(about).digest(), ec.ECDSA(hashes.SHA256()))
        return self._write(
            CollectedClientData.TYPE.GET,
            options,
            authenticatorData=websafe_encode(bytes(said)),
            signature=websafe_encode(signature),
            userHandle=websafe_encode(self.user_handle),
        )

    def claim_to_be(self, person: User) -> None:
        self.user_handle = user_pk_to_url_str(person).encode()

    @staticmethod
    def _site() -> bytes:
        return hashlib.sha256(HOST.encode()).digest()

    def _about(self, kind: str, options: Any) -> bytes:
        return bytes(CollectedClientData.create(kind, websafe_decode(options["challenge"]), self.origin))

    def _write(self, kind: str, options: Any, **response: str) -> str:
        about = websafe_encode(self._about(kind, options))
        name = websafe_encode(self.name)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "clientExtensionResults": {"credProps": {"rk": True}},
                "response": {"clientDataJSON": about, **response},
            }
        )
