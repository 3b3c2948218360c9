"""Passkeys, by which a person signs in: kept with their history, and tried no oftener than passwords."""

import struct
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from cryptography.exceptions import InvalidSignature
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy

from directory.accounts import lockout
from directory.models import User

UNREADABLE = (
    *(ValidationError, InvalidSignature, ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, NotImplementedError, struct.error),
)
"""Raised by allauth and what it stands on where somebody sent what no passkey said."""
REFUSED = "This passkey was not accepted. Try again, or sign in with your password."


class NewPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth has no type hints
    """Every passkey of ours signs in by itself, so that is not asked for."""

    passwordless = None
    name = forms.CharField(label="Name", max_length=60, help_text="By which you know it again.")

    def clean(self) -> None:
        try:
            if "\\u0000" in self.data["credential"]:
                raise ValueError  # can't be stored
            super().clean()
        except UNREADABLE:
            raise ValidationError("The passkey was not added. Try again.") from None


class LimitedPasskey:
    """Of a form: none is taken where its person is locked out, and a wrong one counts as a wrong password."""

    user: User | None

    def clean_credential(self) -> Authenticator:
        person = self.user
        try:
            person = person or auth.extract_user_from_response(self.cleaned_data["credential"])  # type: ignore[attr-defined]  # of the form
            if not lockout.is_locked(context.request, person):
                return super().clean_credential()  # type: ignore[misc]  # of the form that this is mixed into
        except UNREADABLE:
            if person:
                lockout.record_failed_code(context.request, person)
        raise ValidationError(REFUSED)


class SecondStepForm(LimitedPasskey, AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no type hints
    """After a password."""


class SignInForm(LimitedPasskey, LoginWebAuthnForm):  # type: ignore[misc]  # allauth has no type hints
    """Without a password."""


class ReauthenticationPasskeyForm(LimitedPasskey, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no type hints
    """Before a sensitive act."""


class AddPasskeyView(AddWebAuthnView):  # type: ignore[misc]  # allauth has no type hints
    """A passkey with its history and all that follows from it, or none."""

    post = transaction.atomic(AddWebAuthnView.post)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Of a kind that needs no name of whoever it signs in."""
        context = super().get_context_data(**kwargs)
        options = auth.begin_registration(self.request.user, True)
        return {**context, "js_data": {"creation_options": options}}


class RemovePasskeyView(RemoveWebAuthnView):  # type: ignore[misc]  # allauth has no type hints
    """The last one stays where two steps are required."""

    success_url = reverse_lazy("mfa_index")

    @transaction.atomic
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if get_adapter().can_delete_authenticator(self.get_object()):
            return super().post(request, *args, **kwargs)  # type: ignore[no-any-return]
        messages.error(request, get_adapter().error_messages["cannot_delete_authenticator"])
        return redirect("mfa_index")
