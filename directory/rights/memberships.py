"""Changes to the Company Directory that concern more than one row, each with its history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias

from django.db import transaction
from django.forms import ModelForm

from directory import history
from directory.history import signatures
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, HistoryEntry, Level, ProjectMembership, User
from directory.rights import approvers
from directory.rights.permissions import require_administer_company

Membership: TypeAlias = CompanyMembership | ProjectMembership
LEVELS = ("erp_integrations_level", "directory_level", "history_level", "is_administrator")
PRIVILEGE = {"privilege": "can_push_to_accounting"}
OWN_LEVELS_MESSAGE = "You can't change your own levels. Ask another administrator."
NOT_LISTED = "They are not in the Company Directory of this project's company. Add them there first."


class DirectoryError(Exception):
    """The directory refused a change; the text is for the person who asked."""


@transaction.atomic
def grant_push_to_accounting(*, membership: CompanyMembership, by: User, reason: str) -> None:
    """Make the member an accounting approver, once they hold Standard or Admin on the tool.

    Raises DirectoryError without a reason, for oneself, by anybody but staff who hold the permission
    to grant, or by whoever changed the account while others could grant. Administrators are mailed.
    """
    _set_privilege(membership=membership, by=by, reason=reason, granted=True)


@transaction.atomic
def revoke_push_to_accounting(*, membership: CompanyMembership, by: User, reason: str) -> None:
    """Take the privilege away. Accepted exports of which nothing is written go back to awaiting
    when a worker next looks at them. Raises as ``grant_push_to_accounting`` does.
    """
    _set_privilege(membership=membership, by=by, reason=reason, granted=False)


def _set_privilege(*, membership: CompanyMembership, by: User, reason: str, granted: bool) -> None:
    membership_row = lock_for_granter(membership, by, reason)
    if membership_row.can_push_to_accounting == granted:
        return
    if granted:
        require_other_granter(membership_row, by)
    membership_row.can_push_to_accounting = membership.can_push_to_accounting = granted
    membership_row.save(update_fields=["can_push_to_accounting"])
    event = DirectoryEvent.PRIVILEGE_GRANTED if granted else DirectoryEvent.PRIVILEGE_REVOKED
    (entry,) = record(event, (membership_row, PRIVILEGE | {"reason": reason.strip()}), by=by)
    statement = approvers.build_grant_statement(membership_row, entry_id=entry.pk)
    membership_row.signed_grant = signatures.sign_statement(statement) if granted else None
    membership_row.save(update_fields=["signed_grant"])


def lock_for_granter(membership: CompanyMembership, by: User, reason: str) -> CompanyMembership:
    membership_row = CompanyMembership.objects.select_for_update().get(pk=membership.pk)
    if not (by.is_staff and by.has_perm("directory.grant_push_to_accounting")):
        raise DirectoryError("You don't have permission to grant Can Push to Accounting.")
    if membership_row.user_id == by.pk:
        raise DirectoryError("You can't grant yourself Can Push to Accounting or revoke it.")
    require_reason(reason)
    return membership_row


def require_reason(reason: str) -> None:
    if not reason.strip():
        raise DirectoryError("Give a reason. It is kept in the history.")


def record(
    event: DirectoryEvent, *changes: tuple[Any, Mapping[str, Any]], by: User | None
) -> list[HistoryEntry]:
    """Of memberships of one kind and company, each with its detail."""
    if not changes:
        return []
    rows = [row for row, _ in changes]
    details = [
        {"user": row.user_id, **({"project": row.project_id} if hasattr(row, "project_id") else {}), **detail}
        for row, detail in changes
    ]
    company = getattr(rows[0], "project", rows[0]).company
    return history.record_all(event=event, subjects=rows, by=by, company=company, details=details)


def require_other_granter(membership: CompanyMembership, by: User) -> None:
    """Whoever made an account, or changed how its person signs in, could be that person, so another grants,
    where there is one."""
    last_grant = HistoryEntry.objects.about(membership).filter(event=DirectoryEvent.PRIVILEGE_GRANTED).last()
    creations = HistoryEntry.objects.about(membership.user).filter(event=DirectoryEvent.ACCOUNT_CREATED)
    account_changes = creations | approvers.list_changes_by_others(membership.user)
    own_changes = account_changes.filter(by_id=by.pk, pk__gt=last_grant.pk if last_grant else 0)
    others = [each for each in User.objects.granters(membership.company) if each not in (by, membership.user)]
    if others and own_changes.exists():
        raise DirectoryError(
            f"You created the account of {membership.user} or changed how they sign in, so another person "
            f"must grant it: {approvers.format_names(others)}."
        )


@transaction.atomic
def suspend_push_to_accounting(
    *, person: User, by: User | None, reason: str, is_permanent: bool = False
) -> None:
    """Take the privilege from a person in every company, until it is granted again.

    Asks for no right: it follows from a change of the account, and the one who made it may have none.
    ``by`` is who did, None for the system or an operator; ``reason`` is a sentence for people.
    ``is_permanent``: revoked, as for an account that was switched off.
    """
    memberships = CompanyMembership.objects.select_for_update(of=("self",)).select_related("company")
    event = DirectoryEvent.PRIVILEGE_REVOKED if is_permanent else DirectoryEvent.PRIVILEGE_SUSPENDED
    for membership in memberships.filter(user=person, can_push_to_accounting=True).order_by("pk"):
        membership.can_push_to_accounting = False
        membership.save(update_fields=["can_push_to_accounting"])
        record(event, (membership, PRIVILEGE | {"reason": reason}), by=by)


@transaction.atomic
def delete_company_membership(*, membership: CompanyMembership, by: User | None) -> None:
    """Take a person out of a Company Directory and its projects; the privilege ends with it.

    Raises DirectoryError for oneself.
    """
    row = CompanyMembership.objects.select_for_update().get(pk=membership.pk)
    if by and row.user_id == by.pk:
        raise DirectoryError("You can't remove yourself from a Company Directory.")
    on_projects = ProjectMembership.objects.filter(user=row.user_id, project__company=row.company_id)
    removed = delete_project_memberships(*on_projects, by=by, details=repeat({"together": True}))
    were = {name: getattr(row, name) for name in LEVELS} | (
        {"commitments_level": Level.ADMIN}
        if any(each.detail["were"]["commitments_level"] == Level.ADMIN for each in removed)
        else {}
    )
    detail = {"held_push_to_accounting": row.can_push_to_accounting, "were": were}
    record(DirectoryEvent.MEMBERSHIP_REMOVED, (row, detail), by=by)
    row.delete()
    User.objects.follow_companies(pk=row.user_id)


@transaction.atomic
def delete_project_memberships(
    *memberships: ProjectMembership, by: User | None, details: Iterable[Mapping[str, Any]] = ()
) -> list[HistoryEntry]:
    """Take people out of projects of one company; ``details`` of each are for the history. Raises
    DirectoryError for oneself.
    """
    if by and any(each.user_id == by.pk for each in memberships):
        raise DirectoryError("You can't remove yourself from a project. Ask another administrator.")
    more = {each.pk: detail for each, detail in zip(memberships, details or repeat({}), strict=False)}
    found = ProjectMembership.objects.filter(pk__in=more).order_by("pk")
    rows = found.select_for_update(of=("self",)).select_related("project__company")
    removed = [(row, {"were": {"commitments_level": row.commitments_level}, **more[row.pk]}) for row in rows]
    found.delete()
    return record(DirectoryEvent.MEMBERSHIP_REMOVED, *removed, by=by)


@transaction.atomic
def save_levels(*rows: Membership, by: User, details: Iterable[Mapping[str, Any]] = ()) -> list[HistoryEntry]:
    """Store new memberships, which never begin with the privilege, and the levels of those that are there:
    of one kind and company. ``details`` of each are for the history. Returns the entries of what changed.

    Raises DirectoryError for oneself, superuser or not: whoever gives rights has them by another's hand; and
    for a project of a company that does not list the person.
    """
    if any(each.user_id == by.pk for each in rows):
        raise DirectoryError(OWN_LEVELS_MESSAGE)
    if not is_listed(*(each for each in rows if each._state.adding)):
        raise DirectoryError(NOT_LISTED)
    model: type[Any] = type(rows[0]) if rows else CompanyMembership
    names = [each.name for each in model._meta.fields if each.name in (*LEVELS, "commitments_level")]
    keys = [each.pk for each in rows if not each._state.adding]
    stored = model.objects.select_for_update().order_by("pk").in_bulk(keys)
    row: Any
    added, changed = [], []
    for row, more in zip(rows, details or repeat({}), strict=False):
        before = model() if row._state.adding else stored[row.pk]
        levels = {name: to for name in names if (to := getattr(row, name)) != getattr(before, name)}
        detail = {"levels": levels, "were": {name: getattr(before, name) for name in levels}, **more}
        if row._state.adding:
            row.can_push_to_accounting = False
            added.append((row, detail))
        elif levels:
            changed.append((row, detail))
    new = model.objects.bulk_create([row for row, _ in added])
    if model is CompanyMembership:
        User.objects.follow_companies(pk__in=[each.user_id for each in new])
    # Only the levels: the privilege may have been revoked since the form was opened.
    model.objects.bulk_update([row for row, _ in changed], names)
    entries = record(DirectoryEvent.MEMBERSHIP_ADDED, *added, by=by)
    return entries + record(DirectoryEvent.MEMBERSHIP_CHANGED, *changed, by=by)


def is_listed(*memberships: Membership) -> bool:
    """Whoever is on a project is in the directory of its company."""
    added = [each for each in memberships if isinstance(each, ProjectMembership)]
    wanted = {(each.user.pk, each.project.company_id) for each in added}
    listed = CompanyMembership.objects.filter(user__in=[each.user.pk for each in added])
    return not wanted or wanted <= {*listed.values_list("user", "company")}


@transaction.atomic
def ask_for_push_to_accounting(*, membership: CompanyMembership, by: User, reason: str) -> None:
    """Ask staff to grant it, once until they answer: it grants nothing, and they are mailed.

    Raises RightMissing, and DirectoryError without a reason or where nothing is to be asked.
    """
    membership_row = CompanyMembership.objects.select_for_update().get(pk=membership.pk)
    require_administer_company(by, membership_row.company)
    require_reason(reason)
    if membership_row.can_push_to_accounting or is_requested(membership_row):
        raise DirectoryError("They have it already, or it was requested and staff have not answered yet.")
    record(DirectoryEvent.PRIVILEGE_REQUESTED, (membership_row, {"reason": reason.strip()}), by=by)


@transaction.atomic
def reject_privilege_request(*, membership: CompanyMembership, by: User, reason: str) -> None:
    """Answer a request with no: whoever asked is mailed why, and may ask again.

    Raises DirectoryError as ``grant_push_to_accounting`` does, and where nothing is asked.
    """
    membership_row = lock_for_granter(membership, by, reason)
    if not is_requested(membership_row):
        raise DirectoryError(f"Nobody asks for it any more. {membership_row.user} has it, or was declined.")
    detail = PRIVILEGE | {"reason": reason.strip()}
    record(DirectoryEvent.PRIVILEGE_DECLINED, (membership_row, detail), by=by)


def is_requested(membership: CompanyMembership) -> bool:
    own = CompanyMembership.objects.filter(pk=membership.pk)
    return approvers.list_privilege_requests(own).exists()


@dataclass(frozen=True, slots=True)
class CompanyRule:
    """A column of the company that takes a permission and a reason to change."""

    name: str
    permission: str
    turned_on: DirectoryEvent
    turned_off: DirectoryEvent


COMPANY_RULES: Mapping[str, CompanyRule] = {
    "allows_own_decisions": CompanyRule(
        "the own-decision rule",
        "directory.free_from_own_decision_rule",
        DirectoryEvent.OWN_DECISION_RULE_LIFTED,
        DirectoryEvent.OWN_DECISION_RULE_RESTORED,
    ),
    "requires_two_step": CompanyRule(
        "the rule on two-step verification",
        "directory.set_two_step_rule",
        DirectoryEvent.TWO_STEP_RULE_SET,
        DirectoryEvent.TWO_STEP_RULE_LIFTED,
    ),
}


@transaction.atomic
def set_company_rule(*, company: Company, by: User, column: str, value: bool, reason: str) -> None:
    """Raises DirectoryError without a reason or without the permission."""
    rule = COMPANY_RULES[column]
    company_row = Company.objects.select_for_update().get(pk=company.pk)
    if not (by.is_staff and by.has_perm(rule.permission)):
        raise DirectoryError(f"You don't have permission to change {rule.name}.")
    require_reason(reason)
    if getattr(company_row, column) == value:
        return
    Company.objects.filter(pk=company.pk).update(**{column: value})
    setattr(company, column, value)
    event, detail = rule.turned_on if value else rule.turned_off, {"reason": reason.strip()}
    history.record(event=event, subject=company_row, by=by, company=company_row, detail=detail)


@transaction.atomic
def update_profile(*, form: ModelForm[User], by: User) -> None:
    """Save what a person changed about themselves; the history names the fields, not what is in them."""
    form.save()
    if form.changed_data:
        event, detail = DirectoryEvent.ACCOUNT_CHANGED, {"fields": sorted(form.changed_data)}
        history.record(event=event, subject=by, by=by, company=None, detail=detail | {"active": by.is_active})
