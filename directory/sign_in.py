"""How people sign in: by e-mail and password, with accounts that an administrator made."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.forms import ChangePasswordForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.views import PasswordResetView
from django.http import HttpRequest, HttpResponse

from directory.client_address import client_address
from directory.models import User

UNKNOWN_ADDRESS = "0.0.0.0"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no type hints
    """Nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: the Company Directory says who exists."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Whether ``next`` may be followed; what is no address at all may not."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def login(self, request: HttpRequest, user: User) -> None:
        """Who has just signed in need not confirm at once that it is them."""
        super().login(request, user)
        reauthenticate_by_password(request)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address, as the lockout believes it; limits of unknown ones are shared."""
        return client_address(request) or UNKNOWN_ADDRESS


class ResetPasswordView(PasswordResetView):  # type: ignore[misc]  # allauth has no type hints
    """Mails a link for a new password at once, and stores none of it: whoever reads it can sign in."""

    def form_valid(self, form: Any) -> HttpResponse:
        """A link that could not be mailed is asked for again; nothing else would tell."""
        try:
            answer: HttpResponse = super().form_valid(form)
        except OSError:  # every SMTPException is one
            form.add_error(None, "The mail could not be sent just now. Try again in a few minutes.")
            answer = self.form_invalid(form)
            answer.status_code = 503
        return answer


class CountedChangePasswordForm(ChangePasswordForm):  # type: ignore[misc]  # allauth has no type hints
    """A new password, by whoever knows the old one: wrong tries count as at sign-in."""

    def clean_oldpassword(self) -> str:
        """Ask the way in itself, so that a stolen session can't be used to guess."""
        old: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, old):
            raise get_adapter().validation_error("enter_current_password")
        return old
