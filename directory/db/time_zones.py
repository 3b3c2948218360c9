"""The names of time zones."""

import zoneinfo
from functools import cache


@cache
def list_time_zones() -> frozenset[str]:
    """The IANA database's names, read once per process: to list them, Python opens hundreds of files."""
    return frozenset(zoneinfo.available_timezones())
