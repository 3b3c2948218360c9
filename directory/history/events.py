"""Every kind of event that the history holds, with its name for people.

Each package has its own ``Event``, and nothing else can be recorded. The value is what is stored, so it never
changes: rules ask the entries of years ago by it.
"""

from contextlib import suppress

from django.db import models


class Event(models.TextChoices):
    """One kind of event; before the point of its value stands what it is about."""


class DirectoryEvent(Event):
    """Of people, their rights, their sign-ins, and of the history itself."""

    PRIVILEGE_GRANTED = "privilege.granted", "Can Push to Accounting granted"
    PRIVILEGE_REVOKED = "privilege.revoked", "Can Push to Accounting revoked"
    PRIVILEGE_SUSPENDED = "privilege.suspended", "Can Push to Accounting suspended"
    PRIVILEGE_REQUESTED = "privilege.requested", "Can Push to Accounting requested"
    PRIVILEGE_DECLINED = "privilege.declined", "Can Push to Accounting declined"
    MEMBERSHIP_ADDED = "membership.added", "Person added"
    MEMBERSHIP_CHANGED = "membership.changed", "Levels changed"
    MEMBERSHIP_REMOVED = "membership.removed", "Person removed"
    PEOPLE_CHANGED = "membership.many_changed", "Levels of people changed, at one press"
    ROLE_ADDED = "role.added", "Role added"
    ROLE_DELETED = "role.deleted", "Role deleted"
    OWN_DECISION_RULE_LIFTED = "own_decision_rule.lifted", "Own decisions were allowed"
    OWN_DECISION_RULE_RESTORED = "own_decision_rule.restored", "Own decisions were forbidden again"
    APPROVERS_CONFIRMED = "approvers.confirmed", "The approver list was confirmed"
    APPROVERS_FLAGGED = "approvers.flagged", "The approver list was found to be wrong"
    APPROVERS_CONFIRMATION_ASKED = (
        "approvers.confirmation_asked",
        "The approver list must be confirmed again: from now on, account changes suspend the privilege",
    )
    TWO_STEP_RULE_SET = "two_step_rule.set", "Two-step verification was required of approvers"
    TWO_STEP_RULE_LIFTED = (
        "two_step_rule.lifted",
        "Two-step verification is no longer required of approvers",
    )
    COMPANY_CREATED = "company.created", "Company created"
    COMPANY_CHANGED = "company.changed", "Company changed"
    COMPANY_DELETED = "company.deleted", "Company removed"
    GROUP_CREATED = "group.created", "Group of permissions created"
    GROUP_CHANGED = "group.changed", "Group of permissions changed"
    GROUP_DELETED = "group.deleted", "Group of permissions removed"
    PROJECT_CREATED = "project.created", "Project created"
    PROJECT_CHANGED = "project.changed", "Project changed"
    PROJECT_DELETED = "project.deleted", "Project removed"
    RIGHT_REFUSED = "right.refused", "Refused: missing right"
    ACCOUNT_CREATED = "account.created", "Account created"
    ACCOUNT_CHANGED = "account.changed", "Account changed"
    ACCOUNT_POWERS_CHANGED = "account.powers_changed", "What an account may do in Django admin changed"
    GROUP_PERMISSIONS_CHANGED = "group.permissions_changed", "What a group may do in Django admin changed"
    ACCOUNT_INVITED = "account.invited", "Invited by mail to choose a password"
    ACCOUNT_PASSWORD_SET = "account.password_set", "Password set by an administrator"
    SESSION_STARTED = "session.started", "Signed in"
    SESSION_ENDED = "session.ended", "Signed out"
    SIGN_IN_FAILED = "sign_in.failed", "A sign-in failed"
    SIGN_IN_LOCKED = "sign_in.locked", "Sign-in was locked after too many attempts"
    PASSWORD_CHANGED = "password.changed", "Password changed"
    PASSWORD_RESET = "password.reset", "Password chosen through a mailed link"
    TWO_STEP_TURNED_ON = "two_step.turned_on", "Two-step verification turned on"
    TWO_STEP_TURNED_OFF = "two_step.turned_off", "Two-step verification turned off"
    TWO_STEP_RECOVERY_CODES_MADE = "two_step.recovery_codes_made", "Recovery codes created"
    TWO_STEP_RECOVERY_CODE_USED = "two_step.recovery_code_used", "Signed in with a recovery code"
    TWO_STEP_PASSKEY_ADDED = "two_step.passkey_added", "Passkey added"
    TWO_STEP_PASSKEY_REMOVED = "two_step.passkey_removed", "Passkey removed"
    SIGNATURES_BEGAN = "signatures.began", "From here on, acceptances and grants count only if signed"
    HISTORY_RESTORED = "history.restored", "The database was restored from an older copy"
    HISTORY_EXPORTED = "history.exported", "History exported"
    PERSON_ERASED = "person.erased", "Personal data was erased"
    PERSON_EXPORTED = "person.exported", "Personal data was exported"


NEW_FACTORS = (DirectoryEvent.TWO_STEP_TURNED_ON, DirectoryEvent.TWO_STEP_PASSKEY_ADDED)
LOST_FACTORS = (DirectoryEvent.TWO_STEP_TURNED_OFF, DirectoryEvent.TWO_STEP_PASSKEY_REMOVED)


def list_events() -> list[Event]:
    """Those of all packages."""
    return [event for each in Event.__subclasses__() for event in each]


def find_event(value: str) -> Event | None:
    """None for one of an older version."""
    for each in Event.__subclasses__():
        with suppress(ValueError):
            return each(value)
    return None
