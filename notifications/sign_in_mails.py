"""Mails to a person about changes of how they sign in, so that what somebody else did is noticed.

Each follows an entry of the history, in the entry's transaction. Nobody can switch these mails off.
"""

import zoneinfo
from dataclasses import dataclass

from allauth.core import context
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from directory.accounts import two_step
from directory.accounts.devices import get_device_name
from directory.client_address import get_client_address
from directory.db.time_zones import format_time
from directory.history import subscribers
from directory.history.events import LOST_FACTORS, NEW_FACTORS, DirectoryEvent
from directory.models import HistoryEntry, User
from directory.privacy import personal_data
from notifications import emails


@dataclass(frozen=True, slots=True)
class Change:
    """A mail's words for one kind of event."""

    headline: str
    sentence: str


CODES_MADE = DirectoryEvent.TWO_STEP_RECOVERY_CODES_MADE
INVITED, RESET = DirectoryEvent.ACCOUNT_INVITED, DirectoryEvent.PASSWORD_RESET
PASSWORDS = (DirectoryEvent.PASSWORD_CHANGED, RESET, DirectoryEvent.ACCOUNT_PASSWORD_SET)
FIRST_PASSWORD = Change(
    "Your password was chosen",
    "It was chosen with the link in your invitation. Sign in with it and your e-mail address.",
)
CHANGES: dict[str, Change] = {
    DirectoryEvent.PASSWORD_CHANGED: Change(
        "Your password was changed",
        "The previous password was entered to change it. Your other sessions have been signed out.",
    ),
    RESET: Change(
        "Your password was reset",
        "It was reset with a link that was mailed to you. You are signed out everywhere.",
    ),
    DirectoryEvent.ACCOUNT_PASSWORD_SET: Change(
        "Your password was set by an administrator", "The previous one no longer works."
    ),
    DirectoryEvent.TWO_STEP_TURNED_ON: Change(
        "Two-step verification was turned on",
        "You now sign in with a code from the authenticator app, or one of the recovery codes that were "
        "created with it. Your other sessions have been signed out.",
    ),
    DirectoryEvent.TWO_STEP_TURNED_OFF: Change(
        "Two-step verification was turned off",
        "No code is asked for any more. Without a passkey you now sign in with your password alone.",
    ),
    DirectoryEvent.TWO_STEP_PASSKEY_ADDED: Change(
        "A passkey was added",
        "Whoever has it and can unlock it signs in as you, until you remove it under Two-step verification. "
        "A new password does not end that. Your other sessions have been signed out.",
    ),
    DirectoryEvent.TWO_STEP_PASSKEY_REMOVED: Change(
        "A passkey was removed", "Nobody signs in with it any more."
    ),
    CODES_MADE: Change("New recovery codes were created", "The previous ones no longer work."),
    DirectoryEvent.TWO_STEP_RECOVERY_CODE_USED: Change(
        "A recovery code was used",
        "One of your recovery codes was entered instead of a code from your authenticator app. It "
        "can't be used again.",
    ),
}
NEW_ADDRESS = "The e-mail address of your account was changed"


def subscribe_to_sign_in_changes() -> None:
    """Hear of what changes from now on; called once, when the application starts."""
    for event in CHANGES:
        subscribers.subscribe(event, handle_sign_in_change)


def store_new_address_emails(person: User, *, before: str, by: User) -> None:
    """Tell a person at both addresses; neither mail names the other one, which may be somebody else's."""
    facts = [("When", format_current_time(person)), ("By", f"{by}, an administrator")]
    if before:
        emails.store_sign_in_change(
            recipient=person,
            address=before,
            headline=NEW_ADDRESS,
            sentence="This is no longer the address of your account: you sign in with another one, and "
            "Ledgergate's mails go there.",
            facts=facts,
            advice=f"Didn't know about this? Ask {by} or another Ledgergate administrator at once.",
            link="",
        )
    emails.store_sign_in_change(
        recipient=person,
        headline=NEW_ADDRESS,
        sentence=(
            "You now sign in with this address, and Ledgergate's mails come here. Your password is unchanged."
        ),
        facts=facts,
        advice=f"Don't have an account there? Tell {by}.",
        link="",
    )


def handle_sign_in_change(entry: HistoryEntry) -> None:
    person = User.objects.get(pk=entry.subject_id)
    if personal_data.is_erased(person) or is_part_of_setup(entry):
        return
    change = FIRST_PASSWORD if is_first_password(entry) else CHANGES[entry.event]
    emails.store_sign_in_change(
        recipient=person,
        headline=change.headline,
        sentence=change.sentence,
        facts=[("When", format_current_time(person)), *build_actor_facts(entry, person)],
        advice=get_advice(entry, person),
        link=f"{settings.PUBLIC_URL}{reverse('account_reset_password')}",
    )


def is_part_of_setup(entry: HistoryEntry) -> bool:
    """These are the first codes, which come with the first app or passkey and of which its mail tells."""
    if entry.event != CODES_MADE:
        return False
    person = User(pk=entry.subject_id)
    last = (
        HistoryEntry.objects.about(person)
        .filter(event__in=(CODES_MADE, *NEW_FACTORS, *LOST_FACTORS), pk__lt=entry.pk)
        .last()
    )
    is_first = two_step.list_second_steps(person).count() == 1
    return last is not None and last.event in NEW_FACTORS and is_first


def is_first_password(entry: HistoryEntry) -> bool:
    """An invitation was followed."""
    if entry.event != RESET:
        return False
    before = HistoryEntry.objects.about(User(pk=entry.subject_id)).filter(pk__lt=entry.pk)
    return before.filter(event=INVITED).exists() and not before.filter(event__in=PASSWORDS).exists()


def format_current_time(person: User) -> str:
    return format_time(timezone.now(), zoneinfo.ZoneInfo(person.time_zone))


def build_actor_facts(entry: HistoryEntry, person: User) -> list[tuple[str, str]]:
    """Where it was done from, as on the page of sessions; of somebody else, who it was and no more."""
    if entry.by_id != person.pk:
        by = User.objects.filter(pk=entry.by_id or 0).first()
        return [("By", f"{by}, an administrator" if by else "an operator of the server")]
    request = context.request
    if request is None:
        return []
    return [
        ("Address", get_client_address(request) or "unknown"),
        ("Device", get_device_name(request.META.get("HTTP_USER_AGENT", ""))),
    ]


def get_advice(entry: HistoryEntry, person: User) -> str:
    if entry.by_id != person.pk:
        return "Didn't ask for this? Choose a new password at once, and ask another administrator why."
    return (
        "Not you? Choose a new password at once, which ends all sessions with the old "
        "one, and tell a Ledgergate administrator."
    )
