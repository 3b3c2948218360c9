"""The migration that takes one table after the other, ended after each of its statements."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection as database
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.databases import connected_to, describe_database, new_database

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, KILLED = ("directory", "0015_history_level"), ("directory", "0016_company_times")


class Killed(Exception):
    """As by a deadlock, or by whoever ended it."""


def apply_one_statement(migration: Migration, state: ProjectState, done: set[str]) -> bool:
    """Of those that change a table, the first that no run before did; False once there is none."""
    new = list[str]()

    def kill(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if new:
            raise Killed
        result = execute(sql, *rest)
        if sql.startswith(("ALTER", "UPDATE")) and sql not in done:
            new.append(sql)
        return result

    with (
        suppress(Killed),
        database.execute_wrapper(kill),
        database.schema_editor(atomic=bool(migration.atomic)) as editor,
    ):
        migration.apply(state.clone(), editor)
    done.update(new)
    return bool(new)


def test_run_again_it_goes_on_where_it_ended() -> None:
    with new_database("half_way"), connected_to("half_way"):
        MigrationExecutor(database).migrate([KILLED])
        whole = describe_database()
        MigrationExecutor(database).migrate([BEFORE])
        loader, done = MigrationLoader(database), set[str]()
        before = loader.project_state([BEFORE])
        people = before.apps.get_model("directory", "User").objects
        people.create(email="usual@test.example")
        people.create(email="own@test.example", time_zone="Europe/Berlin", summary_hour=6)
        while apply_one_statement(loader.get_migration(*KILLED), before, done):
            pass
        assert len(done) == 7
        assert describe_database() == whole
        people = loader.project_state([KILLED]).apps.get_model("directory", "User").objects
        chosen = people.values_list("email", "has_own_time_zone", "has_own_summary_hour")
        assert {*chosen} == {("usual@test.example", False, False), ("own@test.example", True, True)}
