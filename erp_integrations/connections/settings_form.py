"""The form of a connection, which Django admin and the company's own settings page share."""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings

from erp_integrations.adapters import registry
from erp_integrations.models import (
    BLANK_CODE,
    AuthenticationRule,
    Connection,
    ConnectionCredentials,
    ConnectionSettings,
    GuidPolicy,
    SuccessRule,
)

SECRETS = ("authorization_id", "guid", "client_secret")
CREDENTIALS_FIELDS = (*SECRETS, "client_secret_expires_on")
SECRET_STORED = "One is stored. Leave blank to keep it, or enter a new one to replace it."
NO_SECRET_STORED = "None is stored."
# What a whole value looks like, and what is said of another one.
ACCOUNT = ("[0-9]{,12}", "A general-ledger account has digits only, at most 12.")
PREFIX = ("[A-Z0-9-]*", "Enter letters, digits and dashes only, or nothing.")
PRICE_CODES = ("[A-Z0-9,]*", "Enter codes with commas between them, for example U,blank.")
PLAIN_PATH = (r"(/[\w.-]+)+/?", "Enter a path that begins with /, without blanks and signs.")
NO_PARENT_STEP = (r"(?!.*(\.\.|/\./)).*", "Enter a path without .. in it: it may not lead back up.")
METHOD_PATH = (r"/[\w./-]*\{method\}[\w./-]*", "Enter a path that begins with / and holds {method} once.")
COMPANY_PATH = (
    r"/[\w./-]*\{company_code\}[\w./-]*",
    "Enter a path that begins with / and holds {company_code} once.",
)
# What Spectrum's published error codes are called; none of them may ever count as written.
ERROR_CODES = frozenset("AIME")


SETTINGS_FIELDS = tuple(
    field.name for field in ConnectionSettings._meta.concrete_fields if field.name != "connection"
)


def list_servers() -> list[tuple[str, str]]:
    servers = [(name, name) for name in settings.SPECTRUM_SERVERS]
    return servers if len(servers) == 1 else [("", "---------"), *servers]


def build_secret_field(label: str, width: int) -> forms.CharField:
    """A secret that can be written, and never read: nothing of it is ever sent to a browser."""
    return forms.CharField(
        label=label,
        required=False,
        max_length=width,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )


def build_clean_method(
    name: str, *rules: tuple[str, str], write: Callable[[str], str] = str.strip
) -> Callable[[Any], str]:
    """A value is always written alike, as ``write`` does, and keeps to each rule."""

    def clean(form: Any) -> str:
        value = write(form.cleaned_data[name])
        for pattern, problem in rules:
            if not re.fullmatch(pattern, value, re.ASCII):
                raise forms.ValidationError(problem)
        return value

    return clean


def format_code(value: str) -> str:
    return value.strip().upper()


def format_codes(value: str) -> str:
    """Each once, in whatever way they were told apart."""
    return ",".join(dict.fromkeys(value.upper().replace(",", " ").split()))


def build_secret_clean_method(name: str) -> Callable[[Any], str]:
    """A secret that is left blank keeps the stored one."""
    return lambda form: form.cleaned_data[name] or getattr(form.secrets, name)


class ConnectionForm(forms.ModelForm[Connection]):
    """A connection and the rows of its settings and secrets. A blank secret keeps the stored one."""

    # A class body's locals are what the class is made of.
    locals().update(
        forms.fields_for_model(
            ConnectionSettings,
            exclude=["connection"],
            widgets={"element_names": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})},
        )
    )
    server = forms.ChoiceField(
        choices=list_servers,
        help_text="From SPECTRUM_SERVERS, where the operator sets the address.",
    )
    authorization_id = build_secret_field("Authorization_ID", 20)
    guid = build_secret_field("GUID", 36)
    forget_guid = forms.BooleanField(
        label="Remove the stored GUID", required=False, help_text="For a site with another rule."
    )
    client_secret = build_secret_field("Client secret", 200)
    forget_client_secret = forms.BooleanField(
        label="Remove the stored client secret", required=False, help_text="Leave the client ID blank then."
    )

    client_secret_expires_on = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="From Spectrum's Data Exchange Installation screen. Updated automatically after a "
        "rotation.",
    )

    class Meta:
        model = Connection
        fields = [
            "company",
            "name",
            "server",
            "company_code",
            "general_ledger_account",
            *("general_ledger_order", "erp_id_rule", "subcontract_prefix", "purchase_order_prefix"),
            *("non_ascii", "fixed_price_units", "notes_topic"),
            *("authorization_id", "guid_policy", "guid", "forget_guid"),
            *("client_id", "client_secret", "forget_client_secret", "client_secret_expires_on"),
            *("wsdl_path", "service_path", "vendors_path", "token_path", "rotation_path"),
            *("closed_from", "closed_until", "closed_time_zone"),
        ]
        widgets = {
            "closed_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "closed_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rules = self.instance.settings if self.instance.pk else ConnectionSettings()
        self.secrets = self.instance.credentials if self.instance.pk else ConnectionCredentials()
        self.initial = {**{name: getattr(self.rules, name) for name in SETTINGS_FIELDS}, **self.initial}
        self.initial["client_secret_expires_on"] = self.secrets.client_secret_expires_on
        for name in SECRETS:
            self.initial[name] = ""
            self.fields[name].help_text = SECRET_STORED if getattr(self.secrets, name) else NO_SECRET_STORED
        gone = self.instance.server
        if "server" in self.fields and gone and gone not in settings.SPECTRUM_SERVERS:
            # It stays what it is until somebody chooses another one.
            choices = [*list_servers(), (gone, f"{gone} (no longer in SPECTRUM_SERVERS)")]
            self.fields["server"].choices = choices  # type: ignore[attr-defined]  # a choice field

    clean_authorization_id = build_secret_clean_method("authorization_id")
    clean_guid = build_secret_clean_method("guid")
    clean_client_secret = build_secret_clean_method("client_secret")
    # As Spectrum compares it.
    clean_company_code = build_clean_method("company_code", write=format_code)
    clean_general_ledger_account = build_clean_method("general_ledger_account", ACCOUNT)
    clean_subcontract_prefix = build_clean_method("subcontract_prefix", PREFIX, write=format_code)
    clean_purchase_order_prefix = build_clean_method("purchase_order_prefix", PREFIX, write=format_code)
    clean_unit_price_codes = build_clean_method("unit_price_codes", PRICE_CODES, write=format_codes)
    clean_job_price_codes = build_clean_method("job_price_codes", PRICE_CODES, write=format_codes)
    clean_wsdl_path = build_clean_method("wsdl_path", METHOD_PATH, NO_PARENT_STEP)
    clean_service_path = build_clean_method("service_path", METHOD_PATH, NO_PARENT_STEP)
    clean_vendors_path = build_clean_method("vendors_path", COMPANY_PATH, NO_PARENT_STEP)
    clean_token_path = build_clean_method("token_path", PLAIN_PATH, NO_PARENT_STEP)
    clean_rotation_path = build_clean_method("rotation_path", PLAIN_PATH, NO_PARENT_STEP)
    # Spectrum's own words for it, in its letters.
    clean_notes_topic = build_clean_method(
        "notes_topic", ("[ -~]*", "Enter plain letters, digits and signs only.")
    )
    # A sign, and nothing that a value may consist of.
    clean_any_ending = build_clean_method(
        "any_ending", ("((?![A-Za-z0-9])[!-~])*", "Enter a wildcard such as *, or leave it blank.")
    )

    def full_clean(self) -> None:
        """Refused, it comes back without the secrets that were typed, and a blank one would keep the old: so
        they are asked for again.
        """
        super().full_clean()
        for name in SECRETS if self.errors else ():
            if self.data.get(self.add_prefix(name)) and name not in self.errors:
                self.add_error(name, "Enter it again: nothing was saved, and no secret is shown.")

    def clean_fixed_price_units(self) -> str:
        """Always written alike, so that another spelling of the same units changes no plan."""
        return ", ".join(self.cleaned_data["fixed_price_units"].upper().replace(",", " ").split())

    def clean_success_codes(self) -> str:
        """Codes with commas between them, and no code that means an error."""
        if not self.cleaned_data["success_codes"].strip():
            return ""
        codes = [code.strip().upper() for code in self.cleaned_data["success_codes"].split(",")]
        if not all(code.isascii() and code.isalnum() for code in codes):
            raise forms.ValidationError(f"Enter codes with commas between them, such as {BLANK_CODE},G.")
        if wrong := sorted(ERROR_CODES.intersection(codes)):
            raise forms.ValidationError(
                f"{', '.join(wrong)} means an error in Spectrum, so it can't mean written."
            )
        return ",".join(dict.fromkeys(BLANK_CODE if code == BLANK_CODE.upper() else code for code in codes))

    def clean_error_statuses(self) -> str:
        """Statuses of errors. A 401 is the gateway's own, and is never read."""
        typed = [each.strip() for each in self.cleaned_data["error_statuses"].split(",") if each.strip()]
        if not all(each.isascii() and re.fullmatch(r"[45]\d\d", each) and each != "401" for each in typed):
            raise forms.ValidationError("Enter statuses from 400 to 599 except 401, for example 400, 500.")
        return ",".join(sorted(set(typed)))

    def clean_element_names(self) -> str:
        """Elements of ours, each with a name that the site's present description has."""
        try:
            return registry.clean_element_names(self.cleaned_data["element_names"], self.instance)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Fields that belong together are there together, and a tick forgets a secret."""
        cleaned = super().clean() or {}
        same = Connection.objects.exclude(pk=self.instance.pk).filter(
            server=cleaned.get("server", ""), company_code__iexact=cleaned.get("company_code", "")
        )
        if same.exists():
            self.add_error("company_code", "Another connection already writes to this Spectrum company.")
        closed = (cleaned.get("closed_from"), cleaned.get("closed_until"))
        if (closed[0] is None) != (closed[1] is None):
            self.add_error("closed_until", "Enter both times, or neither.")
        elif closed[0] is not None and closed[0] == closed[1]:
            self.add_error("closed_until", "Start and end can't be the same time.")
        for name in ("guid", "client_secret"):
            if cleaned.get(f"forget_{name}"):
                if name in self.changed_data:
                    self.add_error(f"forget_{name}", "Enter a new one or remove the stored one, not both.")
                cleaned[name] = ""
        if cleaned.get("success_rule") == SuccessRule.CODES and not cleaned.get("success_codes"):
            self.add_error("success_codes", f"Enter the codes that mean written, such as {BLANK_CODE},G.")
        if cleaned.get("guid_policy") == GuidPolicy.SENT and not cleaned.get("guid"):
            self.add_error("guid", "Enter the GUID that is always sent, or choose another rule.")
        for name in ("soap_authentication", "rest_authentication"):
            if cleaned.get(name) == AuthenticationRule.BEARER and not cleaned.get("client_id"):
                self.add_error(name, "An access token needs a client ID and its secret.")
        if cleaned.get("client_id") and not cleaned.get("client_secret"):
            self.add_error("client_secret", "A client ID needs its secret.")
        if cleaned.get("client_secret") and not cleaned.get("client_id"):
            self.add_error("client_id", "A client secret needs its client ID.")
        return cleaned

    def save_settings(self) -> None:
        """Write what was changed of settings and secrets; the connection is saved already."""
        for row, names in ((self.rules, SETTINGS_FIELDS), (self.secrets, CREDENTIALS_FIELDS)):
            row.connection = self.instance
            # Nothing else: a rotation may have stored a new secret meanwhile.
            changed = [name for name in names if self.cleaned_data[name] != getattr(row, name)]
            for name in changed:
                setattr(row, name, self.cleaned_data[name])
            row.save(update_fields=changed)


class SettingsForm(ConnectionForm):
    """The same for a company's ERP admin. Whose Spectrum company it is, only staff say in Django admin:
    else one company could point at the books of another."""

    server = None  # type: ignore[assignment]  # Django's way to leave out an inherited field

    class Meta(ConnectionForm.Meta):
        fields = [
            name for name in ConnectionForm.Meta.fields if name not in ("company", "server", "company_code")
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("guid", "client_secret"):
            if not getattr(self.secrets, name):
                del self.fields[f"forget_{name}"]

    def list_sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings, in the order of the page."""
        return [
            (heading, [self[name] for name in self.fields if name in names])
            for heading, names in SECTIONS.items()
        ]


SECTIONS: dict[str, tuple[str, ...]] = {
    "Connection": ("name", "authorization_id", "guid_policy", "guid", "forget_guid"),
    "What is written": (
        *("general_ledger_account", "general_ledger_order", "erp_id_rule", "subcontract_prefix"),
        *("purchase_order_prefix", "non_ascii", "fixed_price_units", "notes_topic"),
        *("retention_rule", "unit_price_codes", "job_price_codes"),
        *("complete_code", "terminated_code", "void_code", "closed_code"),
    ),
    "Hosted site": (
        *("client_id", "client_secret", "forget_client_secret", "client_secret_expires_on"),
        *("token_path", "rotation_path"),
    ),
    "Every day": ("closed_from", "closed_until", "closed_time_zone"),
    "What Spectrum doesn't document": ("watch_days", "resolve_by_hand_after_hours"),
    "Site differences": (
        "success_rule",
        "success_codes",
        "element_names",
        *("soap_authentication", "rest_authentication", "token_for_descriptions"),
        *("error_statuses", "any_ending"),
        "wsdl_path",
        "service_path",
        "vendors_path",
    ),
}
