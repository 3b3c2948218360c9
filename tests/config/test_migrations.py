"""Processes of the version before run on while a migration is applied: what it adds must not stop them."""

from collections.abc import Iterator, Mapping

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField
from django.db.migrations.operations.base import Operation

BEFORE_THE_RULE = {"commitments": 2, "directory": 8, "erp_integrations": 26, "notifications": 5}
"""The last migration of each app that was written without it."""


def operations(after: Mapping[str, int]) -> Iterator[Operation]:
    """Of each app's migrations after the one of this number."""
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in after and int(name[:4]) > after[app]:
            yield from migration.operations


def what_stops_an_old_process(operation: Operation) -> str:
    """The column that it does not know and the database does not fill for it; blank where there is none."""
    if not isinstance(operation, AddField) or operation.field.many_to_many:
        return ""
    filled = operation.field.null or operation.field.has_db_default() or operation.field.generated
    return "" if filled else f"{operation.model_name}.{operation.name}"


def test_a_column_that_is_added_is_nullable_or_has_a_default_in_the_database() -> None:
    """That is ``db_default``: Django takes ``default`` out of the database again."""
    assert [stops for each in operations(BEFORE_THE_RULE) if (stops := what_stops_an_old_process(each))] == []


def test_of_the_older_migrations_some_would_have_been_found() -> None:
    everything = dict.fromkeys(BEFORE_THE_RULE, 0)
    assert any(map(what_stops_an_old_process, operations(everything)))
