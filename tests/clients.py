"""Browsers without a screen."""

import time

from django.test import Client

from directory.models import User


def signed_in(person: User) -> Client:
    """A client in which this person has signed in, by their password, just now."""
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    entered_password(client, seconds_ago=0)
    return client


def entered_password(client: Client, *, seconds_ago: float) -> None:
    """Make it so long ago that the client's person said who they are."""
    session = client.session
    record = {"method": "password", "at": time.time() - seconds_ago, "reauthenticated": True}
    session["account_authentication_methods"] = [record]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
