"""How long personal data is kept that nobody needs for ever. History is never among it."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone


def end_of(days: int) -> datetime | None:
    """Before when nothing is kept any more; None: everything is kept (0 days)."""
    return timezone.now() - timedelta(days=days) if days else None


def forget() -> int:
    """Remove old sign-in records, and sessions that have ended with where they were. Returns how many."""
    gone, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    ended = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    without, _ = ended.delete()
    gone += int(without)
    if end := end_of(settings.KEEP_SIGN_INS_DAYS):
        for model in (AccessAttempt, AccessFailureLog, AccessLog):
            removed, _ = model.objects.filter(attempt_time__lt=end).delete()
            gone += removed
    return gone
