"""The names of time zones, and how a time is written."""

import zoneinfo
from datetime import datetime
from functools import cache

from django.utils import timezone
from django.utils.formats import date_format


@cache
def list_time_zones() -> frozenset[str]:
    """The IANA database's names, read once per process: to list them, Python opens hundreds of files."""
    return frozenset(zoneinfo.available_timezones())


def format_time(at: datetime | None, zone: zoneinfo.ZoneInfo | None = None) -> str:
    """``3 Mar 2026, 14:05 EST``, in ``zone`` or that of whoever asked for the page; blank for none."""
    return date_format(timezone.localtime(at, zone), "DATETIME_FORMAT") if at else ""
