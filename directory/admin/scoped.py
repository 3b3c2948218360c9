"""Shared by the pages of Django admin: staff see what is of their companies, and changes are remembered."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import transaction
from django.db.models import BigIntegerField, ForeignKey, Model, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse

from directory import history
from directory.history.events import DirectoryEvent, Event
from directory.models import Company, CompanyMembership, HistoryEntry, User
from directory.requests import get_person

M = TypeVar("M", bound=Model)

MAX_ID_DIGITS = 19
"""Digits that a bigint does not always hold."""


def is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < MAX_ID_DIGITS


class KeySelect(AutocompleteSelect):
    """Django's asks the database for what was sent, be it a key or not, and fails."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [key for key in map(str, value) if is_key(key)], attr)


class CompanyScopedAdmin(admin.ModelAdmin[M]):
    """Staff see, choose and change what is of the companies that list them; a superuser, everything."""

    company = "company"
    """Where a row's company stands, as a lookup; ``pk`` for companies themselves."""
    fixed_fields: tuple[str, ...] = ()
    """They stay as they were when the row was created."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        rows, person = super().get_queryset(request), get_person(request)
        return rows if person.is_superuser else self.limit_to_companies(person, rows)

    def limit_to_companies(self, person: User, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of ``rows`` that this person may know of."""
        return rows.filter(**{f"{self.company}__in": list_company_ids(person)})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), *(self.fixed_fields if obj else ()))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One by one, as each is remembered."""
        for obj in queryset:
            self.delete_model(request, obj)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M | None:
        """Django takes no field's name for the name of one."""
        return super().get_object(request, object_id, from_field or None)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Django asks the database for whatever is said to be chosen, be it a key or not, and fails."""
        if all(map(is_key, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            return super().response_action(request, queryset, *args, **kwargs)
        messages.warning(request, "The selected item is not in the list. Nothing was changed.")
        return None

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Only rows that the person may see can be chosen, picked or forged."""
        other = self.admin_site._registry.get(db_field.related_model)
        if "queryset" not in kwargs and isinstance(other, CompanyScopedAdmin):
            kwargs["queryset"] = other.get_queryset(request)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeySelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """A filter offers what is in the list, and so no other company's name."""
        return [
            (chosen, admin.RelatedOnlyFieldListFilter)
            if isinstance(chosen, str) and get_fields_from_path(self.model, chosen)[-1].is_relation
            else chosen
            for chosen in super().get_list_filter(request)
        ]

    def view_on_site(self, obj: M) -> str | None:
        """The row's own page, which asks for rights itself; Django's redirect would tell where any row is."""
        address = getattr(obj, "get_absolute_url", None)
        return address() if address else None


def list_company_ids(person: User) -> QuerySet[Any, Any]:
    """The keys of the companies to which staff added this person. A company's own administrators may invite
    whom they like, of whom they can't know that they are staff.
    """
    return CompanyMembership.objects.filter(user=person, is_invited=False).values("company")


def list_colleague_ids(person: User) -> QuerySet[Any, Any]:
    """The keys of the people who share a company with this person."""
    return CompanyMembership.objects.filter(company__in=list_company_ids(person)).values("user")


def list_newcomer_ids(person: User) -> QuerySet[Any, Any]:
    """The keys of people whom no company lists: whose account this person or a colleague made, or whom one
    of their companies listed before. Whom another company listed is nobody's but a superuser's.
    """
    made = HistoryEntry.objects.filter(
        Q(by_id=person.pk) | Q(by_id__in=list_colleague_ids(person)),
        subject_type=User._meta.label_lower,
        event=DirectoryEvent.ACCOUNT_CREATED,
    ).values("subject_id")
    left = (
        HistoryEntry.objects.filter(
            subject_type=CompanyMembership._meta.label_lower, event=DirectoryEvent.MEMBERSHIP_REMOVED
        )
        .annotate(user=Cast(KT("detail__user"), BigIntegerField()))
        .exclude(user=None)
        .values("user")
    )
    here = Q(company_id__in=list_company_ids(person))
    known = Q(pk__in=made) | Q(pk__in=left.filter(here))
    newcomers = User.objects.filter(known, company_memberships=None).exclude(pk__in=left.exclude(here))
    return newcomers.values("pk")


class ReadOnlyAdmin(CompanyScopedAdmin[Any]):
    """For everything with a life cycle: to be looked at, never changed by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class RecordingAdmin(CompanyScopedAdmin[M]):
    """Changes made here stand in the history: which fields, never a secret."""

    events: tuple[Event, ...]
    """Recorded of a row that was created, changed, deleted."""

    def get_company(self, obj: Any) -> Company | None:
        """Whose history it is."""
        value = obj
        for name in self.company.split("__"):
            value = getattr(value, name)
        assert isinstance(value, Company)
        return value

    def get_history_detail(self, obj: Any) -> dict[str, Any]:
        return {}

    def save_row(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> dict[str, Any]:
        """Save it; what the history keeps of that besides the names of the fields."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            # Only what the form shows: a worker may be renewing its lease in this very row.
            stored = {field.name for field in obj._meta.concrete_fields} & set(form.cleaned_data)
            obj.save(update_fields=stored)
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        detail = self.save_row(request, obj, form, change)
        if form.changed_data:
            fields = {"fields": sorted(form.changed_data)}
            self.record_change(request, obj, self.events[change], fields | detail)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record_change(request, obj, self.events[2], {})
        super().delete_model(request, obj)

    def record_change(self, request: HttpRequest, obj: Any, event: Event, detail: dict[str, Any]) -> None:
        """One row of the history, by the person in the request."""
        history.record(
            event=event,
            subject=obj,
            by=get_person(request),
            company=self.get_company(obj),
            detail=detail | self.get_history_detail(obj),
        )
