"""Links by which a person chooses a password: after an invitation, or when it was forgotten.

A link holds no more than what its person's row and SECRET_KEY give, so nothing of it is
stored anywhere. It works once: choosing a password changes what it is made of.
"""

from datetime import timedelta

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.http import base36_to_int

from directory.models import User


class PasswordLinkTokens(PasswordResetTokenGenerator):
    """Django's, with a shorter life where there is a password already."""

    def check_token(self, user: User | None, token: str | None) -> bool:
        if user is None or token is None or not super().check_token(user, token):
            return False
        made_at = base36_to_int(token.split("-")[0])
        age = timedelta(seconds=self._num_seconds(self._now()) - made_at)
        return age <= get_lifetime(user)


def get_lifetime(person: User) -> timedelta:
    """For how long a link made for this person works."""
    if person.has_usable_password():
        return timedelta(minutes=settings.PASSWORD_RESET_MINUTES)
    return timedelta(days=settings.INVITATION_DAYS)


def format_lifetime(person: User) -> str:
    """For a mail: "60 minutes", "7 days"."""
    if person.has_usable_password():
        return f"{settings.PASSWORD_RESET_MINUTES} minutes"
    return f"{settings.INVITATION_DAYS} day{'' if settings.INVITATION_DAYS == 1 else 's'}"


def build_password_link(person: User) -> str:
    """A new link, whose time begins now."""
    parts = {"uidb36": user_pk_to_url_str(person), "key": PasswordLinkTokens().make_token(person)}
    return f"{settings.PUBLIC_URL}{reverse('account_reset_password_from_key', kwargs=parts)}"
