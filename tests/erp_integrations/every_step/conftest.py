"""Shared by the ways of a delivery: a session beside the workers' own, and short waiting times."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.erp_integrations.every_step.worlds import Database


@pytest.fixture
def database(transactional_db: None, settings: Settings) -> Iterator[Database]:
    """The tables, to be put back."""
    settings.READ_BACK_LAG_SECONDS = 0
    settings.WSDL_CHECK_SECONDS = 1e6
    with Database.opened() as database:
        yield database
