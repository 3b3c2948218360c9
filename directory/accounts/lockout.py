"""How guessing is stopped: by account and address together, by address, and by account.

One count for passwords and codes, wherever they are asked for; kept in rows, so that all
processes share it. A name that belongs to nobody is counted and locked like any other.
"""

from datetime import datetime, timedelta
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone

from directory.models import User

MAX_NAME_LENGTH = 255  # what axes can keep
RECENT_SIGN_IN = timedelta(days=30)


def get_lockout_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The address that is being tried, however it was spelled."""
    tried = (
        (credentials or {}).get("email") or (credentials or {}).get("username") or request.POST.get("login")
    )
    return str(tried or "").strip().lower()[:MAX_NAME_LENGTH]


class LockoutHandler(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no type hints
    """Axes' own count of account and address together, and two wider ones.

    The wide count of an account does not bind where its person signed in lately: whoever
    guesses from everywhere else can't keep them out.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Failures of the account from this address; a wider limit that is reached counts as theirs."""
        failures = int(super().get_failures(request, credentials))
        if failures < settings.AXES_FAILURE_LIMIT and is_locked_by_wider_limit(request, credentials):
            return int(settings.AXES_FAILURE_LIMIT)
        return failures


def is_locked(request: HttpRequest, person: User) -> bool:
    """This person's codes and passwords may not be tried from here now.

    True also has the answer replaced by the page that says so.
    """
    locked = not AxesProxyHandler.is_allowed(request, {"username": person.email})
    if locked:
        request.axes_locked_out = True  # type: ignore[attr-defined]  # what axes' middleware looks at
    return locked


def record_failed_code(request: HttpRequest, person: User) -> None:
    """A code of this person was wrong; it counts as a wrong password does."""
    user_login_failed.send(sender=__name__, credentials={"username": person.email}, request=request)


def is_locked_by_wider_limit(request: HttpRequest, credentials: dict[str, Any] | None) -> bool:
    since = get_cool_off_threshold(request)
    name = get_client_username(request, credentials)
    address: str | None = request.axes_ip_address  # type: ignore[attr-defined]  # set by axes
    if address and count_recent_failures(since, ip_address=address) >= settings.LOCKOUT_FAILURES_PER_ADDRESS:
        return True
    if not name or count_recent_failures(since, username=name) < settings.LOCKOUT_FAILURES_PER_ACCOUNT:
        return False
    return not AccessLog.objects.filter(
        username__iexact=name, ip_address=address, attempt_time__gte=timezone.now() - RECENT_SIGN_IN
    ).exists()


def count_recent_failures(since: datetime, **criteria: str) -> int:
    recent = AccessAttempt.objects.filter(attempt_time__gte=since, **criteria)
    return int(recent.aggregate(total=Sum("failures_since_start"))["total"] or 0)
