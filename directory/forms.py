"""Texts that are never cut, and the form of a person's own page."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from directory.db import time_zones
from directory.models import COMPANY_TIMES, Company, User

AS_COMPANY = "company"


class UncutTextField(forms.CharField):
    """Refused when it is too long, with no maxlength in its tag: a browser cuts without a word."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}

    def validate(self, value: str) -> None:
        super().validate(value)
        if self.max_length and len(value) > self.max_length:
            raise ValidationError(f"At most {self.max_length:,} characters fit; this has {len(value):,}.")


class TimesForm(forms.Form):
    """The time zone, and the hour of the daily summary."""

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in sorted(time_zones.list_time_zones())],
        help_text="All times are shown in this time zone.",
    )
    summary_hour = forms.ChoiceField(
        label="Hour of the daily summary",
        choices=[(str(hour), f"{hour:02d}:00") for hour in range(24)],
        help_text="When the ERP Integrations Daily Summary is sent, in this time zone.",
    )


class ProfileForm(forms.ModelForm[User], TimesForm):
    """Name, time zone, and the hour of the daily summary: one's own, or as the company has them."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", *COMPANY_TIMES]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        memberships = self.instance.company_memberships.select_related("company").order_by("pk")
        self.company = next((each.company for each in memberships[:1]), Company(name="Ledgergate"))
        for name in COMPANY_TIMES:
            field: Any = self.fields[name]
            label = dict(field.choices)[str(getattr(self.company, name))]
            field.choices = [(AS_COMPANY, f"As {self.company}: {label}"), *field.choices]
            if not getattr(self.instance, f"has_own_{name}"):
                self.initial[name] = AS_COMPANY

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in cleaned.keys() & set(COMPANY_TIMES):
            is_own = cleaned[name] != AS_COMPANY
            setattr(self.instance, f"has_own_{name}", is_own)
            cleaned[name] = cleaned[name] if is_own else getattr(self.company, name)
        return cleaned
