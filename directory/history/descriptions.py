"""Events in plain words where their name is not enough: one table, to which each tool adds its own.

What a page or an export shows of an entry is made here, from ids; the entry itself holds no name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from directory.history.events import DirectoryEvent, Event, find_event
from directory.models import HistoryEntry, Invitation, Level, User

People = Mapping[int, User]

MAX_MESSAGE_LENGTH = 2_000
TOOLS = {
    "erp_integrations_level": "ERP Integrations",
    "directory_level": "Directory",
    "history_level": "History",
    "commitments_level": "Commitments",
    "is_administrator": "Company administrator",
}


@dataclass(frozen=True, slots=True)
class EventDescription:
    """How one kind of event is told beyond its name.

    ``describe`` makes a sentence of an entry's detail; ``message_key`` names what of the detail a person or
    Spectrum said; ``tone`` is the label of a status, or nothing.
    """

    describe: Callable[[Mapping[str, Any], People], str] | None = None
    tone: str = ""
    message_key: str = ""


@dataclass(frozen=True, slots=True)
class EntryDescription:
    """One entry in words."""

    tone: str
    description: str
    message: str


def add_descriptions(more: Mapping[Event, EventDescription]) -> None:
    """Add those of a tool; called once, when the tool starts."""
    DESCRIPTIONS.update(more)


def get_event_label(value: str) -> str:
    """The event's name; made of its code where it is one of an older version."""
    event = find_event(value)
    return str(event.label) if event else value.replace(".", " ").replace("_", " ").capitalize()


def describe_entry(entry: HistoryEntry, people: People) -> EntryDescription:
    """An entry in words. ``people`` are those of ``list_named_people``."""
    event = find_event(entry.event)
    if event is None:
        return EntryDescription("", get_event_label(entry.event), "")
    known = DESCRIPTIONS.get(event, EventDescription())
    description = known.describe(entry.detail, people) if known.describe else str(event.label)
    if operator := entry.detail.get("operator"):
        description = f"{description}, at the command line by {operator}"
    return EntryDescription(
        known.tone, description, str(entry.detail.get(known.message_key, ""))[:MAX_MESSAGE_LENGTH]
    )


def list_named_people(entries: Iterable[HistoryEntry]) -> People:
    """Everybody whom these entries name, by id, as their company knows them. One query."""
    named_ids: set[Any] = set()
    company_ids = set()
    for entry in entries:
        company_ids.add(entry.company_id)
        named_ids |= {entry.by_id, entry.detail.get("user"), entry.detail.get("accepted_by")}
        if entry.subject_type == User._meta.label_lower:
            named_ids.add(entry.subject_id)
    invitations = Invitation.objects.filter(company__in=company_ids - {None}, user=OuterRef("pk"))
    users = User.objects.annotate(invited_as=Subquery(invitations.values("name")[:1]))
    people = users.in_bulk([pk for pk in named_ids if isinstance(pk, int)])
    for person in people.values():
        if person.invited_as:
            person.first_name, person.last_name = person.invited_as, ""
    return people


def _get_person_name(detail: Mapping[str, Any], people: People) -> str:
    return str(people.get(detail.get("user", 0)) or "a person")


def format_levels(levels: Mapping[str, Any]) -> list[str]:
    """By column, in words."""
    known: dict[Any, str] = {**dict(Level.choices), True: "Yes", False: "No"}
    return [f"{TOOLS.get(name, name)}: {known.get(level, level)}" for name, level in levels.items()]


def _format_levels(detail: Mapping[str, Any]) -> str:
    given = format_levels(detail.get("levels", {}))
    role = f", by the role {detail['role']}" if "role" in detail else ""
    return f" ({', '.join(given)}{role})" if given else ""


def _build_sentence(sentence: str) -> Callable[[Mapping[str, Any], People], str]:
    """With the person and the levels that it is about, or what its detail says."""
    return lambda detail, people: sentence.format_map(
        {"count": 0, "name": "", "right": "do this", **detail}
        | {"person": _get_person_name(detail, people), "levels": _format_levels(detail)}
    )


def _describe_removed_member(detail: Mapping[str, Any], people: People) -> str:
    held = ", who held Can Push to Accounting" if detail.get("held_push_to_accounting") else ""
    return f"{_get_person_name(detail, people)} was removed{held}"


def _describe_account_change(detail: Mapping[str, Any], people: People) -> str:
    fields = ", ".join(str(name).replace("_", " ") for name in detail.get("fields", []))
    off = "" if detail.get("active", True) else "; it is switched off"
    return f"Account changed{f': {fields}' if fields else ''}{off}"


def _describe_permission_change(detail: Mapping[str, Any], people: People) -> str:
    given, taken = (", ".join(detail.get(name, [])) or "nothing" for name in ("given", "taken"))
    return f"Permissions in Django admin changed: given {given}; taken {taken}"


def _describe_export(detail: Mapping[str, Any], people: People) -> str:
    return f"History was exported as {str(detail.get('format', 'a file')).upper()}"


_SENTENCES = {
    DirectoryEvent.PRIVILEGE_GRANTED: "Can Push to Accounting was granted to {person}",
    DirectoryEvent.PRIVILEGE_REVOKED: "Can Push to Accounting was revoked from {person}",
    DirectoryEvent.PRIVILEGE_SUSPENDED: "Can Push to Accounting was suspended for {person}, until it is "
    "granted again",
    DirectoryEvent.PRIVILEGE_REQUESTED: "Can Push to Accounting was requested for {person}",
    DirectoryEvent.PRIVILEGE_DECLINED: "Can Push to Accounting was declined for {person}",
    DirectoryEvent.PEOPLE_CHANGED: "Levels of {count:,} people changed at one press; each has an entry",
    DirectoryEvent.ROLE_ADDED: "Role {name}{levels}",
    DirectoryEvent.ROLE_DELETED: "Role {name}{levels}",
    DirectoryEvent.MEMBERSHIP_ADDED: "{person} was added{levels}",
    DirectoryEvent.MEMBERSHIP_CHANGED: "Levels of {person} changed{levels}",
}
_WITH_REASON = (
    *(DirectoryEvent.OWN_DECISION_RULE_LIFTED, DirectoryEvent.OWN_DECISION_RULE_RESTORED),
    *(DirectoryEvent.TWO_STEP_RULE_SET, DirectoryEvent.TWO_STEP_RULE_LIFTED),
    *(DirectoryEvent.APPROVERS_FLAGGED, DirectoryEvent.HISTORY_RESTORED, DirectoryEvent.PERSON_ERASED),
)
DESCRIPTIONS: dict[Event, EventDescription] = {
    **{event: EventDescription(_build_sentence(each), "", "reason") for event, each in _SENTENCES.items()},
    **dict.fromkeys(_WITH_REASON, EventDescription(message_key="reason")),
    DirectoryEvent.MEMBERSHIP_REMOVED: EventDescription(_describe_removed_member),
    DirectoryEvent.RIGHT_REFUSED: EventDescription(
        _build_sentence("Refused: the right to {right} is missing"), message_key="address"
    ),
    DirectoryEvent.ACCOUNT_CHANGED: EventDescription(describe=_describe_account_change),
    DirectoryEvent.ACCOUNT_POWERS_CHANGED: EventDescription(describe=_describe_permission_change),
    DirectoryEvent.GROUP_PERMISSIONS_CHANGED: EventDescription(describe=_describe_permission_change),
    DirectoryEvent.HISTORY_EXPORTED: EventDescription(describe=_describe_export),
}
