"""Two-step verification: a password, and a code of an authenticator app, a passkey or a recovery code.

django-allauth keeps and checks them; here stands what the product adds: secrets encrypted at
rest, wrong codes counted like wrong passwords, no code taken twice, and all of it in history.
"""

from typing import Any

from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from directory import history
from directory.accounts import lockout, sessions
from directory.accounts.devices import get_device_name
from directory.db import encryption
from directory.history.events import LOST_FACTORS, NEW_FACTORS, DirectoryEvent
from directory.models import SECOND_STEPS, User

SECRET_FIELDS = ("secret", "seed")
"""Where an Authenticator keeps what must be encrypted."""
MADE = dict(zip(SECOND_STEPS, NEW_FACTORS, strict=True))
LOST = dict(zip(SECOND_STEPS, LOST_FACTORS, strict=True))


class TwoStepAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no type hints
    """allauth's, with secrets that a copied database does not give away."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": "It must stay on: you use the administration, or a company where you "
        "have Can Push to Accounting requires it. To change phones, ask your administrator.",
        "incorrect_code": "This code is wrong or has expired. Enter the one that the app shows now.",
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Where two steps are required, nobody goes back to one by themselves."""
        person = authenticator.user
        return list_second_steps(person).exclude(pk=authenticator.pk).exists() or not is_required(person)

    def generate_authenticator_name(self, *args: Any) -> str:
        """Of a passkey: where it is being made."""
        return get_device_name(context.request.META.get("HTTP_USER_AGENT", ""))

    def encrypt(self, text: str) -> str:
        """Under the first of FIELD_ENCRYPTION_KEYS."""
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """By whichever of FIELD_ENCRYPTION_KEYS opens it."""
        return encryption.decrypt(encrypted_text)


class LimitedCode:
    """A form with a code: tries are counted, and a code of the app is good for one use.

    allauth remembers a used code for one period only, and takes those of the neighbouring
    periods too, so that a code that was read over a shoulder would work once more.
    """

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        """Refuse while locked, and count what is wrong."""
        if lockout.is_locked(context.request, self.user):
            raise ValidationError("Too many wrong codes. Try again later.")
        try:
            code: str = super().clean_code()  # type: ignore[misc]  # of the form that this is mixed into
            self.claim_code(code)
        except ValidationError:
            lockout.record_failed_code(context.request, self.user)
            raise
        return code

    def claim_code(self, code: str) -> None:
        if self.authenticator.type != Authenticator.Type.TOTP:
            return  # a recovery code is crossed out in its row
        key = f"two-step.used:{self.user.pk}:{normalize_user_code(code)}"
        good_for = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        if not cache.add(key, True, timeout=good_for):
            raise ValidationError("This code has been used. Wait for the next one.")


class CodeForm(LimitedCode, AuthenticateForm):  # type: ignore[misc]  # allauth has no type hints
    """The second step of signing in."""


class ReauthenticationCodeForm(LimitedCode, ReauthenticateForm):  # type: ignore[misc]  # allauth has no type hints
    """A code before a sensitive act."""


def list_second_steps(person: User) -> "QuerySet[Authenticator]":
    steps: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, type__in=SECOND_STEPS)
    return steps


def is_enabled(person: User) -> bool:
    """This person signs in with a code of an authenticator app, or a passkey."""
    return list_second_steps(person).exists()


def is_required(person: User) -> bool:
    """A company where they hold the privilege requires it, even while their level gives it no effect (a
    level may come back), or Django admin does, which they may enter."""
    if person.is_staff and settings.ADMIN_REQUIRES_TWO_STEP:
        return True
    requiring = person.company_memberships.filter(
        can_push_to_accounting=True, company__requires_two_step=True
    )
    return requiring.exists()


@transaction.atomic
def delete_authenticators(people: QuerySet[User]) -> int:
    """End the two-step verification of people who lost what it takes. Returns of how many."""
    authenticators = Authenticator.objects.filter(user__in=people).order_by("pk")
    count = len({each.user_id for each in authenticators})
    for authenticator in authenticators:
        authenticator.delete()
    return count


@transaction.atomic
def rotate_secret_encryption() -> int:
    """Write every stored secret with the first key. Returns how many people's there are."""
    authenticators = list(Authenticator.objects.select_for_update().order_by("pk"))
    for authenticator in authenticators:
        for name in SECRET_FIELDS:
            if name in authenticator.data:
                plain = encryption.decrypt(authenticator.data[name])
                authenticator.data[name] = encryption.encrypt(plain)
        authenticator.save(update_fields=["data"])
    return len({authenticator.user_id for authenticator in authenticators})


@receiver(post_save, sender=Authenticator)
def record_new_secret(sender: object, instance: Authenticator, created: bool, **kwargs: Any) -> None:
    """Whoever set it up, and however: in the transaction that did."""
    if created:
        made = MADE.get(instance.type, DirectoryEvent.TWO_STEP_RECOVERY_CODES_MADE)
        _record_event(made, instance)
        if instance.type in MADE and context.request is not None:  # who came in with a password alone is out
            here = context.request.session.session_key
            sessions.end_sessions(person=instance.user, by=instance.user, except_key=here)


@receiver(post_delete, sender=Authenticator)
def record_removed_secret(sender: object, instance: Authenticator, **kwargs: Any) -> None:
    """Turned off by the person, or taken away by an administrator."""
    if instance.type in LOST:
        _record_event(LOST[instance.type], instance)


@receiver(authenticator_used)
def record_recovery_code_use(sender: object, authenticator: Authenticator, **kwargs: Any) -> None:
    """A recovery code was used, as after the loss of a phone, or of the paper with the codes."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _record_event(DirectoryEvent.TWO_STEP_RECOVERY_CODE_USED, authenticator)


@transaction.atomic
def _record_event(event: DirectoryEvent, authenticator: Authenticator) -> None:
    person = authenticator.user
    actor = getattr(context.request, "user", None)
    by = actor if isinstance(actor, User) and actor.is_authenticated else None
    if event == DirectoryEvent.TWO_STEP_RECOVERY_CODE_USED:
        by = person
    history.record(event=event, subject=person, by=by, company=None)
