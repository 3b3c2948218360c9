"""The headers of every answer, error pages included, and the limit on a request's length."""

import logging
import math
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve

from directory.row_files import MOST_BYTES

logger = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST")
UNUSED_FEATURES = """
    accelerometer browsing-topics camera display-capture geolocation gyroscope magnetometer microphone midi
    payment screen-wake-lock usb xr-spatial-tracking
"""
HEADERS = {
    # Pages hold what belongs to one person. Static files say themselves how long they are kept.
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES.split()),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SafeHeadersMiddleware:
    """The outermost, so that an answer of any other middleware has the headers too.

    What a view says itself stays.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class MethodsMiddleware:
    """Answers 405 to every method but those that our views know.

    Libraries' views take a PUT for a POST, or show a page to whatever is no POST.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request) if request.method in METHODS else HttpResponseNotAllowed(METHODS)


class BodyLimitMiddleware:
    """Answers 413 to a request whose body is longer than any form of this product, without reading it.

    Where files are attached or imported they may be larger, from people who are signed in.

    Stands behind the one that knows the person, whom the page greets, and before whatever reads.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        announced, most = request.META.get("CONTENT_LENGTH") or "0", settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = int(announced) if announced.isascii() and announced.isdecimal() else math.inf
        if length <= most or length <= most + get_space_for_files(request):
            return self.get_response(request)
        return build_too_large_response(request)


class UploadHandler(TemporaryFileUploadHandler):
    """Writes each file to the disk as it comes in, and takes none but where files are expected."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if not self.request or not get_space_for_files(self.request):
            raise TooManyFilesSent("No file is taken here.")
        super().new_file(*args, **kwargs)


def get_space_for_files(request: HttpRequest) -> int:
    """Bytes. Twice what one may have, so that one that is too large is told so on its page."""
    try:
        name = resolve(request.path_info).view_name
    except Resolver404:
        return 0
    most = dict.fromkeys(("imports:start", "directory:import"), MOST_BYTES)
    most["commitments:attach"] = settings.ATTACHMENT_MAX_MB * 1_048_576
    return 2 * most.get(name, 0) if request.user.is_authenticated else 0


def build_too_large_response(request: HttpRequest) -> HttpResponse:
    """The 413 page; the log says who sent it, if anybody whom we know."""
    announced = request.META.get("CONTENT_LENGTH", "")[:20]
    logger.warning("Person %s sent a body of %r bytes to %s: 413", request.user.pk, announced, request.path)
    space = get_space_for_files(request) // 1_048_576
    words = {"longest": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024, "space": space}
    return render(request, "413.html", words, status=413)
