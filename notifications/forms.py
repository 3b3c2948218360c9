"""The form of a person's mails."""

from typing import Any

from django import forms

from directory.forms import TimesForm
from notifications.preferences import WEEKDAYS


class MailForm(forms.Form):
    """Those that a person may switch off."""

    summary = forms.BooleanField(
        label="ERP Integrations Daily Summary",
        required=False,
        help_text="Everything that awaits accounting, once a day, at the hour of the daily summary.",
    )
    weekdays = forms.MultipleChoiceField(
        label="On these days",
        choices=WEEKDAYS,
        widget=forms.CheckboxSelectMultiple,
        help_text="What waits on another day is in the next summary.",
    )
    attention = forms.BooleanField(
        label="Mail at once when an export failed or needs attention",
        required=False,
        help_text="Otherwise it is in an approver's summary, which then comes also when nothing else waits. "
        "What a project must put right is always mailed to its sender at once.",
    )
    resent = forms.BooleanField(
        label="Mail at once when a rejected commitment was sent again",
        required=False,
        help_text="To whoever rejected it. Otherwise the daily summary says so.",
    )

    def clean(self) -> dict[str, Any]:
        """A summary on no day is none, which the box above says more plainly."""
        cleaned = super().clean() or {}
        if "weekdays" in self.errors and "weekdays" not in self.data:
            del self.errors["weekdays"]
            cleaned["weekdays"] = []
            if cleaned["summary"]:
                self.add_error(
                    "weekdays", "Choose at least one day, or switch the summary off in the box above."
                )
        return cleaned


class CompanyMailForm(TimesForm, MailForm):
    """The company's time zone, and the mails of whoever chose nothing else."""

    field_order = ("time_zone", "summary", "weekdays", "summary_hour")
