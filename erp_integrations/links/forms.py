"""An ERP Integrations Admin's entries about links, with what they saw before."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django import forms

from erp_integrations.models import Connection
from erp_integrations.models.master_data import CODE_LENGTH

LIST_PARAMETERS = frozenset({"view", "q", "connection", "after", "before"})


class LinkForm(forms.Form):
    """``expected_code`` is that of the link as the page showed it, blank for none.

    ``back`` is the query of the list that the person came from.
    """

    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        empty_label=None,
        error_messages={
            "required": "Choose a connection.",
            "invalid_choice": "Choose a connection of this company.",
        },
    )
    expected_code = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)
    expected_connection = forms.IntegerField(required=False, widget=forms.HiddenInput)
    unlink = forms.BooleanField(required=False)
    back = forms.CharField(required=False, max_length=1000)
    code = forms.CharField(
        label="Code",
        required=False,
        max_length=CODE_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 12}),
    )

    def __init__(self, connections: list[Connection], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["connection"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = Connection.objects.filter(pk__in=[each.pk for each in connections])

    def clean_expected_code(self) -> str:
        """Raises ValidationError where the page was an older one, which named no link at all."""
        if "expected_code" not in self.data:
            raise forms.ValidationError("This page was out of date. Check it below and decide again.")
        code: str = self.cleaned_data["expected_code"]
        return code

    def clean_back(self) -> str:
        """Only what a list's address may hold."""
        return clean_list_query(self.cleaned_data["back"])


def clean_list_query(query: str) -> str:
    """The part of an address's query that leads back to the same place in a list."""
    return urlencode([(name, value) for name, value in parse_qsl(query) if name in LIST_PARAMETERS])
