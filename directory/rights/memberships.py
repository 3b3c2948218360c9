"""Changes to the Company Directory that concern more than one row, each with its history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.forms import ModelForm

from directory import history
from directory.history import signatures
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, HistoryEntry, Level, ProjectMembership, User
from directory.rights import approvers
from directory.rights.permissions import require_administer_company

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
    membership_row = CompanyMembership.objects.select_for_update().get(pk=membership.pk)
    if not (by.is_staff and by.has_perm("directory.grant_push_to_accounting")):
        raise DirectoryError("You don't have permission to grant Can Push to Accounting.")
    if membership_row.user_id == by.pk:
        raise DirectoryError("You can't grant yourself Can Push to Accounting or revoke it.")
    if not reason.strip():
        raise DirectoryError("Give a reason. It is kept in the history.")
    if membership_row.can_push_to_accounting == granted:
        return
    if granted:
        require_other_granter(membership_row, by)
    membership_row.can_push_to_accounting = membership.can_push_to_accounting = granted
    membership_row.save(update_fields=["can_push_to_accounting"])
    entry = history.record(
        event=DirectoryEvent.PRIVILEGE_GRANTED if granted else DirectoryEvent.PRIVILEGE_REVOKED,
        subject=membership_row,
        by=by,
        company=membership_row.company,
        detail={
            "user": membership_row.user_id,
            "privilege": "can_push_to_accounting",
            "reason": reason.strip(),
        },
    )
    membership_row.signed_grant = (
        signatures.sign_statement(approvers.build_grant_statement(membership_row, entry_id=entry.pk))
        if granted
        else None
    )
    membership_row.save(update_fields=["signed_grant"])


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
    memberships = (
        CompanyMembership.objects.select_for_update(of=("self",)).select_related("company").order_by("pk")
    )
    for membership in memberships.filter(user=person, can_push_to_accounting=True):
        membership.can_push_to_accounting = False
        membership.save(update_fields=["can_push_to_accounting"])
        history.record(
            event=DirectoryEvent.PRIVILEGE_REVOKED if is_permanent else DirectoryEvent.PRIVILEGE_SUSPENDED,
            subject=membership,
            by=by,
            company=membership.company,
            detail={"user": person.pk, "privilege": "can_push_to_accounting", "reason": reason},
        )


@transaction.atomic
def delete_company_membership(*, membership: CompanyMembership, by: User | None) -> None:
    """Take a person out of a Company Directory and its projects; the privilege ends with it.

    Raises DirectoryError for oneself.
    """
    membership_row = CompanyMembership.objects.select_for_update().get(pk=membership.pk)
    if by and membership_row.user_id == by.pk:
        raise DirectoryError("You can't remove yourself from a Company Directory.")
    on_projects = ProjectMembership.objects.filter(
        user=membership_row.user_id, project__company=membership_row.company_id
    ).select_related("project__company")
    is_project_admin = on_projects.filter(commitments_level=Level.ADMIN).exists()
    for each in on_projects:
        delete_project_membership(membership=each, by=by, together=True)
    history.record(
        event=DirectoryEvent.MEMBERSHIP_REMOVED,
        subject=membership_row,
        by=by,
        company=membership_row.company,
        detail={
            "user": membership_row.user_id,
            "held_push_to_accounting": membership_row.can_push_to_accounting,
            "were": {
                name: getattr(membership_row, name)
                for name in (
                    *("erp_integrations_level", "directory_level", "history_level"),
                    "is_administrator",
                )
            }
            | ({"commitments_level": Level.ADMIN} if is_project_admin else {}),
        },
    )
    membership_row.delete()
    User.objects.follow_companies(pk=membership_row.user_id)


@transaction.atomic
def delete_project_membership(*, membership: ProjectMembership, by: User | None, **more: Any) -> HistoryEntry:
    """Take a person out of a project; ``more`` is for the history. Raises DirectoryError for oneself."""
    if by and membership.user_id == by.pk:
        raise DirectoryError("You can't remove yourself from a project. Ask another administrator.")
    entry = history.record(
        event=DirectoryEvent.MEMBERSHIP_REMOVED,
        subject=membership,
        by=by,
        company=membership.project.company,
        detail={
            "user": membership.user_id,
            "project": membership.project_id,
            "were": {"commitments_level": membership.commitments_level},
        }
        | more,
    )
    membership.delete()
    return entry


@transaction.atomic
def save_levels(
    *, membership: CompanyMembership | ProjectMembership, by: User, **more: Any
) -> HistoryEntry | None:
    """Store a new membership, which never begins with the privilege, or the levels of one that is there.
    ``more`` is for the history.

    Raises DirectoryError for oneself, superuser or not: whoever gives rights has them by another's hand; and
    for a project of a company that does not list the person.
    """
    if membership.user_id == by.pk:
        raise DirectoryError(OWN_LEVELS_MESSAGE)
    fields = [each for each in membership._meta.fields if each.name.endswith(("_level", "_administrator"))]
    names = [each.name for each in fields]
    is_new = membership._state.adding
    stored = None if is_new else type(membership).objects.select_for_update().get(pk=membership.pk)
    previous_levels = {each.name: getattr(stored, each.name, each.get_default()) for each in fields}
    if is_new and isinstance(membership, CompanyMembership):
        membership.can_push_to_accounting = False
    if is_new and isinstance(membership, ProjectMembership) and not is_listed(membership):
        raise DirectoryError(NOT_LISTED)
    # Only the levels: the privilege may have been revoked since the form was opened.
    membership.save(update_fields=None if is_new else names)
    levels = {
        name: getattr(membership, name)
        for name in names
        if getattr(membership, name) != previous_levels[name]
    }
    if not levels and not is_new:
        return None
    owner = membership.project if isinstance(membership, ProjectMembership) else membership
    return history.record(
        event=DirectoryEvent.MEMBERSHIP_ADDED if is_new else DirectoryEvent.MEMBERSHIP_CHANGED,
        subject=membership,
        by=by,
        company=owner.company,
        detail={
            "user": membership.user_id,
            "levels": levels,
            "were": {name: previous_levels[name] for name in levels},
        }
        | ({"project": membership.project_id} if isinstance(membership, ProjectMembership) else {})
        | more,
    )


def is_listed(membership: ProjectMembership) -> bool:
    """Whoever is on a project is in the directory of its company."""
    listed = CompanyMembership.objects.filter(user=membership.user_id)
    return listed.filter(company__projects=membership.project_id).exists()


@transaction.atomic
def ask_for_push_to_accounting(*, membership: CompanyMembership, by: User, reason: str) -> None:
    """Ask staff to grant it, once until they answer: it grants nothing, and they are mailed.

    Raises RightMissing, and DirectoryError without a reason or where nothing is to be asked.
    """
    membership_row = CompanyMembership.objects.select_for_update().get(pk=membership.pk)
    require_administer_company(by, membership_row.company)
    if not reason.strip():
        raise DirectoryError("Say why they need it. Whoever grants it reads this.")
    own = CompanyMembership.objects.filter(pk=membership.pk)
    if membership_row.can_push_to_accounting or approvers.list_privilege_requests(own).exists():
        raise DirectoryError("They have it already, or it was requested and staff have not answered yet.")
    history.record(
        event=DirectoryEvent.PRIVILEGE_REQUESTED,
        subject=membership_row,
        by=by,
        company=membership_row.company,
        detail={"user": membership_row.user_id, "reason": reason.strip()},
    )


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
    if not reason.strip():
        raise DirectoryError("Give a reason. It is kept in the history.")
    if getattr(company_row, column) == value:
        return
    Company.objects.filter(pk=company.pk).update(**{column: value})
    setattr(company, column, value)
    history.record(
        event=rule.turned_on if value else rule.turned_off,
        subject=company_row,
        by=by,
        company=company_row,
        detail={"reason": reason.strip()},
    )


@transaction.atomic
def update_profile(*, form: ModelForm[User], by: User) -> None:
    """Save what a person changed about themselves; the history names the fields, not what is in them."""
    form.save()
    if form.changed_data:
        history.record(
            event=DirectoryEvent.ACCOUNT_CHANGED,
            subject=by,
            by=by,
            company=None,
            detail={"fields": sorted(form.changed_data), "active": by.is_active},
        )
