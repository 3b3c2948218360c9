"""The fields that a browser would send, read from the page that shows the form."""

from collections.abc import Iterable
from typing import Any

from lxml import html


def entered(page: bytes, address: str, having: Iterable[str] = ()) -> dict[str, Any]:
    """The values of the form of this page that goes to ``address``, as they stand; else nothing.

    Of several it is the first that has most of the fields in ``having``.
    """
    form = _form_to(address, page, having)
    return {} if form is None else _values(form)


def names(page: bytes, address: str) -> set[str]:
    """The names of that form's fields, those of boxes that are not ticked too."""
    form = _form_to(address, page)
    return set() if form is None else {element.name for element in form.inputs if element.name}


def _form_to(address: str, page: bytes, having: Iterable[str] = ()) -> Any:
    path = address.partition("?")[0]
    if not page.strip():
        return None
    document: Any = html.document_fromstring(page)
    there = [
        form
        for form in document.forms
        if (form.get("method") or "get").lower() == "post"
        and (form.get("action") or path).partition("?")[0] == path
    ]
    wanted = set(having)
    return max(there, key=lambda form: len(wanted & set(form.fields.keys())), default=None)


def _values(form: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for element in form.inputs:
        if not element.name or element.get("disabled") is not None:
            continue
        kind = element.get("type", "text") if element.tag == "input" else element.tag
        if kind in {"submit", "button", "image", "file", "reset"} or element.name == "csrfmiddlewaretoken":
            continue
        if kind in {"checkbox", "radio"}:
            if element.get("checked") is None:
                continue
            value: Any = element.get("value", "on")
        else:
            value = element.value
        if element.tag == "select" and element.multiple:
            values[element.name] = list(value)
        elif kind == "checkbox":
            values.setdefault(element.name, []).append(value)
        else:
            values[element.name] = value or ""
    return values
