"""Seals refuse UPDATE, DELETE and TRUNCATE as history does, and an INSERT that does not follow the head.

The sealer is the application, so it may insert. What it inserts must be the next seal of its chain, of
an entry of that chain, sealed now, and hashed as `directory/history/canonical.py` says: whoever has only
the application's rights can't prepare a place, leave one out or antedate one. Whether the entry's own
hash is true, `verify_history` finds.
"""

from django.db import migrations

FORWARD = """
CREATE TRIGGER seals_are_append_only
    BEFORE UPDATE OR DELETE ON directory_historyseal
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only();

CREATE TRIGGER seals_are_never_emptied
    BEFORE TRUNCATE ON directory_historyseal
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();

CREATE FUNCTION a_seal_follows_the_head() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head_number bigint;
    head_hash text;
BEGIN
    SELECT number, hash INTO head_number, head_hash FROM directory_historyseal
        WHERE chain = NEW.chain ORDER BY number DESC LIMIT 1;
    IF NOT FOUND THEN
        head_number := 0;
        head_hash := repeat('0', 64);
    END IF;
    IF NEW.number <> head_number + 1 OR NEW.previous_hash <> head_hash THEN
        RAISE EXCEPTION 'seals of history follow one another: % is refused behind %', NEW.number, head_number
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM directory_historyentry
                   WHERE id = NEW.entry_id AND coalesce(company_id, 0) = NEW.chain) THEN
        RAISE EXCEPTION 'seals of history belong to an entry of their chain: % is refused', NEW.entry_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.sealed_at NOT BETWEEN transaction_timestamp() AND clock_timestamp() THEN
        RAISE EXCEPTION 'seals of history are made now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.hash <> encode(sha256(convert_to(concat_ws('|',
            1, NEW.chain, NEW.number, NEW.entry_id, NEW.entry_hash, NEW.previous_hash,
            to_char(NEW.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'seals of history carry their own hash' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER a_seal_follows_the_head
    BEFORE INSERT ON directory_historyseal
    FOR EACH ROW EXECUTE FUNCTION a_seal_follows_the_head();

DO $$
DECLARE role_name text;
BEGIN
    -- Else a temporary table of the application's would stand in front of the real one.
    EXECUTE format('ALTER FUNCTION a_seal_follows_the_head() SET search_path = pg_catalog, %I, pg_temp',
                   current_schema());
    FOR role_name IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = 'directory_historyseal'
          AND grantee NOT IN (current_user, 'PUBLIC')
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON directory_historyseal FROM %I', role_name);
    END LOOP;
    REVOKE UPDATE, DELETE, TRUNCATE ON directory_historyseal FROM PUBLIC;
END
$$;
"""

BACKWARD = """
DROP TRIGGER a_seal_follows_the_head ON directory_historyseal;
DROP FUNCTION a_seal_follows_the_head();
DROP TRIGGER seals_are_append_only ON directory_historyseal;
DROP TRIGGER seals_are_never_emptied ON directory_historyseal;
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0004_history_seals")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
