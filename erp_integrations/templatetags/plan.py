"""How a plan is laid out on a page, and how an ERP's own names are written there."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from erp_integrations.adapters.base import Call, CodeKind, Element, ErpReferences, StoredValue
from erp_integrations.adapters.registry import get_adapter

register = template.Library()

BREAK = SafeString("_<wbr>")


@register.simple_tag
def laid_out(calls: Sequence[Call]) -> dict[str, Any]:
    """The plan as its tables; ``calls`` are never none, the header is the first, and its lines follow.

    The header's fields, then the lines without the key that they share with it, then what follows. What is
    blank is named apart, and a field that is blank in every line is no column. ``columns`` are the elements
    of the first line, and those of each row are in the order of the columns.
    """
    header = calls[0]
    lines = [call for call in calls[1:] if call.method == calls[1].method]
    first = lines[0].elements if lines else ()
    own = [position for position, element in enumerate(first) if element not in header.elements]
    used = [position for position in own if not all(is_blank(line.elements[position]) for line in lines)]
    return {
        "header": build_sheet(header),
        "method": lines[0].method if lines else "",
        "columns": [first[position] for position in used],
        "rows": [{"title": line.title, "elements": [line.elements[i] for i in used]} for line in lines],
        "blank_columns": [first[position].name for position in own if position not in used],
        "others": [build_sheet(call) for call in calls[1 + len(lines) :]],
    }


@register.filter
def breakable(name: str) -> SafeString:
    """An element's name that may go on in the next line after an underscore; copied, it is the same name."""
    return format_html_join(BREAK, "{}", ((part,) for part in name.split("_")))


def build_sheet(call: Call) -> dict[str, Any]:
    """One call alone: the fields that say something, and the names of those that are blank."""
    return {
        "call": call,
        "fields": [element for element in call.elements if not is_blank(element)],
        "blank_fields": [element.name for element in call.elements if is_blank(element)],
    }


def is_blank(element: Element) -> bool:
    """It is left to the ERP; text of which nothing is left was entered all the same."""
    return not element.value and not element.cut


@register.filter
def reference_name(element: Element, references: ErpReferences) -> str:
    """The ERP's own name beside a vendor's or a job's code; blank beside anything else."""
    return get_adapter(None).get_reference_name(element, references)


@register.filter
def at(values: Mapping[int, Sequence[StoredValue]], position: int) -> Sequence[StoredValue]:
    """Those of one line; none where the page has none."""
    return values.get(position, ()) if values else ()


@register.filter
def complaint(code: str, kind: CodeKind) -> str:
    """Why nothing can be exported under a vendor's or a job's code; blank if something can."""
    return get_adapter(None).describe_code_issue(code, kind)
