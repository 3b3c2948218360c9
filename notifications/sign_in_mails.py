"""Mails to a person about changes of how they sign in, so that what somebody else did is noticed.

Each follows an entry of the history, in the entry's transaction. Nobody can switch these mails off.
"""

import zoneinfo
from dataclasses import dataclass

from allauth.core import context
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from directory.accounts.devices import get_device_name
from directory.client_address import get_client_address
from directory.history import subscribers
from directory.history.events import DirectoryEvent
from directory.models import HistoryEntry, User
from directory.privacy import personal_data
from notifications import emails


@dataclass(frozen=True, slots=True)
class Change:
    """What a mail says of one kind of event."""

    headline: str
    sentence: str


CODES_MADE, TURNED_ON = DirectoryEvent.TWO_STEP_RECOVERY_CODES_MADE, DirectoryEvent.TWO_STEP_TURNED_ON
INVITED, RESET = DirectoryEvent.ACCOUNT_INVITED, DirectoryEvent.PASSWORD_RESET
PASSWORDS = (DirectoryEvent.PASSWORD_CHANGED, RESET, DirectoryEvent.ACCOUNT_PASSWORD_SET)
FIRST_PASSWORD = Change(
    "Your password was chosen",
    "It was done through the link of your invitation. With it and your e-mail address you sign in.",
)
CHANGES: dict[str, Change] = {
    DirectoryEvent.PASSWORD_CHANGED: Change(
        "Your password was changed",
        "Whoever did it typed the password that you had before. Other places where you were signed in are "
        "signed out.",
    ),
    RESET: Change(
        "Your password was chosen anew",
        "It was done through a link that had been mailed to you. You are signed out everywhere.",
    ),
    DirectoryEvent.ACCOUNT_PASSWORD_SET: Change(
        "Your password was set by an administrator", "The one that you had before does not work any more."
    ),
    TURNED_ON: Change(
        "Two-step verification was turned on",
        "Signing in takes a code of the authenticator app now, or one of the recovery codes that were made "
        "with it. Other places where you were signed in are signed out.",
    ),
    DirectoryEvent.TWO_STEP_TURNED_OFF: Change(
        "Two-step verification was turned off", "Your password alone lets you in now."
    ),
    CODES_MADE: Change("New recovery codes were made", "The ones that you had before do not work any more."),
    DirectoryEvent.TWO_STEP_RECOVERY_CODE_USED: Change(
        "A recovery code was used",
        "Somebody typed one of your recovery codes where a code of your authenticator app is asked for. It "
        "does not work a second time.",
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
            sentence="This address is not the one of your account any more: you sign in with another, and "
            "mails of Ledgergate go there.",
            facts=facts,
            advice=f"Were you not told of it? Ask {by}, or another administrator of Ledgergate, at once.",
            link="",
        )
    emails.store_sign_in_change(
        recipient=person,
        headline=NEW_ADDRESS,
        sentence="You sign in with this address now, and mails of Ledgergate come here. Your password stays.",
        facts=facts,
        advice=f"Do you have no account there? Tell {by}.",
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
    """Whether these are the first codes, which come with the app and of which its mail tells."""
    if entry.event != CODES_MADE:
        return False
    last = (
        HistoryEntry.objects.about(User(pk=entry.subject_id))
        .filter(event__in=(CODES_MADE, TURNED_ON), pk__lt=entry.pk)
        .last()
    )
    return last is not None and last.event == TURNED_ON


def is_first_password(entry: HistoryEntry) -> bool:
    """Whether an invitation was followed."""
    if entry.event != RESET:
        return False
    before = HistoryEntry.objects.about(User(pk=entry.subject_id)).filter(pk__lt=entry.pk)
    return before.filter(event=INVITED).exists() and not before.filter(event__in=PASSWORDS).exists()


def format_current_time(person: User) -> str:
    now = timezone.localtime(timezone=zoneinfo.ZoneInfo(person.time_zone))
    return f"{date_format(now, 'j M Y, H:i')} ({person.time_zone})"


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
        return "Did you not ask for it? Choose a new password at once, and ask another administrator why."
    return (
        "Was it not you? Choose a new password at once, which signs everybody out who is in with the old "
        "one, and tell an administrator of Ledgergate."
    )
