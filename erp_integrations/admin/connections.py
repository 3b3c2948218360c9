"""Connections: where a company's exports go, and with which secrets."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from directory.models import Company
from erp_integrations import connections, tasks
from erp_integrations.admin.recording import RecordingAdmin, general_ledger_account
from erp_integrations.models import Connection

SECRETS = ("authorization_id", "guid")
KEPT = "One is stored. Leave this blank to keep it; what is typed here replaces it."
NOT_KEPT = "None is stored."
PATH = re.compile(r"/[\w./-]*\{method\}[\w./-]*", re.ASCII)
PREFIX = re.compile(r"[A-Z0-9-]*", re.ASCII)
# What Spectrum's published error codes are called; none of them may ever count as written.
ERROR_CODES = frozenset("AIME")


def servers() -> list[tuple[str, str]]:
    """The operator's list, by name."""
    return [("", "---------"), *((name, name) for name in settings.SPECTRUM_SERVERS)]


def _prefix(value: str) -> str:
    value = value.strip().upper()
    if not PREFIX.fullmatch(value):
        raise forms.ValidationError("Enter letters, digits and dashes only, or nothing.")
    return value


def secret_field(width: int) -> forms.CharField:
    """A secret that can be written, and never read: nothing of it is ever sent to a browser."""
    return forms.CharField(
        required=False,
        max_length=width,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )


class ConnectionForm(forms.ModelForm[Connection]):
    """A connection's settings. A blank secret keeps the stored one."""

    server = forms.ChoiceField(
        choices=servers,
        help_text="From SPECTRUM_SERVERS. An address is set there by the operator, never here.",
    )
    authorization_id = secret_field(20)
    guid = secret_field(36)
    forget_guid = forms.BooleanField(
        label="Remove the stored GUID", required=False, help_text="For a site that wants it blank."
    )

    class Meta:
        model = Connection
        fields = [
            "company",
            "name",
            "server",
            "company_code",
            "general_ledger_account",
            "general_ledger_order",
            "erp_id_rule",
            "subcontract_prefix",
            "purchase_order_prefix",
            "non_ascii",
            "authorization_id",
            "guid",
            "forget_guid",
            "success_codes",
            "wsdl_path",
            "service_path",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["authorization_id"].label = "Authorization_ID"
        self.fields["guid"].label = "GUID"
        for name in SECRETS:
            self.initial[name] = ""
            self.fields[name].help_text = KEPT if getattr(self.instance, name) else NOT_KEPT
        gone = self.instance.server
        if gone and gone not in settings.SPECTRUM_SERVERS:
            # It stays what it is until somebody chooses another one.
            choices = [*servers(), (gone, f"{gone} (not in SPECTRUM_SERVERS any more)")]
            self.fields["server"].choices = choices  # type: ignore[attr-defined]

    def clean_authorization_id(self) -> str:
        """Blank keeps the stored one."""
        return self.cleaned_data["authorization_id"] or self.instance.authorization_id

    def clean_guid(self) -> str:
        """Blank keeps the stored one."""
        return self.cleaned_data["guid"] or self.instance.guid

    def clean_company_code(self) -> str:
        """As Spectrum compares it."""
        return str(self.cleaned_data["company_code"]).strip().upper()

    def clean_general_ledger_account(self) -> str:
        """Refuse what Spectrum would refuse at the first export."""
        return general_ledger_account(self.cleaned_data["general_ledger_account"])

    def clean_subcontract_prefix(self) -> str:
        """In upper case, and nothing that Spectrum refuses in a number."""
        return _prefix(self.cleaned_data["subcontract_prefix"])

    def clean_purchase_order_prefix(self) -> str:
        """In upper case, and nothing that Spectrum refuses in a number."""
        return _prefix(self.cleaned_data["purchase_order_prefix"])

    def clean_success_codes(self) -> str:
        """Codes with commas between them, and no code that means an error."""
        codes = [code.strip().upper() for code in self.cleaned_data["success_codes"].split(",")]
        if not all(code.isascii() and code.isalnum() for code in codes):
            raise forms.ValidationError("Enter codes with commas between them, for example S,G.")
        if wrong := sorted(ERROR_CODES.intersection(codes)):
            raise forms.ValidationError(
                f"{', '.join(wrong)} means an error in Spectrum, so it can't mean that a record was written."
            )
        return ",".join(dict.fromkeys(codes))

    def clean_wsdl_path(self) -> str:
        """A path with the place of the method's name."""
        return _path(self.cleaned_data["wsdl_path"])

    def clean_service_path(self) -> str:
        """A path with the place of the method's name."""
        return _path(self.cleaned_data["service_path"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        same = Connection.objects.exclude(pk=self.instance.pk).filter(
            server=cleaned.get("server", ""), company_code__iexact=cleaned.get("company_code", "")
        )
        if same.exists():
            self.add_error("company_code", "Another connection writes to this Spectrum company already.")
        if cleaned.get("forget_guid"):
            if "guid" in self.changed_data:
                self.add_error("forget_guid", "Either enter a new GUID or remove the stored one.")
            cleaned["guid"] = ""
        return cleaned


@admin.register(Connection)
class ConnectionAdmin(RecordingAdmin):
    """Connections. Secrets can be written and never read; the lease belongs to the workers."""

    what = "connection"
    form = ConnectionForm
    list_display = ("name", "company", "server", "company_code", "fault", "not_before")
    list_filter = ("company",)
    list_select_related = ("company",)
    search_fields = ("name", "company_code")
    lease = ("fault", "awaits_probe", "not_before", "lease_holder", "lease_until", "lease_attempt")
    fieldsets = (
        (None, {"fields": ("company", "name", "server", "company_code")}),
        (
            "What is written",
            {
                "fields": (
                    *("general_ledger_account", "general_ledger_order"),
                    *("erp_id_rule", "subcontract_prefix", "purchase_order_prefix", "non_ascii"),
                )
            },
        ),
        ("Secrets", {"fields": ("authorization_id", "guid", "forget_guid")}),
        ("Site", {"fields": ("success_codes", "wsdl_path", "service_path")}),
        ("State, kept by the workers", {"fields": lease}),
    )
    actions = ("forget_descriptions",)

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> tuple[str, ...]:
        return (*self.lease, "company") if obj else self.lease

    def company_of(self, obj: Connection) -> Company:
        return obj.company

    def codes_of(self, obj: Connection) -> dict[str, str]:
        return {"server": obj.server, "company_code": obj.company_code}

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change or not form.changed_data:
            return
        if {"server", "wsdl_path"} & set(form.changed_data):
            obj.wsdls.all().delete()
        connections.let_go_on(obj)
        tasks.wake(obj.pk)

    @admin.action(description="Fetch the service descriptions (WSDL) again at the next export")
    def forget_descriptions(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """For a site whose services have changed; kept ones are used as long as they are there."""
        with transaction.atomic():
            for connection in queryset:
                connection.wsdls.all().delete()
                self.record(request, connection, "descriptions_forgotten", {})
        messages.success(request, "They are fetched again at the next export.")


def _path(value: str) -> str:
    if not PATH.fullmatch(value):
        raise forms.ValidationError("Enter a path that begins with / and holds {method} once.")
    return value
