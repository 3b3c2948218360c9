"""Connections: where a company's exports go, and with which secrets."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import BooleanField, QuerySet
from django.http import HttpRequest, HttpResponse

from directory import history
from directory.admin.scoped import RecordingAdmin
from directory.models import User
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.connections import settings_changes
from erp_integrations.connections.settings_form import SECTIONS, ConnectionForm
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, ConnectionCredentials, ConnectionState
from erp_integrations.models.secrets import list_secret_fields

STATE = ("fault", "awaits_probe", "not_before", "lease_holder", "lease_until", "lease_attempt")


def build_state_column(name: str) -> Any:
    """A column of the connection's other row, to be looked at."""
    field: Any = ConnectionState._meta.get_field(name)
    shown = admin.display(description=field.verbose_name, boolean=isinstance(field, BooleanField))
    return shown(lambda connection: getattr(connection.state, name))


@admin.register(Connection)
class ConnectionAdmin(RecordingAdmin[Connection]):
    """Connections. Secrets can be written and never read; the lease belongs to the workers."""

    company = "company"
    events = (ErpEvent.CONNECTION_CREATED, ErpEvent.CONNECTION_CHANGED, ErpEvent.CONNECTION_DELETED)
    form = ConnectionForm
    list_display = ("name", "company", "server", "company_code", "state__fault", "state__not_before")
    list_filter = ("company",)
    list_select_related = ("company", "state")
    search_fields = ("name", "company_code")
    state = tuple(map(build_state_column, STATE))
    fieldsets = (
        (None, {"fields": ("company", "name", "server", "company_code")}),
        ("What is written", {"fields": SECTIONS["What is written"]}),
        ("Secrets", {"fields": ("authorization_id", "guid_policy", "guid", "forget_guid")}),
        ("Hosted site (OAuth)", {"fields": SECTIONS["Hosted site"]}),
        ("Site", {"fields": SECTIONS["Site differences"]}),
        ("Every day", {"fields": (SECTIONS["Every day"],)}),
        ("What Spectrum doesn't document", {"fields": SECTIONS["What Spectrum doesn't document"]}),
        ("State (kept by the workers)", {"fields": state}),
    )
    actions = ("forget_descriptions",)

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> tuple[Any, ...]:
        return (*self.state, "company") if obj else self.state

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        """Whoever may only look gets no form but every value, so no secret may be among them."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        secret = set(list_secret_fields(ConnectionCredentials))
        return [(title, options) for title, options in fieldsets if not secret & set(options["fields"])]

    def get_history_detail(self, obj: Connection) -> dict[str, str]:
        return {"server": obj.server, "company_code": obj.company_code}

    def save_row(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> dict[str, Any]:
        assert isinstance(request.user, User)
        before = Subject(Kind.CONNECTION, obj.pk or 0).get_values(lock=True)
        super().save_row(request, obj, form, change)
        form.save_settings()
        subject = Subject(Kind.CONNECTION, obj.pk)
        return pending_changes.record_change(subject, before=before, by=request.user, company=obj.company)

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.changed_data:
            settings_changes.resume_after_change(obj, set(form.changed_data))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        viewed = self.get_object(request, unquote(object_id)) if response.status_code == 200 else None
        if viewed is not None:
            assert isinstance(request.user, User)
            event, company = ErpEvent.CONNECTION_SECRETS_LOOKED_AT, viewed.company
            history.record_secrets_view(event=event, subject=viewed, by=request.user, company=company)
        return response

    @admin.action(description="Fetch the service descriptions (WSDL) again at the next export")
    def forget_descriptions(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """For a site whose services have changed; kept ones are used as long as they are there."""
        with transaction.atomic():
            for connection in queryset:
                connection.wsdls.all().delete()
                self.record_change(request, connection, ErpEvent.CONNECTION_DESCRIPTIONS_FORGOTTEN, {})
        messages.success(request, "They will be fetched at the next export.")
