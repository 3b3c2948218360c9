"""The money left on a cost code is what a check rests on, too."""

from django.db import migrations

FORWARD = """
DROP TRIGGER invalidate_checks ON erp_integrations_phase;
CREATE TRIGGER invalidate_checks AFTER UPDATE ON erp_integrations_phase
    FOR EACH ROW WHEN (
        (OLD.status, OLD.description, OLD.billing_item, OLD.unit_of_measure, OLD.price_method, OLD.gone_at IS NULL,
         OLD.estimate, OLD.to_date)
        IS DISTINCT FROM
        (NEW.status, NEW.description, NEW.billing_item, NEW.unit_of_measure, NEW.price_method, NEW.gone_at IS NULL,
         NEW.estimate, NEW.to_date)
    ) EXECUTE FUNCTION invalidate_checks_of_a_job();

CREATE FUNCTION invalidate_checks_of_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_invalidation(VARIADIC ARRAY(
        SELECT DISTINCT format('job:%s:%s', link.connection_id, upper(trim(link.job_number)))
        FROM before JOIN after USING (id)
        JOIN commitments_commitment commitment ON commitment.id = after.commitment_id
        JOIN erp_integrations_joblink link ON link.project_id = commitment.project_id
        WHERE before.committed IS DISTINCT FROM after.committed
    ));
    RETURN NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION invalidate_checks_of_lines() SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END
$$;

CREATE TRIGGER invalidate_checks AFTER UPDATE ON commitments_lineitem
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION invalidate_checks_of_lines();
"""

BACKWARD = "DROP FUNCTION invalidate_checks_of_lines() CASCADE;"


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0010_committed_amounts_index"),
        ("erp_integrations", "0042_phase_money"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
