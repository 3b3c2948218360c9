"""A person's data: what is held about them, and how they are erased.

A person becomes a pseudonym and keeps their number, which history, snapshots and decisions name; so no
chain breaks (docs/architecture.md, section 11.4). What hangs on a person and goes with them is known by its
foreign key (``on_delete=CASCADE``), so that a tool that is added later is not forgotten.
"""

from collections.abc import Iterator
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import ForeignObjectRel, Q, QuerySet
from django.utils import timezone

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import HistoryEntry, User
from directory.rights import memberships
from directory.rights.memberships import DirectoryError

ACCOUNT_FIELDS = (
    *("id", "email", "first_name", "last_name", "time_zone", "summary_hour"),
    *("date_joined", "last_login", "is_active", "is_staff", "is_superuser"),
)
SIGN_IN_RECORDS = (AccessAttempt, AccessFailureLog, AccessLog)
EXPORTED_FIELDS: dict[str, tuple[str, ...]] = {
    "account.emailaddress": ("email", "verified", "primary"),
    "mfa.authenticator": ("type", "data__name", "created_at", "last_used_at"),
    "directory.companymembership": (
        *("company__name", "erp_integrations_level", "directory_level", "history_level"),
        *("is_administrator", "can_push_to_accounting"),
    ),
    "directory.invitation": ("company__name", "name"),
    "directory.projectmembership": ("project__name", "commitments_level"),
    "commitments.attachment": ("name", "size", "added_at"),
    "commitments.import": ("kind", "file_name", "created_at"),
    "directory.draft": ("address", "texts", "kept_at"),
    "usersessions.usersession": ("created_at", "last_seen_at", "ip", "user_agent"),
}
"""Which fields of a model an export tells; of others it tells the numbers of the rows, as what is in
them could be a secret. Tools add their own with ``tell``.
"""


ADDRESS_FIELDS: dict[str, str] = {}
"""The field of a model that holds a person's address where no foreign key leads to them."""


def add_address_field(label: str, field: str) -> None:
    """Have the rows of a model told and erased by this field; called when a tool starts."""
    ADDRESS_FIELDS[label] = field


def add_exported_fields(label: str, *fields: str) -> None:
    """Have these fields of a model told in an export; called when a tool starts."""
    EXPORTED_FIELDS[label] = fields


def delete_personal_data(*, person: User, by: User | None, reason: str) -> None:
    """Make a person a pseudonym: nobody can sign in as them, or learn from us who they were.

    Privileges and memberships end as if they were taken away one by one; mails to them, their sign-in
    records and sessions are removed. ``by`` is None for the operator at the command line. Raises
    DirectoryError for oneself, without a reason, by anybody but a superuser, or when the person is erased
    already.
    """
    with transaction.atomic():
        person_row = User.objects.select_for_update().get(pk=person.pk)
        require_erasable(person_row, by, reason)
        address, name = person_row.email, person_row.get_full_name()
        # First, so that whatever is told of what follows names the pseudonym.
        set_pseudonym(person_row)
        end_rights(person_row, by, reason)
        delete_related_rows(person_row)
        delete_sign_in_records(person_row, address)
        clean_admin_log(person_row, {address, name} - {""})
        history.record(
            event=DirectoryEvent.PERSON_ERASED,
            subject=person_row,
            by=by,
            company=None,
            detail={"reason": reason.strip()},
        )
    person.refresh_from_db()


def export_personal_data(*, person: User, by: User | None) -> dict[str, Any]:
    """All that is held about a person, as plain values; that somebody asked is in the history.

    ``by`` is None for the operator at the command line. Raises DirectoryError by anybody but a superuser.
    """
    require_superuser(by)
    history.record(event=DirectoryEvent.PERSON_EXPORTED, subject=person, by=by, company=None)
    return {
        "account": {field: getattr(person, field) for field in ACCOUNT_FIELDS},
        "sessions": [session.expire_date for session in list_sessions(person)],
        "sign_ins": [
            row
            for model in SIGN_IN_RECORDS
            for row in model.objects.filter(username__iexact=person.email).values(
                "attempt_time", "ip_address", "user_agent"
            )
        ],
        **{label: list(list_rows_by_address(label, person.email).values()) for label in ADDRESS_FIELDS},
        **{
            get_relation_name(relation): export_relation(relation, person)
            for relation in list_relations(person)
        },
        "history": list(
            HistoryEntry.objects.filter(
                Q(by_id=person.pk)
                | Q(subject_type=User._meta.label_lower, subject_id=person.pk)
                | Q(detail__user=person.pk)
            )
            .order_by("pk")
            .values("id", "at", "company_id", "by_id", "event", "subject_type", "subject_id", "detail")
        ),
    }


def is_erased(person: User) -> bool:
    """Only the pseudonym is left."""
    return person.email == get_pseudonym(person)


def get_pseudonym(person: User) -> str:
    """The address that an erased person has; no mail can reach it (RFC 2606)."""
    return f"erased-{person.pk}@erased.invalid"


def list_sessions(person: User) -> Iterator[Session]:
    """Where the person is signed in now."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get("_auth_user_id") == str(person.pk):
            yield session


def require_superuser(by: User | None) -> None:
    if by and not (by.is_active and by.is_superuser):
        raise DirectoryError("Only a superuser may erase or export personal data.")


def require_erasable(person: User, by: User | None, reason: str) -> None:
    require_superuser(by)
    if person == by:
        raise DirectoryError("You can't erase yourself. Another superuser has to.")
    if not reason.strip():
        raise DirectoryError("Give a reason. It is kept in the history. Don't name the person in it.")
    lowered_reason = reason.lower()
    names = (person.email, person.first_name, person.last_name)
    if any(name.strip().lower() in lowered_reason for name in names if name.strip()):
        raise DirectoryError(
            "The reason is kept for good, so it must not contain the person's name or address."
        )
    if is_erased(person):
        raise DirectoryError("This person has already been erased.")


def end_rights(person: User, by: User | None, reason: str) -> None:
    for membership in person.project_memberships.select_related("project__company"):
        memberships.delete_project_memberships(membership, by=by)
    memberships.suspend_push_to_accounting(person=person, by=by, reason=reason.strip(), is_permanent=True)
    for company_membership in person.company_memberships.select_related("company"):
        memberships.delete_company_membership(membership=company_membership, by=by)


def delete_related_rows(person: User) -> None:
    """Delete what a deletion of the person would delete; what stands by itself keeps their number."""
    for relation in list_relations(person):
        if relation.on_delete is models.CASCADE and relation.related_model is not LogEntry:
            relation.related_model._default_manager.filter(**{relation.field.name: person}).delete()


def delete_sign_in_records(person: User, address: str) -> None:
    for model in SIGN_IN_RECORDS:
        model.objects.filter(username__iexact=address).delete()
    for label in ADDRESS_FIELDS:
        list_rows_by_address(label, address).delete()
    for session in list(list_sessions(person)):
        session.delete()


def list_rows_by_address(label: str, address: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model(label)._default_manager.all()
    return rows.filter(**{f"{ADDRESS_FIELDS[label]}__iexact": address})


def set_pseudonym(person: User) -> None:
    person.email = get_pseudonym(person)
    person.first_name, person.last_name = "Erased", f"person {person.pk}"
    person.is_active = person.is_staff = person.is_superuser = False
    person.last_login = None
    person.time_zone = "UTC"
    person.set_unusable_password()
    person.save()
    person.groups.clear()
    person.user_permissions.clear()


def clean_admin_log(person: User, names: set[str]) -> None:
    """Django admin's own log calls what was changed by its name."""
    for name in names:
        LogEntry.objects.filter(object_repr__icontains=name).update(object_repr=str(person))


def list_relations(person: User) -> list[Any]:
    """The foreign keys that name a person, in a fixed order."""
    relations = [
        relation
        for relation in person._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel)
        and not relation.many_to_many
        and not relation.related_model._meta.auto_created
    ]
    return sorted(relations, key=get_relation_name)


def get_relation_name(relation: Any) -> str:
    return f"{relation.related_model._meta.label_lower}.{relation.field.name}"


def export_relation(relation: Any, person: User) -> list[Any]:
    model = relation.related_model
    rows = model._default_manager.filter(**{relation.field.name: person}).order_by("pk")
    fields = EXPORTED_FIELDS.get(model._meta.label_lower, ())
    return list(rows.values(*fields) if fields else rows.values_list("pk", flat=True))
