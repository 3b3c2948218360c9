"""How often one person may ask for what costs much: searches, live looks into the ERP, spreadsheets.

Counted in the memory of each web process and shared with none: it keeps a script or a stuck browser
from taking the machine away from everybody else, and needs no database to say no.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from directory.requests import SignedInRequest

logger = logging.getLogger(__name__)

P = ParamSpec("P")
View = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]

HEAVY_WEIGHT = 10
"""The weight of a page that reads everything, or asks the ERP and waits for it."""

_MAX_BUCKETS = 10_000
_buckets: dict[int, tuple[float, float]] = {}
_lock = threading.Lock()


def is_search(request: HttpRequest) -> bool:
    return bool(request.GET.get("q"))


def is_post(request: HttpRequest) -> bool:
    return request.method == "POST"


def limit_rate(
    weight: int = 1, *, when: Callable[[HttpRequest], bool] = lambda request: True
) -> Callable[[View[P]], View[P]]:
    """A view that counts as ``weight`` costly pages, on the requests that ``when`` names.

    Whoever is over COSTLY_PAGES_PER_MINUTE gets a 429 page that says when to come again.
    """

    def limit_view(view: View[P]) -> View[P]:
        @wraps(view)
        def handle_request(
            request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            wait_seconds = record_usage(request.user.pk, weight) if when(request) else 0
            if not wait_seconds:
                return view(request, *args, **kwargs)
            logger.warning(
                "Person %s asked too often for %s: 429 for %s s", request.user.pk, request.path, wait_seconds
            )
            answer = render(request, "429.html", {"seconds": wait_seconds}, status=429)
            answer.headers["Retry-After"] = str(wait_seconds)
            return answer

        return handle_request

    return limit_view


def record_usage(person: int, weight: int) -> int:
    """Count it for this person, or give the whole seconds until there is room for it again."""
    limit: int = settings.COSTLY_PAGES_PER_MINUTE
    if not limit:
        return 0
    per_second = limit / 60
    with _lock:
        now = time.time()
        filled, since = _buckets.get(person, (0.0, now))
        filled = max(0.0, filled - max(0.0, now - since) * per_second)
        # One page that weighs more than a whole minute is let through when nothing else is counted.
        over = filled + weight - max(limit, weight)
        if len(_buckets) >= _MAX_BUCKETS:
            _buckets.clear()
        _buckets[person] = (filled if over > 0 else filled + weight, now)
    return math.ceil(over / per_second) if over > 0 else 0


def purge_usage() -> None:
    """Count anew for everybody."""
    with _lock:
        _buckets.clear()
