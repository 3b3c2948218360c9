"""Texts that are never cut, and the form of a person's own page."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from directory.db import time_zones
from directory.models import User


class UncutTextField(forms.CharField):
    """Refused when it is too long, with no maxlength in its tag: a browser cuts without a word."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}

    def validate(self, value: str) -> None:
        super().validate(value)
        if self.max_length and len(value) > self.max_length:
            raise ValidationError(f"At most {self.max_length:,} characters fit; this has {len(value):,}.")


class ProfileForm(forms.ModelForm[User]):
    """Name, time zone, and the hour of the daily summary."""

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in sorted(time_zones.list_time_zones())],
        help_text="All times are shown in this time zone.",
    )
    summary_hour = forms.TypedChoiceField(
        label="Hour of the daily summary",
        coerce=int,
        choices=[(hour, f"{hour:02d}:00") for hour in range(24)],
        help_text="When the ERP Integrations Daily Summary is sent, in your time zone.",
    )

    class Meta:
        model = User
        fields = ["first_name", "last_name", "time_zone", "summary_hour"]
