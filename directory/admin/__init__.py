"""Django admin for the Company Directory: where an administrator grants rights."""

from collections.abc import Mapping
from typing import Any, ClassVar

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from directory import history
from directory.accounts import people, sessions, two_step
from directory.admin.personal_data import PersonalDataActions
from directory.admin.scoped import (
    MAX_ID_DIGITS,
    CompanyScopedAdmin,
    M,
    ReadOnlyAdmin,
    RecordingAdmin,
    list_colleague_ids,
    list_company_ids,
    list_newcomer_ids,
)
from directory.db.pagination import parse_key
from directory.history import descriptions
from directory.history.events import DirectoryEvent, Event
from directory.models import Company, CompanyMembership, HistoryEntry, Level, Project, ProjectMembership, User
from directory.requests import get_person
from directory.rights import memberships
from directory.rights.approvers import list_privilege_requests
from directory.rights.memberships import COMPANY_RULES

admin.site.site_header = "Ledgergate administration"
admin.site.site_title = "Ledgergate"
admin.site.index_title = "Administration"


class PersonCreationForm(forms.ModelForm[User]):
    """A new person, who is invited by mail to choose a password."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        return super().save(commit)


@admin.register(User)
class PersonAdmin(PersonalDataActions, CompanyScopedAdmin[User], UserAdmin[User]):
    """People. Nobody is deleted: an account is switched off, because history names it.

    Whoever may change accounts could else make themselves a superuser, or sign in as one.
    """

    add_form = PersonCreationForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_active", "is_staff")
    search_fields = ("email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Person", {"fields": ("first_name", "last_name")}),
        (
            "Administration",
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups"),
                "description": "Groups that come with Ledgergate hold what goes together.",
            },
        ),
        ("Single permissions", {"fields": ("user_permissions",), "classes": ("collapse",)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    actions = (*PersonalDataActions.actions, "invite_again", "end_sessions", "take_two_step_away")
    add_fieldsets = (
        (
            None,
            {
                "fields": ("email", "first_name", "last_name"),
                "description": "They get a mail with a link to choose their password.",
            },
        ),
    )

    def limit_to_companies(self, person: User, rows: QuerySet[User]) -> QuerySet[User]:
        """Colleagues, and who is of no company yet, or no longer, and was of no other."""
        return rows.filter(
            Q(pk__in=list_colleague_ids(person)) | Q(pk__in=list_newcomer_ids(person)) | Q(pk=person.pk)
        )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        if obj is None or request.user.is_superuser:
            return True
        # Who makes an account theirs has its rights: those of an approver only granters can give.
        approves = obj.company_memberships.filter(can_push_to_accounting=True).exists()
        if approves and not request.user.has_perm("directory.grant_push_to_accounting"):
            return False
        elsewhere = obj.company_memberships.exclude(company__in=list_company_ids(get_person(request)))
        return not (obj.is_staff or obj.is_superuser or elsewhere.exists())

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        powers = ("is_staff", "is_superuser", "groups", "user_permissions")
        dates = ("last_login", "date_joined")
        return dates if request.user.is_superuser else (*powers, *dates)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.changed_data:
            event = DirectoryEvent.ACCOUNT_CHANGED if change else DirectoryEvent.ACCOUNT_CREATED
            self.record_account_event(
                request, obj, event, {"fields": sorted(form.changed_data), "active": obj.is_active}
            )
        if change and "email" in form.changed_data:
            get_adapter(request).notify_of_new_address(obj, before=form.initial["email"], by=request.user)
        if not change:
            self.send_invitation(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The history keeps a change of permissions, with their codes."""
        super().save_related(request, form, formsets, change)
        if changed := compare_permissions(form):
            self.record_account_event(request, form.instance, DirectoryEvent.ACCOUNT_POWERS_CHANGED, changed)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Who sets another's password can sign in as them, so it is remembered who did."""
        with transaction.atomic():
            answer = super().user_change_password(request, *args, **kwargs)
            person = self.get_object(request, unquote(kwargs["id"])) if answer.status_code == 302 else None
            if person:
                self.record_account_event(request, person, DirectoryEvent.ACCOUNT_PASSWORD_SET, {})
                sessions.end_sessions(person=person, by=get_person(request))
        return answer

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Superusers alone weaken an account: who could also set its password would be its person."""
        actions = super().get_actions(request)
        if not request.user.is_superuser:
            actions.pop("take_two_step_away", None)
        return actions

    @admin.action(
        description="Invite again (people who have not chosen a password yet)", permissions=["change"]
    )
    def invite_again(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = [
            person
            for person in queryset.filter(is_active=True)
            if self.has_change_permission(request, person) and not person.has_usable_password()
        ]
        for person in people:
            self.send_invitation(request, person)
        messages.success(request, f"{len(people)} invitation{'' if len(people) == 1 else 's'} will be sent.")

    def send_invitation(self, request: HttpRequest, person: User) -> None:
        with transaction.atomic():
            get_adapter(request).send_invitation(person, by=get_person(request))
            self.record_account_event(request, person, DirectoryEvent.ACCOUNT_INVITED, {})

    @admin.action(description="End all sessions (they have to sign in again)", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = [person for person in queryset if self.has_change_permission(request, person)]
        count = sum(sessions.end_sessions(person=person, by=get_person(request)) for person in people)
        messages.success(request, f"{count} session{'' if count == 1 else 's'} ended.")

    @admin.action(description="Turn off two-step verification (phone and recovery codes are lost)")
    def take_two_step_away(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = two_step.delete_authenticators(queryset)
        messages.success(request, f"{count} of the selected people now sign in with their password alone.")

    def record_account_event(
        self, request: HttpRequest, person: User, event: Event, detail: dict[str, Any]
    ) -> None:
        history.record(event=event, subject=person, by=get_person(request), company=None, detail=detail)


def compare_permissions(form: Any) -> dict[str, Any]:
    """Which permissions, groups and states a form gave and took, by their codes; empty where none."""
    before, after = list_permission_codes(form.initial), list_permission_codes(form.cleaned_data)
    return {"given": sorted(after - before), "taken": sorted(before - after)} if before != after else {}


def list_permission_codes(values: Mapping[str, Any]) -> set[str]:
    states = {name for name in ("is_staff", "is_superuser") if values.get(name)}
    groups = {f"group {group.name}" for group in values.get("groups", ())}
    permissions = [*values.get("user_permissions", ()), *values.get("permissions", ())]
    return states | groups | {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


class CompanyForm(forms.ModelForm[Company]):
    """A company; a change of its rules needs a reason."""

    reason = forms.CharField(
        required=False, help_text="Required when one of the two rules changes. Kept in the history."
    )

    class Meta:
        model = Company
        fields = ["name", "slug", "currency", *COMPANY_RULES]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        changed = [rule.name for column, rule in COMPANY_RULES.items() if column in self.changed_data]
        if self.instance.pk and changed and not cleaned.get("reason", "").strip():
            self.add_error("reason", f"Give a reason for changing {' and '.join(changed)}.")
        return cleaned


class NewCompanyForm(CompanyForm):
    """A company with whoever goes on from here, as staff have no rights in it."""

    email = forms.EmailField(
        label="E-mail address of its first administrator",
        max_length=254,
        required=False,
        help_text="They are invited with Admin on ERP Integrations, and First steps leads them on.",
    )
    administrator = forms.CharField(label="Their name", max_length=150, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        email = cleaned.get("email")
        if email and not cleaned.get("administrator"):
            self.add_error("administrator", "Enter the name, too.")
        if email and User.objects.filter(email__iexact=email).exists():
            self.add_error("email", "They have an account: give them a company membership afterwards.")
        return cleaned


@admin.register(Company)
class CompanyAdmin(RecordingAdmin[Company]):
    """Companies."""

    company = "pk"
    events = (DirectoryEvent.COMPANY_CREATED, DirectoryEvent.COMPANY_CHANGED, DirectoryEvent.COMPANY_DELETED)
    form = CompanyForm
    list_display = ("name", "slug", "currency", "requires_two_step")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("name",)}
    search_fields = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Company | None = None) -> tuple[str, ...]:
        fixed = tuple(
            column
            for column, rule in COMPANY_RULES.items()
            if not (obj and request.user.has_perm(rule.permission))
        )
        return (*fixed, "currency") if obj and obj.has_commitments else fixed

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None and request.user.has_perms(("directory.add_user", "directory.add_companymembership")):
            kwargs["form"] = NewCompanyForm
        return super().get_form(request, obj, change, **kwargs)

    def get_company(self, obj: Company) -> Company:
        return obj

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            if email := form.cleaned_data.get("email", "").lower():
                wish = people.Wish(email=email, name=form.cleaned_data["administrator"])
                levels = {"erp_integrations_level": Level.ADMIN, "is_administrator": True}
                membership = CompanyMembership(user=people.build_account(wish), company=obj, **levels)
                people.save_changes([people.Change(wish, membership, levels, ())], by=get_person(request))
            url = f"{reverse('admin:erp_integrations_connection_add')}?company={obj.pk}"
            messages.info(request, format_html('Next: <a href="{}">add its connection to Spectrum</a>.', url))
            return
        if changed := [name for name in ("name", "slug", "currency") if name in form.changed_data]:
            obj.save(update_fields=changed)
            self.record_change(request, obj, DirectoryEvent.COMPANY_CHANGED, {"fields": changed})
        reason = form.cleaned_data["reason"]
        for column in COMPANY_RULES:
            if column in form.changed_data:
                value = form.cleaned_data[column]
                memberships.set_company_rule(
                    company=obj, by=get_person(request), column=column, value=value, reason=reason
                )


@admin.register(Project)
class ProjectAdmin(RecordingAdmin[Project]):
    """Projects. A project stays with its company."""

    events = (DirectoryEvent.PROJECT_CREATED, DirectoryEvent.PROJECT_CHANGED, DirectoryEvent.PROJECT_DELETED)
    fixed_fields = ("company",)
    list_display = ("name", "number", "company")
    list_filter = ("company",)
    search_fields = ("name", "number")


class CompanyMembershipForm(forms.ModelForm[CompanyMembership]):
    """Levels, and the privilege with its reason."""

    declines = forms.BooleanField(label="Decline the request for Can Push to Accounting", required=False)
    reason = forms.CharField(
        required=False,
        help_text="Required when Can Push to Accounting changes or is declined. Kept in the history.",
        widget=forms.TextInput(attrs={"size": 80}),
    )

    class Meta:
        model = CompanyMembership
        fields = ["user", "company", *memberships.LEVELS, "can_push_to_accounting"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["declines"].disabled = not memberships.is_requested(self.instance)
        if "history_level" in self.fields:
            self.fields["history_level"].required = False  # a page from before it was there

    def clean_history_level(self) -> str:
        return self.cleaned_data["history_level"] or self.instance.history_level

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        answers = {"declines", "can_push_to_accounting"} & {*self.changed_data}
        if answers and not cleaned.get("reason", "").strip():
            self.add_error("reason", "Give a reason for granting or revoking it, or for declining.")
        if len(answers) > 1:
            self.add_error("declines", "Grant it or decline it, not both.")
        return cleaned


class MembershipAdmin(CompanyScopedAdmin[M]):
    """Nobody adds, changes or removes their own membership: they only see it."""

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "user":
            field.queryset = field.queryset.exclude(pk=request.user.pk)
            field.error_messages["invalid_choice"] = (
                f"Choose somebody from your companies other than yourself. {memberships.OWN_LEVELS_MESSAGE}"
            )
        return field

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_own_membership(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not is_own_membership(request, obj)


def is_own_membership(request: HttpRequest, membership: Any) -> bool:
    return membership is not None and membership.user_id == request.user.pk


class PrivilegeRequestFilter(admin.SimpleListFilter):
    """Those for whom an administrator of the company asks for the privilege."""

    title, parameter_name = "request for Can Push to Accounting", "requested"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Not answered")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CompanyMembership]
    ) -> QuerySet[CompanyMembership]:
        return list_privilege_requests(queryset) if self.value() else queryset


@admin.register(CompanyMembership)
class CompanyMembershipAdmin(MembershipAdmin[CompanyMembership]):
    """Where the privilege Can Push to Accounting is granted and revoked."""

    form = CompanyMembershipForm
    fixed_fields = ("user", "company")
    list_display = ("user", "company", *memberships.LEVELS, "can_push_to_accounting")
    list_filter = ("company", "can_push_to_accounting", "erp_integrations_level", PrivilegeRequestFilter)
    list_select_related = ("user", "company")
    search_fields = ("user__email", "user__first_name", "user__last_name", "company__name")
    autocomplete_fields = ("user", "company")
    change_form_template = "admin/directory/membership.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = super().get_readonly_fields(request, obj)
        can_grant = request.user.has_perm("directory.grant_push_to_accounting")
        return fixed if can_grant else (*fixed, "can_push_to_accounting")

    def save_model(self, request: HttpRequest, obj: CompanyMembership, form: Any, change: bool) -> None:
        wanted = obj.can_push_to_accounting
        memberships.save_levels(obj, by=get_person(request))
        command = memberships.grant_push_to_accounting if wanted else memberships.revoke_push_to_accounting
        if form.cleaned_data["declines"]:
            command = memberships.reject_privilege_request
        elif "can_push_to_accounting" not in form.changed_data:
            return
        try:
            command(membership=obj, by=get_person(request), reason=form.cleaned_data["reason"])
        except memberships.DirectoryError as error:
            messages.error(request, f"Can Push to Accounting was not changed: {error}")

    def delete_model(self, request: HttpRequest, obj: CompanyMembership) -> None:
        memberships.delete_company_membership(membership=obj, by=get_person(request))

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        kwargs["extra_context"] = {"privilege_history": list_privilege_history(object_id)}
        return super().change_view(request, object_id, *args, **kwargs)


def list_privilege_history(object_id: str) -> list[tuple[HistoryEntry, str, User | None]]:
    membership = CompanyMembership(pk=parse_key(object_id) or 0)
    entries = list(HistoryEntry.objects.about(membership).order_by("-pk")[:50])
    people = User.objects.in_bulk({entry.by_id for entry in entries if entry.by_id})
    return [
        (entry, descriptions.get_event_label(entry.event), people.get(entry.by_id or 0)) for entry in entries
    ]


class ProjectMembershipForm(forms.ModelForm[ProjectMembership]):
    """Of somebody whom the project's company lists."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance._state.adding and cleaned.get("user") and cleaned.get("project"):
            added = ProjectMembership(user=cleaned["user"], project=cleaned["project"])
            if not memberships.is_listed(added):
                self.add_error("user", memberships.NOT_LISTED)
        return cleaned


@admin.register(ProjectMembership)
class ProjectMembershipAdmin(MembershipAdmin[ProjectMembership]):
    """Who may do what in a project's Commitments tool."""

    form = ProjectMembershipForm
    company = "project__company"
    fixed_fields = ("user", "project")

    list_display = ("user", "project", "commitments_level")
    list_filter = ("project__company", "commitments_level")
    list_select_related = ("user", "project")
    search_fields = ("user__email", "project__name")
    autocomplete_fields = ("user", "project")

    def save_model(self, request: HttpRequest, obj: ProjectMembership, form: Any, change: bool) -> None:
        memberships.save_levels(obj, by=get_person(request))

    def delete_model(self, request: HttpRequest, obj: ProjectMembership) -> None:
        memberships.delete_project_memberships(obj, by=get_person(request))


@admin.register(HistoryEntry)
class HistoryAdmin(ReadOnlyAdmin):
    """Entries in the order in which they were made; here also those that concern no company."""

    company = "company_id"

    list_display = ("at", "describe_entry", "event", "subject_type", "subject_id", "by_id", "company_id")
    list_filter = ("event",)
    ordering = ("-pk",)
    show_full_result_count = False
    search_fields = ("event", "subject_type")
    search_help_text = "An event or what it happened to; a number is the id of a person or thing."

    def limit_to_companies(self, person: User, rows: QuerySet[HistoryEntry]) -> QuerySet[HistoryEntry]:
        """Their companies' history, and what happened to the accounts of their colleagues."""
        accounts = Q(
            company_id=None, subject_type=User._meta.label_lower, subject_id__in=list_colleague_ids(person)
        )
        return rows.filter(Q(company_id__in=list_company_ids(person)) | accounts)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[HistoryEntry], search_term: str
    ) -> tuple[QuerySet[HistoryEntry], bool]:
        if search_term.isdecimal() and len(search_term) < MAX_ID_DIGITS:
            return queryset.filter(Q(by_id=int(search_term)) | Q(subject_id=int(search_term))), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="what happened")
    def describe_entry(self, entry: HistoryEntry) -> str:
        """In words; people by their number, so that a page needs no further query."""
        return descriptions.describe_entry(entry, {}).description


class RecordedGroupAdmin(RecordingAdmin[Group], GroupAdmin):
    """Groups give permissions: whoever may change one could give themselves any, so superusers do.

    Who changes one is remembered.
    """

    events = (DirectoryEvent.GROUP_CREATED, DirectoryEvent.GROUP_CHANGED, DirectoryEvent.GROUP_DELETED)

    def get_company(self, obj: Group) -> None:
        return None

    def limit_to_companies(self, person: User, rows: QuerySet[Group]) -> QuerySet[Group]:
        """Groups are of no company."""
        return rows

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if changed := compare_permissions(form):
            self.record_change(request, form.instance, DirectoryEvent.GROUP_PERMISSIONS_CHANGED, changed)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        taken = list_permission_codes({"permissions": obj.permissions.all()})
        self.record_change(
            request, obj, DirectoryEvent.GROUP_PERMISSIONS_CHANGED, {"given": [], "taken": sorted(taken)}
        )
        super().delete_model(request, obj)

    def has_module_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return request.user.is_superuser

    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = (
        has_module_permission
    )


admin.site.unregister(Group)
admin.site.register(Group, RecordedGroupAdmin)
