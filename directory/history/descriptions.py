"""Every event in plain words: one table, to which each tool adds its own.

What a page or an export shows of an entry is made here, from ids; the entry itself holds no name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from directory.models import HistoryEntry, Level, User

People = Mapping[int, User]

MAX_MESSAGE_LENGTH = 2_000
TOOLS = {
    "erp_integrations_level": "ERP Integrations",
    "directory_level": "Directory",
    "commitments_level": "Commitments",
}


@dataclass(frozen=True, slots=True)
class EventDescription:
    """How one kind of event is told.

    ``label`` names the event, also in a filter; ``in_full`` makes a sentence of an entry's detail where
    the label is not enough; ``said`` names what of the detail a person or Spectrum said; ``tone`` is the
    label of a status, or nothing.
    """

    label: str
    describe: Callable[[Mapping[str, Any], People], str] | None = None
    tone: str = ""
    message_key: str = ""


@dataclass(frozen=True, slots=True)
class EntryDescription:
    """One entry in words."""

    tone: str
    description: str
    message: str


def add_events(events: Mapping[str, EventDescription]) -> None:
    """Add the events of a tool; called once, when the tool starts."""
    EVENTS.update(events)


def get_event_label(event: str) -> str:
    """The event's name; made of its code where nobody registered words (an event of an older version)."""
    if event in EVENTS:
        return EVENTS[event].label
    return event.replace(".", " ").replace("_", " ").capitalize()


def describe_entry(entry: HistoryEntry, people: People) -> EntryDescription:
    """An entry in words. ``people`` are those that ``people_in`` found."""
    event = EVENTS.get(entry.event)
    if event is None:
        return EntryDescription("", get_event_label(entry.event), "")
    description = event.describe(entry.detail, people) if event.describe else event.label
    if operator := entry.detail.get("operator"):
        description = f"{description}, at the command line by {operator}"
    return EntryDescription(
        event.tone, description, str(entry.detail.get(event.message_key, ""))[:MAX_MESSAGE_LENGTH]
    )


def list_named_people(entries: Iterable[HistoryEntry]) -> dict[int, User]:
    """Everybody whom these entries name, by id. One query."""
    named_ids: set[Any] = set()
    for entry in entries:
        named_ids |= {entry.by_id, entry.detail.get("user"), entry.detail.get("accepted_by")}
        if entry.subject_type == User._meta.label_lower:
            named_ids.add(entry.subject_id)
    return User.objects.in_bulk([pk for pk in named_ids if isinstance(pk, int)])


def _get_person_name(detail: Mapping[str, Any], people: People) -> str:
    return str(people.get(detail.get("user", 0)) or "a person")


def _describe_grant(detail: Mapping[str, Any], people: People) -> str:
    return f"Can Push to Accounting was granted to {_get_person_name(detail, people)}"


def _describe_revocation(detail: Mapping[str, Any], people: People) -> str:
    return f"Can Push to Accounting was revoked from {_get_person_name(detail, people)}"


def _describe_suspension(detail: Mapping[str, Any], people: People) -> str:
    return (
        f"Can Push to Accounting was suspended for {_get_person_name(detail, people)}, until it "
        "is granted again"
    )


def _format_levels(detail: Mapping[str, Any]) -> str:
    known, levels = dict(Level.choices), detail.get("levels", {})
    given = [f"{TOOLS.get(name, name)}: {known.get(level, level)}" for name, level in levels.items()]
    return f" ({', '.join(given)})" if given else ""


def _describe_added_member(detail: Mapping[str, Any], people: People) -> str:
    return f"{_get_person_name(detail, people)} was added{_format_levels(detail)}"


def _describe_changed_levels(detail: Mapping[str, Any], people: People) -> str:
    return f"Levels of {_get_person_name(detail, people)} changed{_format_levels(detail)}"


def _describe_removed_member(detail: Mapping[str, Any], people: People) -> str:
    held = ", who held Can Push to Accounting" if detail.get("held_push_to_accounting") else ""
    return f"{_get_person_name(detail, people)} was removed{held}"


def _describe_refusal(detail: Mapping[str, Any], people: People) -> str:
    return f"Refused: the right to {detail.get('right', 'do this')} is missing"


def _describe_account_change(detail: Mapping[str, Any], people: People) -> str:
    fields = ", ".join(str(name).replace("_", " ") for name in detail.get("fields", []))
    off = "" if detail.get("active", True) else "; it is switched off"
    return f"Account changed{f': {fields}' if fields else ''}{off}"


def _describe_permission_change(detail: Mapping[str, Any], people: People) -> str:
    given, taken = (", ".join(detail.get(name, [])) or "nothing" for name in ("given", "taken"))
    return f"Permissions in Django admin changed: given {given}; taken {taken}"


def _describe_export(detail: Mapping[str, Any], people: People) -> str:
    return f"History was exported as {str(detail.get('format', 'a file')).upper()}"


EVENTS: dict[str, EventDescription] = {
    "privilege.granted": EventDescription(
        "Can Push to Accounting granted", _describe_grant, message_key="reason"
    ),
    "privilege.revoked": EventDescription(
        "Can Push to Accounting revoked", _describe_revocation, message_key="reason"
    ),
    "privilege.suspended": EventDescription(
        "Can Push to Accounting suspended", _describe_suspension, message_key="reason"
    ),
    "membership.added": EventDescription("Person added", _describe_added_member),
    "membership.changed": EventDescription("Levels changed", _describe_changed_levels),
    "membership.removed": EventDescription("Person removed", _describe_removed_member),
    "own_decision_rule.lifted": EventDescription("Own decisions were allowed", message_key="reason"),
    "own_decision_rule.restored": EventDescription(
        "Own decisions were forbidden again", message_key="reason"
    ),
    "approvers.confirmed": EventDescription("The approver list was confirmed"),
    "approvers.flagged": EventDescription("The approver list was found to be wrong", message_key="reason"),
    "approvers.confirmation_asked": EventDescription(
        "The approver list must be confirmed again: from now on, account changes suspend the privilege"
    ),
    "two_step_rule.set": EventDescription(
        "Two-step verification was required of approvers", message_key="reason"
    ),
    "two_step_rule.lifted": EventDescription(
        "Two-step verification is no longer required of approvers", message_key="reason"
    ),
    "company.created": EventDescription("Company created"),
    "company.changed": EventDescription("Company changed"),
    "group.created": EventDescription("Group of permissions created"),
    "group.changed": EventDescription("Group of permissions changed"),
    "group.deleted": EventDescription("Group of permissions removed"),
    "project.created": EventDescription("Project created"),
    "project.changed": EventDescription("Project changed"),
    "project.deleted": EventDescription("Project removed"),
    "right.refused": EventDescription("Refused: missing right", _describe_refusal, message_key="address"),
    "account.created": EventDescription("Account created"),
    "account.changed": EventDescription("Account changed", _describe_account_change),
    "account.powers_changed": EventDescription(
        "What an account may do in Django admin changed", _describe_permission_change
    ),
    "group.permissions_changed": EventDescription(
        "What a group may do in Django admin changed", _describe_permission_change
    ),
    "account.invited": EventDescription("Invited by mail to choose a password"),
    "account.password_set": EventDescription("Password set by an administrator"),
    "session.started": EventDescription("Signed in"),
    "session.ended": EventDescription("Signed out"),
    "sign_in.failed": EventDescription("A sign-in failed"),
    "sign_in.locked": EventDescription("Sign-in was locked after too many attempts"),
    "password.changed": EventDescription("Password changed"),
    "password.reset": EventDescription("Password chosen through a mailed link"),
    "two_step.turned_on": EventDescription("Two-step verification turned on"),
    "two_step.turned_off": EventDescription("Two-step verification turned off"),
    "two_step.recovery_codes_made": EventDescription("Recovery codes created"),
    "two_step.recovery_code_used": EventDescription("Signed in with a recovery code"),
    "signatures.began": EventDescription("From here on, acceptances and grants count only if signed"),
    "history.restored": EventDescription(
        "The database was restored from an older copy", message_key="reason"
    ),
    "history.exported": EventDescription("History exported", _describe_export),
    "person.erased": EventDescription("Personal data was erased", message_key="reason"),
    "person.exported": EventDescription("Personal data was exported"),
}
