"""The two boxes: what an approver enters, and what they saw."""

from django import forms

LONGEST_WORDS = 4000
UNSEEN = "The page did not say what you saw. Look at it below and decide again."


class DecisionForm(forms.Form):
    """What the box showed travels with the decision, so that nobody decides on something else."""

    seen_hash = forms.CharField(
        max_length=64, widget=forms.HiddenInput, error_messages={"required": UNSEEN, "max_length": UNSEEN}
    )
    round = forms.IntegerField(
        widget=forms.HiddenInput, error_messages={"required": UNSEEN, "invalid": UNSEEN}
    )


class AcceptForm(DecisionForm):
    """The ERP ID that it shall have, and optional details."""

    erp_id = forms.CharField(
        label="ERP ID",
        max_length=30,
        help_text="Subcontract_Number in every call below; changing it changes nothing else.",
        error_messages={"required": "Enter an ERP ID."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 14}),
    )
    note = forms.CharField(
        label="Details",
        required=False,
        max_length=LONGEST_WORDS,
        help_text="Kept in the commitment's history; not sent to Spectrum.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RejectForm(DecisionForm):
    """Why it goes back."""

    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_WORDS,
        help_text="It is mailed to the person who created the commitment, and stays in its history.",
        error_messages={"required": "Enter a reason: it is mailed to the person who created the commitment."},
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
    )
