"""How an ERP's own names are written on a page."""

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def breakable(name: str) -> SafeString:
    """An element's name that may go on in the next line after an underscore; copied, it is the same name."""
    return mark_safe(escape(name).replace("_", "_<wbr>"))
