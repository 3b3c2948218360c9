"""What Spectrum answered, workers write and nobody else: not web, where its database role is its own."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION answers_are_written_by_workers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A superuser is a member of every role.
    IF to_regrole('ledgergate_web') IS NOT NULL AND pg_has_role('ledgergate_web', 'MEMBER')
            AND (to_regrole('ledgergate_worker') IS NULL OR NOT pg_has_role('ledgergate_worker', 'MEMBER')) THEN
        RAISE EXCEPTION 'what Spectrum answered is written by workers: % is refused to web', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER answers_are_written_by_workers
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON erp_integrations_wireattempt
    FOR EACH STATEMENT EXECUTE FUNCTION answers_are_written_by_workers();

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION answers_are_written_by_workers() SET search_path = pg_catalog, %I, pg_temp',
                   current_schema());
END
$$;
"""

BACKWARD = """
DROP TRIGGER answers_are_written_by_workers ON erp_integrations_wireattempt;
DROP FUNCTION answers_are_written_by_workers();
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0008_decisions_are_signed"), ("erp_integrations", "0024_exemptions")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
