"""Sign-ins, failed ones and lockouts, as history.

Ids only: neither e-mail nor IP addresses. Who tried a name that nobody has is not in the
history; axes keeps those tries for as long as they count.
"""

from datetime import timedelta
from typing import Any

from allauth.account import signals as account_signals
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from directory import history
from directory.accounts import sessions
from directory.accounts.lockout import get_lockout_name
from directory.history.events import DirectoryEvent
from directory.models import Invitation, User

INTERVAL = timedelta(minutes=1)


@receiver(account_signals.user_logged_in)
def record_sign_in(sender: object, user: User, **kwargs: Any) -> None:
    """A person signed in, with every step that their account asks for; who lists them may see whose it is."""
    Invitation.objects.filter(user=user, company__memberships__user=user).delete()
    history.record(event=DirectoryEvent.SESSION_STARTED, subject=user, by=user, company=None)


@receiver(user_logged_in)
def start_session_clock(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    """Whichever way a session begins, its limits count from then."""
    sessions.start_clock(request.session)


@receiver(user_logged_out)
def record_sign_out(sender: object, user: User | None, request: HttpRequest, **kwargs: Any) -> None:
    """A person signed out, or a limit did it."""
    if user is not None:
        why = getattr(request, "why_signed_out", "sign-out")
        history.record(
            event=DirectoryEvent.SESSION_ENDED, subject=user, by=user, company=None, detail={"why": why}
        )


@receiver(user_login_failed)
def record_failure(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """A wrong password, or a wrong code, for an account that exists."""
    if request is not None:
        record_sign_in_event(DirectoryEvent.SIGN_IN_FAILED, get_lockout_name(request, credentials))


@receiver(user_locked_out)
def record_lockout(sender: object, username: str, **kwargs: Any) -> None:
    """An account was tried too often, from one place or from many."""
    record_sign_in_event(DirectoryEvent.SIGN_IN_LOCKED, username)


def record_sign_in_event(event: DirectoryEvent, name: str) -> None:
    """At most once a minute for each account, so that a script can't fill the table."""
    person = User.objects.filter(email__iexact=name).first() if name else None
    if person is not None:
        history.record_at_intervals(interval=INTERVAL, event=event, subject=person, by=None, company=None)
