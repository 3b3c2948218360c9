"""The page Where you are signed in, and ending what should not be there."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from directory.accounts import reauthentication, sessions
from directory.accounts.devices import get_device_name
from directory.requests import SignedInRequest


@require_safe
def list_sessions(request: SignedInRequest) -> HttpResponse:
    """Every session of the person, this one marked."""
    rows: list[dict[str, Any]] = [
        {
            "pk": session.pk,
            "device": get_device_name(session.user_agent),
            "address": session.ip,
            "since": session.created_at,
            "seen": session.last_seen_at,
            "is_this": session.session_key == request.session.session_key,
        }
        for session in sessions.list_active_sessions(request.user)
    ]
    rows.sort(key=lambda row: not row["is_this"])
    context = {"rows": rows, "others": any(not row["is_this"] for row in rows)}
    return render(request, "account/sessions.html", context)


@require_POST
def end_sessions(request: SignedInRequest) -> HttpResponse:
    """End one other session, or with no ``session`` named all others."""
    if reauthentication_page := reauthentication.handle_reauthentication(request):
        return reauthentication_page
    session_id = request.POST.get("session", "")
    only_id = (
        (int(session_id) if session_id.isdecimal() and len(session_id) < 19 else 0) if session_id else None
    )
    count = sessions.end_sessions(
        person=request.user, by=request.user, only_id=only_id, except_key=request.session.session_key
    )
    if count:
        messages.success(request, "Signed out there." if count == 1 else f"Signed out in {count} places.")
    else:
        messages.info(request, "That session had already ended.")
    return redirect("sessions")
