"""The form of a person's mails."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

MONDAY = date(2024, 1, 1)
WEEKDAYS = [(str(day + 1), f"{MONDAY + timedelta(days=day):%A}") for day in range(7)]


class MailForm(forms.Form):
    """Those that a person may switch off."""

    summary = forms.BooleanField(
        label="ERP Integrations Daily Summary",
        required=False,
        help_text="Everything that awaits accounting, once a day, at the hour in your profile.",
    )
    weekdays = forms.MultipleChoiceField(
        label="On these days",
        choices=WEEKDAYS,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="What waits on another day is in the next summary.",
    )
    attention = forms.BooleanField(
        label="An export failed or needs attention",
        required=False,
        help_text="At once. Switched off, you see it in the daily summary and in ERP Integrations.",
    )
    resent = forms.BooleanField(
        label="What I rejected was sent again",
        required=False,
        help_text="At once. Switched off, you see it in the daily summary and in ERP Integrations.",
    )

    def clean(self) -> dict[str, Any]:
        """A summary on no day is none, which the box above says more plainly."""
        cleaned = super().clean() or {}
        if cleaned.get("summary") and not cleaned.get("weekdays"):
            raise ValidationError(
                {"weekdays": "Choose at least one day, or switch the summary off in the box above."}
            )
        return cleaned
