"""The database's protection of the history from the role that asks: rights, ownership, triggers."""

from django.db import connection

TABLES = ("directory_historyentry", "directory_historyseal")
APPEND_ONLY = (*TABLES, "erp_integrations_attestation")
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


def check_missing_rights() -> tuple[str, str]:
    """Which tables the role that is connected can't use, and what the owner then runs; blank for none.

    Migrations need none of its rights, so that nothing else complains before the first page does.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, pg_get_userbyid(relowner), relnamespace::regnamespace::text, relname "
            "FROM pg_class WHERE relkind = 'r' AND relnamespace = "
            "(SELECT relnamespace FROM pg_class WHERE relname = %s) AND NOT "
            "(has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(oid, 'SELECT') "
            "AND has_table_privilege(oid, 'INSERT') AND (relname = ANY(%s) OR "
            "has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))) ORDER BY relname",
            [TABLES[0], list(APPEND_ONLY)],
        )
        found = cursor.fetchall()
    if not found:
        return "", ""
    role, owner, schema, first = found[0]
    rights = "SELECT, INSERT, UPDATE, DELETE ON"
    return (
        f"The role {role} can't read and write {len(found)} of the tables, among them {first}.",
        f"As {owner}, in this database: GRANT USAGE ON SCHEMA {schema} TO {role}; "
        f"GRANT {rights} ALL TABLES IN SCHEMA {schema} TO {role}; "
        f"REVOKE UPDATE, DELETE ON {', '.join(APPEND_ONLY)} FROM {role}; "
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rights} TABLES TO {role};",
    )


def check_idle_limit() -> str:
    """The role whose idle transactions nobody ends, behind a pooler; blank for none.

    It opens sessions that the product's own statement never met (docs/scale.md).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, pg_backend_pid(), reset_val FROM pg_settings "
            "WHERE name = 'idle_in_transaction_session_timeout'"
        )
        role, process, limit = cursor.fetchone()
    is_direct = process == connection.connection.info.backend_pid
    return "" if is_direct or limit != "0" else role
