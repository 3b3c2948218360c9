"""How people sign in: by e-mail and password, with accounts that an administrator made."""

from collections.abc import Sequence

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.forms import ChangePasswordForm, ResetPasswordKeyForm, SetPasswordForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core import context
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.db import transaction
from django.http import HttpRequest

from directory import history
from directory.accounts import sessions
from directory.client_address import get_client_address
from directory.history.events import DirectoryEvent
from directory.models import Company, User

UNKNOWN_ADDRESS = "0.0.0.0"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no type hints
    """Nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: the Company Directory says who exists."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """A next address that is no address at all is not followed."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def store_password_request(self, address: str) -> None:
        """Mail a link to choose a password, later and only if the address is somebody's.

        Who mails stands above this room: see ``ACCOUNT_ADAPTER`` in the settings.
        """
        raise NotImplementedError

    def send_invitation(
        self, person: User, *, by: User, company: Company | None = None, purpose: Sequence[str] = ()
    ) -> None:
        """Mail a person who invites them, where to and what for, with a link to choose a password if they
        have none.
        """
        raise NotImplementedError

    def notify_of_new_address(self, person: User, *, before: str, by: User) -> None:
        """Mail a person, there and at the address that was theirs before, that staff changed it."""
        raise NotImplementedError

    def login(self, request: HttpRequest, user: User) -> None:
        """Who has just signed in need not confirm at once that it is them."""
        super().login(request, user)
        reauthenticate_by_password(request)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address, as the lockout believes it; limits of unknown ones are shared."""
        return get_client_address(request) or UNKNOWN_ADDRESS


class PasswordLinkForm(forms.Form):
    """Asks for a link to choose a password; says the same whether the account exists or not."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def save(self, request: HttpRequest) -> str:
        """Have it mailed, if there is anybody to mail it to."""
        address: str = self.cleaned_data["email"]
        get_adapter(request).store_password_request(address)
        return address


class RecordedPassword:
    """Of a form: a password is stored with its history, and so with the mail about it, and ends sessions."""

    event = DirectoryEvent.PASSWORD_CHANGED
    user: User

    @transaction.atomic
    def save(self) -> None:
        """All of it, or nothing."""
        super().save()  # type: ignore[misc]  # of the form that this is mixed into
        history.record(event=self.event, subject=self.user, by=self.user, company=None)
        here = context.request.session.session_key  # allauth itself ends this one
        sessions.end_sessions(person=self.user, by=self.user, except_key=here)


class FirstPasswordForm(RecordedPassword, SetPasswordForm):  # type: ignore[misc]  # allauth has no type hints
    """A password for whoever is signed in and has none."""


class PasswordByLinkForm(RecordedPassword, ResetPasswordKeyForm):  # type: ignore[misc]  # allauth has no type hints
    """A password chosen through a mailed link."""

    event = DirectoryEvent.PASSWORD_RESET

    @transaction.atomic
    def save(self) -> None:
        """Whoever reads the person's mail is not kept out by what was guessed before."""
        super().save()
        AxesProxyHandler.reset_attempts(username=self.user.email.lower())


class CountedChangePasswordForm(RecordedPassword, ChangePasswordForm):  # type: ignore[misc]  # allauth has no type hints
    """A new password, by whoever knows the old one: wrong tries count as at sign-in."""

    def clean_oldpassword(self) -> str:
        """Ask the way in itself, so that a stolen session can't be used to guess."""
        old: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, old):
            raise get_adapter().validation_error("enter_current_password")
        return old
