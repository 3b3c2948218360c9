"""The controls of the line grid, written without a template each: a long grid has thousands of them."""

from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.forms.widgets import Input
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class QuickInput(Input):
    """An input of any type."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        context = self.get_context(name, value, attrs)["widget"]
        own = {"type": context["type"], "name": context["name"], "value": context["value"]}
        return format_html("<input{}>", flatatt({**own, **context["attrs"]}))


class QuickTextInput(QuickInput, forms.TextInput):
    """One line of text."""


class QuickHiddenInput(QuickInput, forms.HiddenInput):
    """A value that travels with its form."""


class QuickCheckbox(QuickInput, forms.CheckboxInput):
    """One tick."""


class QuickSelect(forms.Select):
    """A choice of one, without groups."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        chosen = "" if value is None else str(value)
        options = format_html_join(
            "",
            "<option{}>{}</option>",
            (
                (flatatt({"value": str(key), "selected": str(key) == chosen}), label)
                for key, label in self.choices
            ),
        )
        own = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", flatatt(own), options)


class VendorInput(forms.TextInput):
    """A name or code, with what the server finds for it, beside key and name of the one that was shown."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        key, text, shown = value
        asking = {"list": "vendors", "hx-trigger": "focus once, input changed delay:150ms"}
        asking |= {"hx-target": "#vendors", "hx-select": "option", "autocomplete": "off"}
        own = self.build_attrs(self.attrs, {**(attrs or {}), **asking, "name": "vendor", "value": text})
        hidden = [
            {"type": "hidden", "name": each, "value": of}
            for each, of in ((name, key), ("vendor_shown", shown))
        ]
        inputs = [own | {"type": "text"}, *hidden]
        return format_html_join("", "<input{}>", ([flatatt(each)] for each in inputs))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[str, str | None, str | None]:
        """Without a text the key counts: so post pages and drafts of before the search."""
        return data.get(name, ""), data.get("vendor"), data.get("vendor_shown")
