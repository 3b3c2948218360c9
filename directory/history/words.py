"""Every event in plain words: one table, to which each tool adds its own.

What a page or an export shows of an entry is made here, from ids; the entry itself holds no name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from directory.models import HistoryEntry, Level, User

People = Mapping[int, User]

LONGEST_WORDS = 2_000
TOOLS = {
    "erp_integrations_level": "ERP Integrations",
    "directory_level": "Directory",
    "commitments_level": "Commitments",
}


@dataclass(frozen=True, slots=True)
class Words:
    """How one kind of event is told.

    ``label`` names the event, also in a filter; ``in_full`` makes a sentence of an entry's detail where
    the label is not enough; ``said`` names what of the detail a person or Spectrum said; ``tone`` is the
    label of a status, or nothing.
    """

    label: str
    in_full: Callable[[Mapping[str, Any], People], str] | None = None
    tone: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One entry in words."""

    tone: str
    what: str
    said: str


def register(words: Mapping[str, Words]) -> None:
    """Add the events of a tool; called once, when the tool starts."""
    EVENTS.update(words)


def label_of(event: str) -> str:
    """The event's name; made of its code where nobody registered words (an event of an older version)."""
    if event in EVENTS:
        return EVENTS[event].label
    return event.replace(".", " ").replace("_", " ").capitalize()


def told(entry: HistoryEntry, people: People) -> Told:
    """An entry in words. ``people`` are those that ``people_in`` found."""
    words = EVENTS.get(entry.event)
    if words is None:
        return Told("", label_of(entry.event), "")
    what = words.in_full(entry.detail, people) if words.in_full else words.label
    if operator := entry.detail.get("operator"):
        what = f"{what}, at the command line by {operator}"
    return Told(words.tone, what, str(entry.detail.get(words.said, ""))[:LONGEST_WORDS])


def people_in(entries: Iterable[HistoryEntry]) -> dict[int, User]:
    """Everybody whom these entries name, by id. One query."""
    named: set[Any] = set()
    for entry in entries:
        named |= {entry.by_id, entry.detail.get("user"), entry.detail.get("accepted_by")}
        if entry.subject_type == User._meta.label_lower:
            named.add(entry.subject_id)
    return User.objects.in_bulk([pk for pk in named if isinstance(pk, int)])


def _of(detail: Mapping[str, Any], people: People) -> str:
    return str(people.get(detail.get("user", 0)) or "a person")


def _granted(detail: Mapping[str, Any], people: People) -> str:
    return f"Can Push to Accounting was granted to {_of(detail, people)}"


def _revoked(detail: Mapping[str, Any], people: People) -> str:
    return f"Can Push to Accounting was revoked from {_of(detail, people)}"


def _suspended(detail: Mapping[str, Any], people: People) -> str:
    return f"Can Push to Accounting was suspended for {_of(detail, people)}, until it is granted again"


def _levels(detail: Mapping[str, Any]) -> str:
    known, levels = dict(Level.choices), detail.get("levels", {})
    given = [f"{TOOLS.get(name, name)}: {known.get(level, level)}" for name, level in levels.items()]
    return f" ({', '.join(given)})" if given else ""


def _added(detail: Mapping[str, Any], people: People) -> str:
    return f"{_of(detail, people)} was added{_levels(detail)}"


def _changed(detail: Mapping[str, Any], people: People) -> str:
    return f"Levels of {_of(detail, people)} changed{_levels(detail)}"


def _removed(detail: Mapping[str, Any], people: People) -> str:
    held = ", who held Can Push to Accounting" if detail.get("held_push_to_accounting") else ""
    return f"{_of(detail, people)} was removed{held}"


def _refused(detail: Mapping[str, Any], people: People) -> str:
    return f"Refused: the right to {detail.get('right', 'do this')} is missing"


def _account(detail: Mapping[str, Any], people: People) -> str:
    fields = ", ".join(str(name).replace("_", " ") for name in detail.get("fields", []))
    off = "" if detail.get("active", True) else "; it is switched off"
    return f"Account changed{f': {fields}' if fields else ''}{off}"


def _powers(detail: Mapping[str, Any], people: People) -> str:
    given, taken = (", ".join(detail.get(name, [])) or "nothing" for name in ("given", "taken"))
    return f"Permissions in Django admin changed: given {given}; taken {taken}"


def _exported(detail: Mapping[str, Any], people: People) -> str:
    return f"History was exported as {str(detail.get('format', 'a file')).upper()}"


EVENTS: dict[str, Words] = {
    "privilege.granted": Words("Can Push to Accounting granted", _granted, said="reason"),
    "privilege.revoked": Words("Can Push to Accounting revoked", _revoked, said="reason"),
    "privilege.suspended": Words("Can Push to Accounting suspended", _suspended, said="reason"),
    "membership.added": Words("Person added", _added),
    "membership.changed": Words("Levels changed", _changed),
    "membership.removed": Words("Person removed", _removed),
    "own_decision_rule.lifted": Words("Own decisions were allowed", said="reason"),
    "own_decision_rule.restored": Words("Own decisions were forbidden again", said="reason"),
    "approvers.confirmed": Words("The list of who may push to accounting was confirmed"),
    "approvers.flagged": Words("The list of who may push to accounting was found wrong", said="reason"),
    "approvers.confirmation_asked": Words(
        "Who may push to accounting must be confirmed anew: changes of an account suspend it from now on"
    ),
    "two_step_rule.set": Words("Two-step verification was required of approvers", said="reason"),
    "two_step_rule.lifted": Words(
        "Two-step verification is not required of approvers any more", said="reason"
    ),
    "company.created": Words("Company made"),
    "company.changed": Words("Company changed"),
    "group.created": Words("Group of permissions made"),
    "group.changed": Words("Group of permissions changed"),
    "group.deleted": Words("Group of permissions removed"),
    "project.created": Words("Project made"),
    "project.changed": Words("Project changed"),
    "project.deleted": Words("Project removed"),
    "right.refused": Words("Refused for want of a right", _refused, said="address"),
    "account.created": Words("Account made"),
    "account.changed": Words("Account changed", _account),
    "account.powers_changed": Words("What an account may do in Django admin changed", _powers),
    "group.permissions_changed": Words("What a group may do in Django admin changed", _powers),
    "account.invited": Words("Invited by mail to choose a password"),
    "account.password_set": Words("Password set by an administrator"),
    "session.started": Words("Signed in"),
    "session.ended": Words("Signed out"),
    "sign_in.failed": Words("A sign-in failed"),
    "sign_in.locked": Words("Sign-in was locked after too many tries"),
    "password.changed": Words("Password changed"),
    "password.reset": Words("Password chosen through a mailed link"),
    "two_step.turned_on": Words("Two-step verification turned on"),
    "two_step.turned_off": Words("Two-step verification turned off"),
    "two_step.recovery_codes_made": Words("Recovery codes made"),
    "two_step.recovery_code_used": Words("Signed in with a recovery code"),
    "signatures.began": Words("From here on acceptances and grants count only if they are signed"),
    "history.restored": Words("The database was put back to an older copy", said="reason"),
    "history.exported": Words("History exported", _exported),
    "person.erased": Words("Personal data was erased", said="reason"),
    "person.exported": Words("Personal data was exported"),
}
