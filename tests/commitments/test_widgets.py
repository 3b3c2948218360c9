"""The grid's quick controls write what Django's own would."""

from typing import Any

import pytest
from django import forms
from django.test.html import parse_html

from commitments.widgets import QuickCheckbox, QuickSelect, QuickTextInput

CHOICES = [("", ""), ("1", "L Labor & <more>"), ("2", "M Material")]


@pytest.mark.parametrize(
    ("quick", "own", "value"),
    [
        (QuickTextInput(), forms.TextInput(), None),
        (QuickTextInput(), forms.TextInput(), '"<b>&'),
        (QuickTextInput({"list": "cost-codes"}), forms.TextInput({"list": "cost-codes"}), "03"),
        (QuickCheckbox(), forms.CheckboxInput(), False),
        (QuickCheckbox(), forms.CheckboxInput(), True),
        (QuickCheckbox(), forms.CheckboxInput(), "on"),
        (QuickSelect(choices=CHOICES), forms.Select(choices=CHOICES), None),
        (QuickSelect(choices=CHOICES), forms.Select(choices=CHOICES), 2),
        (QuickSelect(choices=CHOICES), forms.Select(choices=CHOICES), "7"),
    ],
)
def test_it_is_the_same_control(quick: forms.Widget, own: forms.Widget, value: Any) -> None:
    attrs = {"id": "id_x", "aria-invalid": "true"}
    written = quick.render("x", value, attrs=attrs)
    assert parse_html(written) == parse_html(own.render("x", value, attrs=attrs))
