"""The database's protection of the history from the role that asks: rights, ownership, triggers."""

from django.db import connection

TABLES = ("directory_historyentry", "directory_historyseal")
TRIGGERS = (
    "history_is_append_only",
    "history_is_never_emptied",
    "seals_are_append_only",
    "seals_are_never_emptied",
    "a_seal_follows_the_head",
    "history_is_written_now",
)


def check_triggers() -> list[str]:
    """Triggers that are gone or switched off, each as a sentence."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE tgenabled IN ('O', 'A') AND relname = ANY(%s)",
            [list(TABLES)],
        )
        enabled_triggers = {name for (name,) in cursor.fetchall()}
    return [
        f"The trigger {name}, which keeps history from being changed, is gone or switched off."
        for name in TRIGGERS
        if name not in enabled_triggers
    ]


ROLES = ("ledgergate_web", "ledgergate_worker")
"""The triggers know web and workers by these names."""


def check_role_separation() -> str:
    """Why the triggers can't tell web and workers apart, as a sentence; blank if they can."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, count(*) FROM pg_roles "
            "WHERE rolname = ANY(%s) AND pg_has_role(oid, 'MEMBER') GROUP BY 1",
            [list(ROLES)],
        )
        row = cursor.fetchone()
    if row and row[1] == 1:
        return ""
    return f"The role that is connected is not one of {' and '.join(ROLES)}, or is both."


def check_role_rights() -> list[str]:
    """Why the role that is connected could change history all the same, each as a sentence."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        role, superuser = cursor.fetchone()
        if superuser:
            return [f"The role {role} is a superuser, whom no right and no trigger stops."]
        cursor.execute(
            "SELECT relname, pg_has_role(relowner, 'USAGE'), has_any_column_privilege(oid, 'UPDATE') OR "
            "has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER') "
            "FROM pg_class WHERE oid = ANY(%s::regclass[]) ORDER BY relname",
            [list(TABLES)],
        )
        found = cursor.fetchall()
    owned = [name for name, owns, _ in found if owns]
    if owned:
        return [f"The role {role} owns {' and '.join(owned)}, and so may switch the triggers off."]
    return [
        f"The role {role} holds a right on {name} to change rows, remove them, or put triggers on it."
        for name, _, holds in found
        if holds
    ]
