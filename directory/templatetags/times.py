"""Dates and times on pages."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from directory.db.time_zones import format_time

register = template.Library()


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """Date, time and zone; the seconds are in the tooltip."""
    return build_time(at, format_time(at)) if at else ""


@register.filter
def day(at: datetime | None) -> SafeString | str:
    """The date alone; time and zone are in the tooltip."""
    return build_time(at, date_format(timezone.localtime(at))) if at else ""


def build_time(at: datetime, description: str) -> SafeString:
    stamp = timezone.localtime(at).isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', stamp, stamp, description)
