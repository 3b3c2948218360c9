"""Migrations that take one table after the other, ended after each of their statements."""

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
from tests.embedded_services import template
from tests.erp_integrations.test_company_columns import exported

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, KILLED = ("directory", "0015_history_level"), ("directory", "0016_company_times")


class Killed(Exception):
    """As by a deadlock, or by whoever ended it."""


def apply_one_statement(migration: Migration, state: ProjectState, done: set[str], *kind: str) -> bool:
    """Of those that begin so, the first that no run before did; False once there is none."""
    new = list[str]()

    def kill(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if new:
            raise Killed
        result = execute(sql, *rest)
        if sql.lstrip().startswith(kind) and sql not in done:
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
        while apply_one_statement(loader.get_migration(*KILLED), before, done, "ALTER", "UPDATE"):
            pass
        assert len(done) == 7
        assert describe_database() == whole
        people = loader.project_state([KILLED]).apps.get_model("directory", "User").objects
        chosen = people.values_list("email", "has_own_time_zone", "has_own_summary_hour")
        assert {*chosen} == {("usual@test.example", False, False), ("own@test.example", True, True)}


def test_rows_from_before_say_whose_they_are() -> None:
    with new_database("half_way", template=template() or "template1"), connected_to("half_way"):
        rows = exported()
        MigrationExecutor(database).migrate([("erp_integrations", "0060_company")])
        whole = describe_database()
        MigrationExecutor(database).migrate(
            [("erp_integrations", "0059_take_over_tries"), ("commitments", "0020_imports")]
        )
        assert describe_database() != whole
        loader, done = MigrationLoader(database), set[str]()
        state = loader.project_state([("erp_integrations", "0059_take_over_tries")])
        for key in (("commitments", "0021_company"), ("erp_integrations", "0060_company")):
            migration = loader.get_migration(*key)
            while apply_one_statement(migration, state, done, "DO", "CREATE INDEX"):
                pass
            migration.mutate_state(state, preserve=False)
        assert len(done) == 7
        assert describe_database() == whole
        for model, row in rows.items():
            assert model._default_manager.filter(pk=row.pk, company=row.company_id).exists(), model


def test_indexes_that_were_begun_are_made_anew() -> None:
    before, killed = (("erp_integrations", each) for each in ("0060_company", "0061_stopped_by_company"))
    with new_database("half_way", template=template() or "template1"), connected_to("half_way"):
        MigrationExecutor(database).migrate([killed])
        whole = describe_database()
        MigrationExecutor(database).migrate([before])
        loader, done = MigrationLoader(database), set[str]()
        state = loader.project_state([before])
        while apply_one_statement(loader.get_migration(*killed), state, done, "CREATE INDEX", "DROP INDEX"):
            pass
        assert len(done) == 8
        assert describe_database() == whole
