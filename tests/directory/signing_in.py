"""How a person signs in, as their browser does it."""

from typing import Any

from django.test import Client

PASSWORD = "correct horse battery staple"


def sign_in(client: Client, login: str, password: str = PASSWORD, **request: Any) -> int:
    """Post the sign-in form; the status of the answer, 302 when it went on."""
    posted = {"login": login, "password": password}
    return client.post("/accounts/login/", posted, **request).status_code
