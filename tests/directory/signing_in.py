"""How a person signs in, as their browser does it."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from directory.accounts.two_step import TwoStepAdapter
from directory.models import User

PASSWORD = "correct horse battery staple"


def sign_in(client: Client, login: str, password: str = PASSWORD, **request: Any) -> int:
    """Post the sign-in form; the status of the answer, 302 when it went on."""
    posted = {"login": login, "password": password}
    return client.post("/accounts/login/", posted, **request).status_code


def code_of(person: User, *, periods_ahead: int = 0) -> str:
    """The code in the person's authenticator app, now or some periods of 30 seconds later."""
    kept = Authenticator.objects.get(user=person, type=Authenticator.Type.TOTP)
    return code_for(TwoStepAdapter().decrypt(kept.data["secret"]), periods_ahead=periods_ahead)


def code_for(secret: str, *, periods_ahead: int = 0) -> str:
    """The code in an app that was given this key."""
    counter = int(time.time()) // 30 + periods_ahead
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def turn_on_two_step(person: User) -> Authenticator:
    """As if the person had set it up on the page."""
    kept: Authenticator = totp.TOTP.activate(person, totp.generate_totp_secret()).instance
    RecoveryCodes.activate(person)
    return kept
