"""The world, made once for all tests of a module."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from directory.models import HistoryEntry
from tests.rights import witness, world
from tests.rights.world import World

SETTINGS = {
    # Development looks for a file at every request.
    "WHITENOISE_AUTOREFRESH": False,
    "WHITENOISE_USE_FINDERS": False,
    # What is undone does not count as use, so that a long run of script/fuzz would end its sessions.
    "SESSION_IDLE_MINUTES": 600,
    "ACCOUNT_REAUTHENTICATION_TIMEOUT": 36_000,
}


@pytest.fixture(scope="module")
def the_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once, and never there afterwards."""
    logger = logging.getLogger("django.request")
    level = logger.level
    logger.setLevel(logging.ERROR)  # thousands of refusals, each with its traceback
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patched, override_settings(**SETTINGS):
        # Half of the cost of a page of Django admin is its list of all models.
        patched.setattr(admin.site, "get_app_list", lambda *_: [])
        atomic = transaction.atomic()
        atomic._from_testcase = True  # type: ignore[attr-defined]  # as TestCase does: no hooks, durable ones nest
        with atomic:
            made = world.make()
            made.before = witness.digests()
            made.last_told = HistoryEntry.objects.latest("pk").pk
            yield made
            transaction.set_rollback(True)
    logger.setLevel(level)
