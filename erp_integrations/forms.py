"""The dialogs: what an approver enters, and what they saw."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.text import Truncator, normalize_newlines

from directory.forms import UncutTextField
from directory.models import CompanyMembership, User
from directory.rights.approvers import ApproverList
from erp_integrations import submissions
from erp_integrations.checks.preflight import has_text
from erp_integrations.connections.settings_form import ACCOUNT, build_clean_method
from erp_integrations.models import CallState, ExportCall, Submission
from erp_integrations.submissions import kept_reasons

MAX_TEXT_LENGTH = 4000
FINGERPRINT = re.compile("[0-9a-f]{64}")
NOTE_HELP_TEXT = "Also written to Spectrum (at most 1,000 characters) and kept in the commitment's history."
OUTDATED = dict.fromkeys(
    ("required", "invalid", "max_length"), "This page was out of date. Check it below and decide again."
)
"""Said of whatever the page itself filled in."""


class LinesField(UncutTextField):
    """A person's words. Their lines end alike, and count the same, whether or not a script sent them."""

    def __init__(self, *, attrs: dict[str, Any], **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"data-limit": MAX_TEXT_LENGTH, **attrs})  # app.js counts
        super().__init__(max_length=MAX_TEXT_LENGTH, widget=widget, **kwargs)

    def to_python(self, value: Any) -> str:
        return normalize_newlines(super().to_python(value) or "")


def build_text_field(label: str, help_text: str, rows: int = 2) -> LinesField:
    """Needed in some cases alone."""
    return LinesField(attrs={"rows": rows}, label=label, required=False, help_text=help_text)


class VersionForm(forms.Form):
    """Which delivery the dialog showed; nobody decides on a later one with it."""

    expected_version = forms.IntegerField(widget=forms.HiddenInput, error_messages=OUTDATED)


class ExpectedHashForm(forms.Form):
    expected_hash = forms.CharField(max_length=64, widget=forms.HiddenInput, error_messages=OUTDATED)


class DecisionForm(VersionForm, ExpectedHashForm):
    """Nobody decides on something else than the dialog showed: it travels with the decision."""


class TicksField(forms.MultipleChoiceField):
    """A tick names exactly one record, or one change, with its content; one that is not shown any more
    counts for nothing."""

    def valid_value(self, value: str) -> bool:
        return bool(FINGERPRINT.fullmatch(value))


class OtherRecordsForm(forms.Form):
    """Which records in Spectrum are others."""

    other_records = TicksField(required=False)


class ConfirmedChangesForm(forms.Form):
    """Which changes by others are right."""

    confirmed = TicksField(required=False)


class ResumeForm(ConfirmedChangesForm, VersionForm):
    """Go on with the rest of an export."""


class LookedUpInput(forms.CheckboxInput):
    """A tick counts for the number that it was shown beside, and for no other that is typed later."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> bool:
        typed = data.get("erp_id", "").strip()
        is_ticked: bool = super().value_from_datadict(data, files, name)
        return is_ticked and data.get(f"{name}_for", typed) == typed


class AcceptForm(OtherRecordsForm, ConfirmedChangesForm, DecisionForm):
    """The ERP ID that it shall have, and optional details; ``expected_record`` is what Spectrum showed."""

    expected_record = forms.CharField(
        max_length=64, required=False, widget=forms.HiddenInput, error_messages=OUTDATED
    )
    erp_id = forms.CharField(
        label="ERP ID",
        max_length=30,
        help_text=("The subcontract number in Spectrum. Changing it here changes nothing else."),
        error_messages={"required": "Enter an ERP ID."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 14}),
    )
    number_looked_up = forms.BooleanField(
        label="I checked in Spectrum: this vendor has no other subcontract with this number",
        required=False,
        widget=LookedUpInput,
    )
    note = build_text_field("Details", "Kept in the commitment's history; not sent to Spectrum.")
    statement = build_text_field(
        "What you found in Spectrum",
        "Say whether it is there, and where and when you checked. Kept in the history with your name.",
    )

    others_reason = build_text_field(
        "How you know it is a different record",
        "Needed if you tick one. Kept in the commitment's history with your name.",
    )

    def clean(self) -> dict[str, Any]:
        """Whoever says that a record is another one says how they know."""
        cleaned = super().clean() or {}
        if cleaned.get("other_records") and not has_text(cleaned.get("others_reason", "")):
            self.add_error("others_reason", "Say how you know it is a different record.")
        return cleaned


class SharedFields(dict[str, forms.Field]):
    """A form's that are never changed: to copy each takes longer than to check what was posted."""

    def __deepcopy__(self, memo: Any) -> dict[str, forms.Field]:
        return {**self}


AcceptForm.base_fields = SharedFields(AcceptForm.base_fields)


class ReasonForm(forms.Form):
    """Why something goes back: as it was typed, or else as it was chosen from what is kept."""

    use_required_attribute = False  # without a script a browser would not send the chosen one alone
    chosen = LinesField(attrs={}, label="Kept before", required=False)
    reason = LinesField(
        attrs={"rows": 4, "autofocus": True},
        label="Reason",
        help_text="Mailed to the person who created the commitment and kept in its history.",
        error_messages={"required": "Enter a reason. It is mailed to the person who created the commitment."},
    )
    remember = forms.BooleanField(label="Keep this for next time", required=False)

    def __init__(self, *args: Any, viewer: CompanyMembership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        common, own = (
            [(each.text, Truncator(" ".join(each.text.split())).chars(60)) for each in reasons]
            for reasons in kept_reasons.list_reasons(viewer)
        )
        groups = [each for each in ((str(viewer.company), common), ("Your own", own)) if each[1]]
        choices = [("", "Choose one, or type below"), *groups] if groups else []
        self.fields["chosen"].widget = forms.Select({"data-fills": "reason"}, choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.has_error("reason", "required") and cleaned.get("chosen"):
            del self.errors["reason"]
            cleaned["reason"] = cleaned["chosen"]
        return cleaned


class RejectForm(ReasonForm, DecisionForm):
    """Send one back to its project."""


class KeptReasonForm(forms.Form):
    """One more reason of the company."""

    text = LinesField(attrs={"rows": 3}, label="New reason", error_messages={"required": "Enter a reason."})


class AskForm(forms.Form):
    """Whom to ask, and what. It names the last question that was seen, so that nothing is asked twice."""

    expected_question = forms.IntegerField(widget=forms.HiddenInput, error_messages=OUTDATED)
    asked_of = forms.TypedChoiceField(
        label="To", coerce=int, error_messages={"required": "Choose who is asked."}
    )
    question = LinesField(
        attrs={"rows": 4, "autofocus": True},
        label="Question",
        help_text="Mailed at once, answered here, and kept in the commitment's history.",
        error_messages={"required": "Enter a question."},
    )

    def __init__(self, *args: Any, people: Sequence[User], submission: Submission, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["asked_of"]
        assert isinstance(field, forms.TypedChoiceField)
        parts = {"sent it": submission.sent_by_id, "created it": submission.created_by_id}
        choices = []
        for person in people:
            own = " and ".join(part for part, pk in parts.items() if pk == person.pk) or "can answer"
            choices.append((str(person.pk), f"{person}, who {own}"))
        field.choices = choices


class AnswerForm(forms.Form):
    """The answer to a question that accounting asked."""

    question = forms.IntegerField(widget=forms.HiddenInput, error_messages=OUTDATED)
    answer = LinesField(
        attrs={"rows": 4},
        label="Your answer",
        help_text="Mailed to the person who asked and kept in the commitment's history.",
        error_messages={"required": "Enter an answer. It is mailed to the person who asked."},
    )


class ApproverReviewForm(ExpectedHashForm):
    """Which list of approvers was looked at, who on it is too many, and why."""

    flagged = forms.TypedMultipleChoiceField(
        coerce=int, required=False, error_messages={"invalid_choice": "Somebody ticked is not on the list."}
    )
    reason = build_text_field("Reason", "Mailed to those who can revoke it and kept in the history.", rows=3)

    def __init__(self, *args: Any, approver_list: ApproverList, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.approver_list = approver_list
        self.people = [each.membership.user_id for each in approver_list.approvers]
        flagged = self.fields["flagged"]
        assert isinstance(flagged, forms.TypedMultipleChoiceField)
        flagged.choices = [(str(person), str(person)) for person in self.people]
        flagged.initial = [
            str(each.membership.user_id) for each in approver_list.approvers if each.is_flagged
        ]

    def clean(self) -> dict[str, Any]:
        """Whoever asks for a revocation says why."""
        cleaned = super().clean() or {}
        if cleaned.get("flagged") and not cleaned.get("reason", "").strip():
            self.add_error("reason", "Say why they should no longer have it.")
        return cleaned


class FollowForm(VersionForm):
    """Which of the records that were found; each is named with its content."""

    record = forms.CharField(
        max_length=64, widget=forms.RadioSelect, error_messages={"required": "Choose the record to follow."}
    )


class AccountForm(VersionForm):
    """Where this commitment goes in the general ledger, if not to its default."""

    account = forms.CharField(
        label="Account",
        required=False,
        help_text="As in Spectrum, digits only.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "size": 14}),
    )
    clean_account = build_clean_method("account", ACCOUNT)


class SeenForm(VersionForm):
    """Why what stands in Spectrum may stay, as the last look has shown it."""

    expected_look = forms.CharField(max_length=40, widget=forms.HiddenInput, error_messages=OUTDATED)
    reason = LinesField(
        attrs={"rows": 3, "autofocus": True},
        label="Reason",
        help_text="Why it may stay as it is. Kept in the history with your name.",
        error_messages={"required": "Enter a reason. It is kept in the history with your name."},
    )


class ResolveForm(VersionForm):
    """A person's findings in Spectrum, and how they know."""

    attested = forms.TypedChoiceField(
        label="What is in Spectrum",
        coerce=submissions.Attested,
        choices=[
            ("all", "All of it. It becomes Synced."),
            ("none", "None of it. All of it is sent again."),
            ("part", "Part of it: the calls ticked below. The rest can then be sent."),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what you found in Spectrum."},
    )
    calls = forms.TypedMultipleChoiceField(
        label="If part of it: the calls that are there",
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    statement = build_text_field(
        "Your statement", "Say where you checked and what you found. Kept in the history with your name.", 3
    )

    def __init__(self, *args: Any, calls: Sequence[ExportCall], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["calls"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(call.position, call.title) for call in calls]
        field.initial = [call.position for call in calls if call.state == CallState.WRITTEN]


class UnlinkForm(OtherRecordsForm, VersionForm):
    """How a person knows that the record is gone."""

    statement = build_text_field(
        "Your statement", "Say who deleted it in Spectrum, and when. Kept in the history with your name.", 3
    )
