"""For every request: the person's time zone, the end of sessions, and the way to sign-in."""

import zoneinfo
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from directory import drafts
from directory.accounts import sessions

GetResponse = Callable[[HttpRequest], HttpResponse]


class PersonalTimeZoneMiddleware:
    """Activates the signed-in person's time zone for the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(request.user.time_zone)):
            return self.get_response(request)


# Not "cookies": it would empty those of the company's other sites under the same domain, too.
CLEAR_SITE_DATA = '"cache", "storage"'


class SessionLimitsMiddleware:
    """Ends a session that was idle for too long or is too old, whatever its cookie says.

    However a session ends, the browser is asked to forget what it kept of it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_signed_in = request.user.is_authenticated
        if was_signed_in:
            if end_reason := sessions.get_end_reason(request.session):
                sessions.end_own_session(request, end_reason)
                messages.info(request, sessions.describe_end(end_reason))
            elif "X-Poll" not in request.headers:  # a row that asks for itself is nobody's doing
                sessions.record_activity(request)
        answer = self.get_response(request)
        if was_signed_in and not request.user.is_authenticated:
            answer.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
        return answer


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Everything needs a sign-in but what says otherwise; after it the person is back on their page."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponse:  # type: ignore[override]  # Django's stub says its own class
        """Lead to the sign-in page; of a piece of a page, the whole page is led there. Whoever decided
        is back in the dialog, and presses again.
        """
        draft = drafts.save_draft(request)
        page = request.get_full_path() if draft else get_return_page(request)
        if draft and draft.texts and drafts.KEEP_ONLY not in request.POST:
            messages.info(request, "What you typed is kept: it is back when you have signed in.")
        answer = redirect_to_login(page, self.get_login_url(view_func))
        if "HX-Request" not in request.headers:
            return answer
        return HttpResponse(headers={"HX-Redirect": answer.url, "Vary": "HX-Request"})


def get_return_page(request: HttpRequest) -> str:
    """The page that the person was on: a form, or a piece of a page, is no page to come back to."""
    shown = request.headers.get("HX-Current-URL", "")
    if not shown and request.method not in ("GET", "HEAD"):
        shown = request.headers.get("Referer", "")
    try:
        page = urlsplit(shown)
    except ValueError:
        page = urlsplit("")
    if not page.path.startswith("/") or page.netloc != request.get_host():
        return request.get_full_path()
    return f"{page.path}?{page.query}" if page.query else page.path
