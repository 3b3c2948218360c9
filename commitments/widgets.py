"""The control of a vendor."""

from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import format_html_join
from django.utils.safestring import SafeString


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
