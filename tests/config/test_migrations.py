"""Processes of the version before run on while a migration is applied: what it adds must not stop them."""

from collections.abc import Iterator, Mapping

from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField
from django.db.migrations.operations.base import Operation

BEFORE_THE_RULE = {"commitments": 2, "directory": 8, "erp_integrations": 26, "notifications": 5}
"""The last migration of each app that was written without it."""

IN_PYTHON_ALONE = {
    "directory.user.is_active": "Django's own",
    "directory.user.is_staff": "Django's own",
    "directory.user.is_superuser": "Django's own",
    "directory.user.date_joined": "Django's own",
    "notifications.outgoingemail.message_id": "another for each mail, with the name of our host",
}
"""The columns whose default the database does not know, and why."""


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


def columns_without_the_default_of_python(app: str) -> Iterator[str]:
    for model in apps.get_app_config(app).get_models(include_auto_created=True):
        for field in model._meta.local_concrete_fields:
            # A value that PostgreSQL has no literal for stands in an expression.
            in_database = getattr(field.db_default, "value", field.db_default)
            if field.has_default() and not field.null and in_database != field.get_default():
                yield f"{model._meta.label_lower}.{field.name}"


def test_the_database_knows_the_default_of_each_column() -> None:
    """So that a process that does not know the column yet, or any more, writes its rows all the same."""
    found = [each for app in BEFORE_THE_RULE for each in columns_without_the_default_of_python(app)]
    assert sorted(found) == sorted(IN_PYTHON_ALONE)
