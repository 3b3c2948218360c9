"""How people sign in: by e-mail and password, with accounts that an administrator made."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

LONGEST_NAME = 255  # what axes can keep


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no type hints
    """Nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: the Company Directory says who exists."""
        return False


def name_for_lockout(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The address that is being tried, however it was spelled."""
    tried = (
        (credentials or {}).get("email") or (credentials or {}).get("username") or request.POST.get("login")
    )
    return str(tried or "").strip().lower()[:LONGEST_NAME]
