"""Browsers without a screen."""

from django.test import Client

from directory.models import User


def signed_in(person: User) -> Client:
    """A client in which this person has signed in."""
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
