"""An entry of the history is numbered and dated by the database, and each role writes what is its own.

The number, too: whoever may insert could else put a grant before one that ended it, or date it years
back. From ``signatures.began`` on acceptances and grants count only if they are signed; what stood by
then is listed in that one entry, and nobody writes another. A database role ``ledgergate_worker`` (or a
member of it) decides nothing, and so can't write that somebody decided.
"""

from django.db import migrations, models

WHAT_STOOD = """
INSERT INTO directory_historyentry (at, event, subject_type, subject_id, detail)
SELECT statement_timestamp(), 'signatures.began', 'directory.company', 0, jsonb_build_object('held', coalesce(
           jsonb_agg(jsonb_build_array(id, user_id) ORDER BY id) FILTER (WHERE can_push_to_accounting), '[]'))
    FROM directory_companymembership HAVING count(*) > 0;
"""

FORWARD = """
CREATE FUNCTION history_is_written_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.event = 'signatures.began' THEN
        RAISE EXCEPTION 'history: % was written once, at the upgrade', NEW.event
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- A superuser is a member of every role.
    IF NEW.event IN ('submission.accepted', 'submission.adopted', 'export.retried', 'export.followed',
                     'export.resumed', 'export.attested_none', 'privilege.granted')
            AND to_regrole('ledgergate_worker') IS NOT NULL
            AND pg_has_role('ledgergate_worker', 'MEMBER')
            AND (to_regrole('ledgergate_web') IS NULL OR NOT pg_has_role('ledgergate_web', 'MEMBER')) THEN
        RAISE EXCEPTION 'history: a worker decides nothing, % is refused', NEW.event
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.id := nextval(pg_get_serial_sequence(TG_RELID::regclass::text, 'id'));
    NEW.at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER history_is_written_now
    BEFORE INSERT ON directory_historyentry
    FOR EACH ROW EXECUTE FUNCTION history_is_written_now();

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION history_is_written_now() SET search_path = pg_catalog, %I, pg_temp',
                   current_schema());
END
$$;
"""

BACKWARD = """
DROP TRIGGER history_is_written_now ON directory_historyentry;
DROP FUNCTION history_is_written_now();
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0007_confirmation_is_asked")]

    operations = [
        migrations.AddField(
            model_name="companymembership",
            name="signed_grant",
            field=models.JSONField(
                editable=False, help_text="What web signed when the privilege was granted.", null=True
            ),
        ),
        migrations.RunSQL(WHAT_STOOD + FORWARD, BACKWARD),
    ]
