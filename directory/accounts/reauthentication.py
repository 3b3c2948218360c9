"""Asking once more who sits there, before a sensitive act: by password, or by a code.

Only what changes something is held up; looking is not. The page that asks carries the form
that was sent, so that nothing typed is lost and no secret waits in the session meanwhile.
"""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import (
    did_recently_reauthenticate,
    reauthenticate_by_password,
)
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from directory.accounts import two_step
from directory.requests import get_person

REAUTHENTICATION_FIELDS = ("confirm_password", "confirm_code")
NOT_CARRIED_FIELDS = ("csrfmiddlewaretoken", *REAUTHENTICATION_FIELDS)


class ReauthenticationForm(forms.Form):
    """The password, or a code where two-step verification is on."""

    confirm_password = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    confirm_code = forms.CharField(
        label="Or a code from your authenticator app",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, request: HttpRequest, *, is_submitted: bool) -> None:
        super().__init__(request.POST if is_submitted else None)
        self.request, self.person = request, get_person(request)
        if not two_step.is_enabled(self.person):
            del self.fields["confirm_code"]

    def clean(self) -> None:
        """Count what is wrong as at sign-in, and remember what is right for a while."""
        password, code = (self.cleaned_data.get(name) for name in REAUTHENTICATION_FIELDS)
        if code:
            form = two_step.ReauthenticationCodeForm({"code": code}, user=self.person)
            if not form.is_valid():
                self.add_error("confirm_code", form.errors["code"])
                return
            form.save()
        elif password and get_adapter().reauthenticate(self.person, password):
            reauthenticate_by_password(self.request)
        else:
            self.add_error("confirm_password", "This is not your password.")


def handle_reauthentication(request: HttpRequest) -> HttpResponse | None:
    """The page that asks, to be answered instead of doing what was sent; None to go on with it.

    Call it when the person's right to do it is clear.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or did_recently_reauthenticate(request):
        return None
    form = ReauthenticationForm(
        request, is_submitted=any(name in request.POST for name in REAUTHENTICATION_FIELDS)
    )
    if form.is_bound and form.is_valid():
        sent = request.POST.copy()
        for name in REAUTHENTICATION_FIELDS:
            sent.pop(name, None)
        request.POST = sent  # type: ignore[assignment]  # Django's own setter takes any QueryDict
        return None
    carried = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in NOT_CARRIED_FIELDS
        for value in values
    ]
    context = {"form": form, "carried": carried, "address": request.get_full_path()}
    answer = render(request, "account/confirm.html", context, status=403)
    add_never_cache_headers(answer)
    return answer
