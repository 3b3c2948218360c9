"""Where people are signed in: how long it lasts, and how it is ended.

django-allauth keeps a row for each session, with device and address; what ends it is that
Django's own row for it is deleted.
"""

import time
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import User

STARTED, LAST_ACTIVE = "signed_in_at", "seen_at"
ACTIVITY_INTERVAL_SECONDS = 60
"""A page that is opened more often than this writes nothing about it."""

IDLE, AGE = "idle", "age"
END_MESSAGES = {
    IDLE: "You were signed out after {idle} minutes without activity. Sign in to continue where you were.",
    AGE: "You were signed out because sessions last {hours} hours. Sign in to continue where you were.",
}


def start_clock(session: SessionBase) -> None:
    """The clock of a new session starts."""
    session[STARTED] = session[LAST_ACTIVE] = time.time()


def get_end_reason(session: SessionBase) -> str:
    """IDLE or AGE when the session is at its end; empty while it lasts."""
    now = time.time()
    # One that began under an older version, or by other means than signing in, is at its end, too.
    if now - session.get(STARTED, 0.0) >= settings.SESSION_HOURS * 3600:
        return AGE
    return IDLE if now - session.get(LAST_ACTIVE, 0.0) >= settings.SESSION_IDLE_MINUTES * 60 else ""


def describe_end(reason: str) -> str:
    """For the sign-in page."""
    return END_MESSAGES[reason].format(idle=settings.SESSION_IDLE_MINUTES, hours=settings.SESSION_HOURS)


def end_own_session(request: HttpRequest, reason: str) -> None:
    """Sign the person of this request out; the history says why."""
    request.why_signed_out = reason  # type: ignore[attr-defined]  # read by sign_in_history
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    logout(request)


def record_activity(request: HttpRequest) -> None:
    """Something was done in this session: it is not idle, and its person can see when and from where."""
    if time.time() - request.session.get(LAST_ACTIVE, 0.0) >= ACTIVITY_INTERVAL_SECONDS:
        request.session[LAST_ACTIVE] = time.time()
        UserSession.objects.create_from_request(request)


def list_active_sessions(person: User) -> "QuerySet[UserSession]":
    """The person's sessions that a request could still use, the last used first."""
    now = timezone.now()
    # What was noted last may be a note's interval older than what was done last.
    idle_since = now - timedelta(minutes=settings.SESSION_IDLE_MINUTES, seconds=ACTIVITY_INTERVAL_SECONDS)
    sessions: QuerySet[UserSession] = UserSession.objects.filter(
        user=person,
        session_key__in=Session.objects.filter(expire_date__gt=now).values("session_key"),
        created_at__gt=now - timedelta(hours=settings.SESSION_HOURS),
        last_seen_at__gt=idle_since,
    )
    return sessions.order_by("-last_seen_at", "-pk")


@transaction.atomic
def end_sessions(
    *, person: User, by: User | None, only_id: int | None = None, except_key: str | None = None
) -> int:
    """End a person's sessions: all of them, or the row of ``only_id``, or all but the one of
    ``except_key``. Returns how many; the next request of each is asked to sign in.
    """
    chosen = UserSession.objects.filter(user=person)
    if only_id is not None:
        chosen = chosen.filter(pk=only_id)
    if except_key is not None:
        chosen = chosen.exclude(session_key=except_key)
    keys = list(chosen.values_list("session_key", flat=True))
    if not keys:
        return 0
    Session.objects.filter(session_key__in=keys).delete()
    chosen.delete()
    history.record(
        event=DirectoryEvent.SESSION_ENDED,
        subject=person,
        by=by,
        company=None,
        detail={"why": "ended elsewhere", "count": len(keys)},
    )
    return len(keys)
