"""The acts of a company's own administrators in its Directory: they invite people, give and take levels, and
end memberships, of one or of many at one press.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allauth.account.adapter import get_adapter
from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KT
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


def list_former(company: Company) -> Any:
    """The entries by which people left who are not listed any more, ``user`` being the key of an account.

    ``email`` is the address that the company knew; none where it is another since, which would say where they
    went.
    """
    removed = {
        "event": DirectoryEvent.MEMBERSHIP_REMOVED,
        "subject_type": CompanyMembership._meta.label_lower,
    }
    left: Any = HistoryEntry.objects.filter(company_id=company.pk, **removed)
    left = left.annotate(user=Cast(KT("detail__user"), BigIntegerField()))
    again = left.filter(user=OuterRef("user"), pk__gt=OuterRef("pk"))
    changes = HistoryEntry.objects.filter(subject_type=User._meta.label_lower, subject_id=OuterRef("pk"))
    moved = Q(event=DirectoryEvent.ACCOUNT_CHANGED, detail__fields__contains=["email"])
    moved |= Q(event=DirectoryEvent.PERSON_ERASED)
    accounts = User.objects.exclude(Exists(changes.filter(moved, pk__gt=OuterRef(OuterRef("pk")))))
    left = left.exclude(user__in=company.memberships.values("user")).filter(~Exists(again))
    return left.annotate(email=Subquery(accounts.filter(pk=OuterRef("user")).values("email")[:1]))


@dataclass(frozen=True)
class Change:
    """A wish as it is in memory, in somebody's rows: ``levels`` of the membership, and ``on_projects``."""

    wish: Wish
    membership: CompanyMembership
    levels: Mapping[str, Any]
    on_projects: Sequence[ProjectMembership]

    @property
    def detail(self) -> dict[str, Any]:
        return {"together": True} | ({"role": self.wish.role} if self.wish.role else {})

    @property
    def purpose(self) -> list[str]:
        named = [(each.project, each.get_commitments_level_display()) for each in self.on_projects]
        given = [f"Commitments of {project}: {level}" for project, level in named]
        return [*format_levels(self.levels), *given]


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
    accounts = {each.address: each for each in found}
    locked = CompanyMembership.objects.select_for_update(of=("self",)).filter(company=company).order_by("pk")
    rows = locked.filter(user__in=accounts.values()).select_related("user", "company")
    listed = {each.user_id: each for each in rows}
    keys = {key for each in wishes for key in each.projects}
    projects = company.projects.select_related("company").in_bulk(keys)
    found_rows = ProjectMembership.objects.filter(project__in=projects, user__in=listed).order_by("pk")
    on_projects = {(each.user_id, each.project_id): each for each in found_rows.select_for_update()}
    entered = list_entered(listed, by)
    found_problems, changes = list(problems), []
    for wish, address in zip(wishes, addresses, strict=True):
        person = accounts.get(address) or build_account(wish)
        key = person.pk or 0
        membership = listed.get(key) or CompanyMembership(user=person, company=company, is_invited=True)
        levels = {name: to for name, to in wish.levels.items() if getattr(membership, name) != to}
        wanted = [
            (on_projects.get((key, each)) or ProjectMembership(user=person, project=projects[each]), level)
            for each, level in wish.projects.items()
            if each in projects
        ]
        changed = [row for row, level in wanted if row.commitments_level != level]
        if not (levels or changed or membership._state.adding):
            continue
        problem = find_problem(wish, membership, levels, by, entered)
        if addresses.count(address) > 1:
            problem = f"{address} is here twice."
        if problem:
            found_problems.append(f"{wish.place}{problem}")
        for name, to in levels.items():
            setattr(membership, name, to)
        for row, level in wanted:
            row.commitments_level = level
        changes.append(Change(wish, membership, levels, changed))
    if found_problems:
        raise RowsRefused(*found_problems)
    try:
        with transaction.atomic():
            entries = save_changes(changes, by)
    except IntegrityError as error:
        raise RowsRefused("Somebody else has just added one of them. Try again.") from error
    if entries:
        detail = {"first": entries[0].pk, "count": len(changes)}
        history.record(
            event=DirectoryEvent.PEOPLE_CHANGED, subject=company, by=by, company=company, detail=detail
        )
    return len(changes)


def list_entered(listed: Mapping[int, CompanyMembership], by: User) -> set[int]:
    """The people among those listed whom ``by`` entered here, or whose account they made."""
    entered = {each.pk: each.user_id for each in listed.values()}
    own = HistoryEntry.objects.filter(by_id=by.pk).values_list("subject_id", flat=True)
    added = own.filter(event=DirectoryEvent.MEMBERSHIP_ADDED, subject_id__in=entered)
    made = own.filter(event=DirectoryEvent.ACCOUNT_CREATED, subject_id__in=listed)
    here = added.filter(subject_type=CompanyMembership._meta.label_lower)
    return {entered[key] for key in here} | {*made.filter(subject_type=User._meta.label_lower)}


def build_account(wish: Wish) -> User:
    first_name, _, last_name = wish.name.rpartition(" ")
    person = User(email=wish.email.lower(), first_name=first_name, last_name=last_name)
    person.set_unusable_password()
    return person


def find_problem(
    wish: Wish, membership: CompanyMembership, levels: Mapping[str, Any], by: User, entered: Collection[int]
) -> str:
    is_new = membership._state.adding
    if membership.user == by:
        return memberships.OWN_LEVELS_MESSAGE
    if is_new and not wish.name:
        return "The name is missing."
    if levels.get("is_administrator") is False:
        return "Staff take this right away, in Django admin, so that no administrator is left alone."
    gains = any(levels.get(name) == level for name, level in AUTHORITY.items())
    if gains and (is_new or membership.user_id in entered):
        return f"You added {wish.name or wish.email}. Another administrator, or staff, makes them Admin."
    return ""


def save_changes(changes: Sequence[Change], by: User) -> list[HistoryEntry]:
    """In a few statements, however many there are. The entries that this made, the first one first."""
    new = [each for each in changes if each.membership._state.adding]
    made = [each.membership.user for each in new if each.membership.user._state.adding]
    User.objects.bulk_create(made)
    history.record_all(event=DirectoryEvent.ACCOUNT_CREATED, subjects=made, by=by, company=None)
    rows, details = [each.membership for each in changes], [each.detail for each in changes]
    entries = memberships.save_levels(*rows, by=by, details=details)
    for save, is_gone in ((memberships.save_levels, False), (memberships.delete_project_memberships, True)):
        on_projects = [(row, each.detail) for each in changes for row in each.on_projects]
        chosen = [each for each in on_projects if (each[0].commitments_level == Level.NONE) is is_gone]
        entries += save(*(row for row, _ in chosen), by=by, details=[more for _, more in chosen])
    send_invitations(*((each.membership, each.wish.name, each.purpose) for each in new), by=by)
    return entries


@transaction.atomic
def send_invitations(*invited: tuple[CompanyMembership, str, Sequence[str]], by: User) -> None:
    """Of each the name under which they are invited, and what for. They alone learn that they have an account
    already.
    """
    rows = [Invitation(user=each.user, company=each.company, name=name) for each, name, _ in invited]
    Invitation.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "company"], update_fields=["name"]
    )
    for each, _, purpose in invited:
        get_adapter().send_invitation(each.user, company=each.company, by=by, purpose=purpose)
    people = [each.user for each, *_ in invited]
    history.record_all(event=DirectoryEvent.ACCOUNT_INVITED, subjects=people, by=by, company=None)


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
        raise DirectoryError("Somebody else has just taken them out.")
    if row.is_administrator or (not row.is_invited and (person.is_staff or person.is_superuser)):
        raise DirectoryError(f"{person} administers. Staff take them out, in Django admin.")
    memberships.delete_company_membership(membership=membership, by=by)
    if not person.company_memberships.exists():
        sessions.end_sessions(person=person, by=by)
