"""Dates and times on pages."""

from datetime import date, datetime
from functools import lru_cache

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
    return build_time(timezone.localtime(at), format_time(at)) if at else ""


@register.filter
def day(at: datetime | None) -> SafeString | str:
    """The date alone; time and zone are in the tooltip."""
    if not at:
        return ""
    local = timezone.localtime(at)
    return build_time(local, format_day(local.date()))


@lru_cache
def format_day(on: date) -> str:
    return date_format(on)


def build_time(local: datetime, description: str) -> SafeString:
    stamp = local.isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', stamp, stamp, description)
