"""How long personal data is kept that nobody needs for ever. History is never among it."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone


def get_cutoff(days: int) -> datetime | None:
    """Before when nothing is kept any more; None: everything is kept (0 days)."""
    return timezone.now() - timedelta(days=days) if days else None


def purge_sign_in_records() -> int:
    """Remove old sign-in records, and sessions that have ended with where they were. Returns how many."""
    count, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    ended_sessions = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    session_count, _ = ended_sessions.delete()
    count += int(session_count)
    if cutoff := get_cutoff(settings.KEEP_SIGN_INS_DAYS):
        for model in (AccessAttempt, AccessFailureLog, AccessLog):
            removed, _ = model.objects.filter(attempt_time__lt=cutoff).delete()
            count += removed
    return count
