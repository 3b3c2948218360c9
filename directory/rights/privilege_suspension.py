"""Changes by which an account may have come into other hands, and what follows for Can Push to Accounting.

Listeners of the history, in the transaction of the change, so that no way of making one goes past them.
"""

from directory.history import subscribers
from directory.history.events import LOST_FACTORS, NEW_FACTORS, DirectoryEvent
from directory.models import HistoryEntry, User
from directory.rights import approvers, memberships

PASSWORDS = (
    DirectoryEvent.PASSWORD_RESET,
    DirectoryEvent.PASSWORD_CHANGED,
    DirectoryEvent.ACCOUNT_PASSWORD_SET,
)


def subscribe_to_account_changes() -> None:
    """Hear of what changes from now on; called once, when the application starts."""
    for event in (DirectoryEvent.ACCOUNT_CHANGED, *PASSWORDS, *NEW_FACTORS, *LOST_FACTORS):
        subscribers.subscribe(event, handle_account_change)


def handle_account_change(entry: HistoryEntry) -> None:
    person = User.objects.get(pk=entry.subject_id)
    by = User.objects.filter(pk=entry.by_id or 0).first()
    if "is_active" in entry.detail.get("fields", []) and not entry.detail["active"]:
        memberships.suspend_push_to_accounting(
            person=person, by=by, reason="The account was deactivated.", is_permanent=True
        )
    elif reason := get_suspension_reason(entry, person):
        memberships.suspend_push_to_accounting(person=person, by=by, reason=reason)


def get_suspension_reason(entry: HistoryEntry, person: User) -> str:
    """Why this change takes the privilege away until it is granted again; blank where it does not."""
    fields = entry.detail.get("fields", [])
    match entry.event:
        case DirectoryEvent.ACCOUNT_CHANGED if "email" in fields:
            return "The e-mail address of the account was changed."
        case DirectoryEvent.ACCOUNT_CHANGED if "is_active" in fields:
            return "The account was reactivated."
        case DirectoryEvent.ACCOUNT_PASSWORD_SET:
            return "The password was set by somebody else."
        case DirectoryEvent.PASSWORD_RESET if not (
            person.authenticator_set.exists()  # type: ignore[attr-defined]  # allauth's
            or is_done_by_mailbox_owner(entry)
        ):
            return "The password was chosen by a link mailed after somebody else had changed the account."
        case event if event in NEW_FACTORS and entry.by_id and not is_done_by_mailbox_owner(entry):
            elsewhere = (
                ", and not in the session that begins with a link which was mailed to the person to choose a "
                "password, or on an account that somebody else had changed."
            )
            if event == DirectoryEvent.TWO_STEP_TURNED_ON:
                return f"Two-step verification was set up{elsewhere}"
            return (
                f"A passkey was added{elsewhere} Have them look at their passkeys before you grant it again."
            )
        case event if event in LOST_FACTORS and entry.by_id != person.pk:
            return "Two-step verification was taken away."
    return ""


def is_done_by_mailbox_owner(entry: HistoryEntry) -> bool:
    """It was done by whoever reads the person's mail, on an account that nobody else has changed.

    A second step counts as the person's own only in the session that began with the mailed link of
    their invitation, or for a forgotten password: the last password came by a link, and one session has
    begun since. A link counts only where nobody else had a hand in the account before it: no other
    address (a link dies with the address that it was sent to), no password set by somebody else, no
    account switched on again, no two-step verification taken away. For a new password it is enough that
    there was none of that since the one before.
    """
    person = User(pk=entry.subject_id)
    before = HistoryEntry.objects.about(person).filter(pk__lt=entry.pk)
    last = before.filter(event__in=PASSWORDS).last()
    others = approvers.list_changes_by_others(person)
    if entry.event == DirectoryEvent.PASSWORD_RESET:
        own = before.filter(event__in=PASSWORDS[:2]).last()
        return not others.filter(pk__gt=own.pk if own else 0).exists()
    if last is None or last.event != DirectoryEvent.PASSWORD_RESET or others.exists():
        return False
    return before.filter(event=DirectoryEvent.SESSION_STARTED, pk__gt=last.pk).count() == 1
