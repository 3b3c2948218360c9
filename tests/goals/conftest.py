"""The world of the search, made once."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from tests.goals import world
from tests.goals.world import World
from tests.simulator import Simulator


@pytest.fixture(scope="module")
def here(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once, and never there afterwards."""
    # Thousands of refusals, each of which would be a line.
    logging.disable(logging.CRITICAL)
    try:
        with (
            Simulator.start() as simulator,
            django_db_blocker.unblock(),
            pytest.MonkeyPatch.context() as patched,
            world.settings_for(simulator),
        ):
            patched.setattr(admin.site, "get_app_list", lambda *_: [])
            atomic = transaction.atomic()
            atomic._from_testcase = True  # type: ignore[attr-defined]  # as TestCase does
            with atomic:
                yield world.make()
                transaction.set_rollback(True)
    finally:
        logging.disable(logging.NOTSET)
