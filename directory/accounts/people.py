"""The acts of a company's own administrators in its Directory: they invite people, give and take levels, and
end memberships, of one or of many at one press.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allauth.account.adapter import get_adapter
from django.db import IntegrityError, transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat, Left, Lower, NullIf, Trim

from directory import history
from directory.accounts import sessions
from directory.history.descriptions import format_levels
from directory.history.events import DirectoryEvent
from directory.models import (
    Company,
    CompanyMembership,
    HistoryEntry,
    Invitation,
    Level,
    ProjectMembership,
    User,
)
from directory.rights import approvers, memberships
from directory.rights.memberships import DirectoryError
from directory.rights.permissions import require_administer_company
from directory.row_files import RowsRefused

AUTHORITY = {"erp_integrations_level": Level.ADMIN, "directory_level": Level.ADMIN, "is_administrator": True}
"""Who has one of these steers where money goes, or who answers for the company's rights."""
OF_STAFF = "Staff are entered, and taken out, in Django admin."
GONE = "Somebody else has just taken them out."


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Somebody is to have these ``levels`` by column, ``projects`` by key; what neither names stays as it is.

    ``place`` begins a sentence on what is wrong with it; ``role`` is where the levels are from.
    """

    email: str
    name: str = ""
    levels: Mapping[str, Any] = field(default_factory=dict)
    projects: Mapping[int, str] = field(default_factory=dict)
    role: str = ""
    place: str = ""


def list_people(company: Company) -> QuerySet[CompanyMembership]:
    """Memberships with the name that the company knows, by which they are searched and put in order.

    Nothing of an account is searched before its person has signed in: it may be of another company's.
    """
    invitations = Invitation.objects.filter(user=OuterRef("user"), company=OuterRef("company"))
    own_name = Trim(Concat("user__first_name", Value(" "), "user__last_name"))
    requested = approvers.list_privilege_requests(CompanyMembership.objects.filter(pk=OuterRef("pk")))
    found = approvers.list_with_rights().filter(company=company)
    return found.annotate(
        invited_as=Subquery(invitations.values("name")[:1]),
        is_requested=Exists(requested),
        known_as=Coalesce("invited_as", NullIf(own_name, Value("")), "user__email", output_field=CharField()),
        place=Concat(Left(Lower("known_as"), 100), Value(" "), Cast("pk", CharField())),
    )


@transaction.atomic
def save_people(*, company: Company, by: User, wishes: Sequence[Wish], problems: Sequence[str] = ()) -> int:
    """Have all of it so, or nothing: whom the company does not list is entered and invited, one mail tells of
    all that gives or takes authority, and the same once more changes nothing. Returns how many changed.

    Raises RightMissing, and RowsRefused with all problems, the known ones first: nobody changes their own
    levels, or gives authority to somebody whom they entered themselves, who may be nobody else.
    """
    Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    require_administer_company(by, company)
    addresses = [each.email.lower() for each in wishes]
    found = User.objects.annotate(address=Lower("email")).filter(address__in=addresses)
    accounts = {each.email.lower(): each for each in found}
    rows = CompanyMembership.objects.filter(company=company, user__in=accounts.values())
    listed = {each.user_id: each for each in rows.select_related("user", "company")}
    on_projects = {
        (each.user_id, each.project_id): each
        for each in ProjectMembership.objects.filter(project__company=company, user__in=listed)
    }
    entered_ids = HistoryEntry.objects.filter(
        company_id=company.pk, by_id=by.pk, event=DirectoryEvent.MEMBERSHIP_ADDED
    ).values_list("subject_id", flat=True)
    entered = {*entered_ids.filter(subject_type=CompanyMembership._meta.label_lower)}
    made = HistoryEntry.objects.filter(
        subject_type=User._meta.label_lower,
        subject_id__in=listed,
        by_id=by.pk,
        event=DirectoryEvent.ACCOUNT_CREATED,
    )
    entered |= {listed[key].pk for key in made.values_list("subject_id", flat=True)}
    found_problems, changes = list(problems), []
    for wish, address in zip(wishes, addresses, strict=True):
        person = accounts.get(address) or User(email=address)
        membership = listed.get(person.pk or 0) or CompanyMembership(user=person, company=company)
        levels = {name: to for name, to in wish.levels.items() if getattr(membership, name) != to}
        projects = {}
        for key, level in wish.projects.items():
            row = on_projects.get((person.pk or 0, key)) or ProjectMembership(project_id=key)
            if row.commitments_level != level:
                projects[key], row.commitments_level = row, level
        if not (levels or projects or membership._state.adding):
            continue
        problem = find_problem(wish, membership, levels, by, entered)
        if addresses.count(address) > 1:
            problem = f"{address} is here twice."
        if problem:
            found_problems.append(f"{wish.place}{problem}")
        changes.append((wish, membership, levels, projects.values()))
    if found_problems:
        raise RowsRefused(*found_problems)
    try:
        with transaction.atomic():
            entries = [entry for change in changes for entry in save_changes(*change, by=by)]
    except IntegrityError as error:
        raise RowsRefused("Somebody else has just added one of them. Try again.") from error
    if entries:
        detail = {"first": entries[0].pk, "count": len(changes)}
        history.record(
            event=DirectoryEvent.PEOPLE_CHANGED, subject=company, by=by, company=company, detail=detail
        )
    return len(changes)


def find_problem(
    wish: Wish, membership: CompanyMembership, levels: Mapping[str, Any], by: User, entered: Collection[int]
) -> str:
    is_new, person = membership._state.adding, membership.user
    if person == by:
        return memberships.OWN_LEVELS_MESSAGE
    if is_new and (person.is_staff or person.is_superuser):
        return f"{wish.email} can't be invited here. {OF_STAFF}"
    if is_new and not wish.name:
        return "The name is missing."
    if levels.get("is_administrator") is False:
        return "Staff take this right away, in Django admin, so that no administrator is left alone."
    gains = any(levels.get(name) == level for name, level in AUTHORITY.items())
    if gains and (is_new or membership.pk in entered):
        return f"You added {wish.name or wish.email}. Another administrator, or staff, makes them Admin."
    return ""


def save_changes(
    wish: Wish,
    membership: CompanyMembership,
    levels: Mapping[str, Any],
    projects: Collection[ProjectMembership],
    *,
    by: User,
) -> list[HistoryEntry]:
    """The entries that this made."""
    person, is_new = membership.user, membership._state.adding
    if is_new and person._state.adding:
        person.first_name, _, person.last_name = wish.name.rpartition(" ")
        person.set_unusable_password()
        person.save()
        membership.user = person
        history.record(event=DirectoryEvent.ACCOUNT_CREATED, subject=person, by=by, company=None)
    for name, level in levels.items():
        setattr(membership, name, level)
    more = {"together": True} | ({"role": wish.role} if wish.role else {})
    entries = [memberships.save_levels(membership=membership, by=by, **more)]
    for row in projects:
        row.user = person
        if row.commitments_level != Level.NONE:
            entries.append(memberships.save_levels(membership=row, by=by, **more))
        else:
            row.refresh_from_db()
            entries.append(memberships.delete_project_membership(membership=row, by=by, **more))
    if is_new:
        given = [
            f"Commitments of {each.project}: {each.get_commitments_level_display()}" for each in projects
        ]
        send_invitation(membership, by=by, name=wish.name, purpose=[*format_levels(levels), *given])
    return [entry for entry in entries if entry]


def send_invitation(
    membership: CompanyMembership, *, by: User, name: str, purpose: Sequence[str] = ()
) -> None:
    """They alone learn that they have an account already."""
    person, company = membership.user, membership.company
    Invitation.objects.update_or_create(user=person, company=company, defaults={"name": name})
    get_adapter().send_invitation(person, company=company, by=by, purpose=purpose)
    history.record(event=DirectoryEvent.ACCOUNT_INVITED, subject=person, by=by, company=None)


@transaction.atomic
def end_membership(*, membership: CompanyMembership, by: User) -> None:
    """Out of the company and its projects, at once. Where no company is left, sessions end, too.

    Raises RightMissing, and DirectoryError for oneself, and for staff and administrators: who is told of what
    an administrator does is not that administrator's choice.
    """
    Company.objects.select_for_update(no_key=True).get(pk=membership.company_id)
    require_administer_company(by, membership.company)
    person, row = membership.user, CompanyMembership.objects.filter(pk=membership.pk).first()
    if row is None:
        raise DirectoryError(GONE)
    if person.is_staff or person.is_superuser or row.is_administrator:
        raise DirectoryError(f"{person} administers. {OF_STAFF}")
    memberships.delete_company_membership(membership=membership, by=by)
    if not person.company_memberships.exists():
        sessions.end_sessions(person=person, by=by)
