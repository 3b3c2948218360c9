"""History refuses UPDATE, DELETE and TRUNCATE.

Twice: a trigger stops everybody who is not the owner with triggers switched off, and the
rights are taken from every role but the owner, so that the application could not even try
(docs/architecture.md, section 10).
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER history_is_append_only
    BEFORE UPDATE OR DELETE ON directory_historyentry
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only();

CREATE TRIGGER history_is_never_emptied
    BEFORE TRUNCATE ON directory_historyentry
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();

DO $$
DECLARE role_name text;
BEGIN
    FOR role_name IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = 'directory_historyentry'
          AND grantee NOT IN (current_user, 'PUBLIC')
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON directory_historyentry FROM %I', role_name);
    END LOOP;
    REVOKE UPDATE, DELETE, TRUNCATE ON directory_historyentry FROM PUBLIC;
END
$$;
"""

BACKWARD = """
DROP TRIGGER history_is_append_only ON directory_historyentry;
DROP TRIGGER history_is_never_emptied ON directory_historyentry;
DROP FUNCTION history_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
