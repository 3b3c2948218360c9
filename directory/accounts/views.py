"""The page Where you are signed in, and ending what should not be there."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from directory.accounts import reauthentication, sessions
from directory.accounts.devices import device_of
from directory.requests import SignedInRequest


@require_safe
def listed(request: SignedInRequest) -> HttpResponse:
    """Every session of the person, this one marked."""
    rows: list[dict[str, Any]] = [
        {
            "pk": session.pk,
            "device": device_of(session.user_agent),
            "address": session.ip,
            "since": session.created_at,
            "seen": session.last_seen_at,
            "is_this": session.session_key == request.session.session_key,
        }
        for session in sessions.living(request.user)
    ]
    rows.sort(key=lambda row: not row["is_this"])
    context = {"rows": rows, "others": any(not row["is_this"] for row in rows)}
    return render(request, "account/sessions.html", context)


@require_POST
def end(request: SignedInRequest) -> HttpResponse:
    """End one other session, or with no ``session`` named all others."""
    if question := reauthentication.ask(request):
        return question
    named = request.POST.get("session", "")
    only = (int(named) if named.isdecimal() and len(named) < 19 else 0) if named else None
    count = sessions.end(person=request.user, by=request.user, only=only, but=request.session.session_key)
    if count:
        messages.success(request, "Signed out there." if count == 1 else f"Signed out in {count} places.")
    else:
        messages.info(request, "That sign-in had ended already.")
    return redirect("sessions")
