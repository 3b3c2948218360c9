"""What a person attests of a call, web writes in a table of its own, and only with that it changes the call.

A row is never changed. The role of workers writes none; the role of web changes what is known of a call only
in the transaction that attested it, one way or the other. Without it web may plan calls, plan them again under
another key with what is known of each, or say that nobody knows of one that was being sent.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

WEB = """to_regrole('ledgergate_web') IS NOT NULL AND pg_has_role('ledgergate_web', 'MEMBER')
        AND (to_regrole('ledgergate_worker') IS NULL OR NOT pg_has_role('ledgergate_worker', 'MEMBER'))"""
WORKER = """to_regrole('ledgergate_worker') IS NOT NULL AND pg_has_role('ledgergate_worker', 'MEMBER')
        AND (to_regrole('ledgergate_web') IS NULL OR NOT pg_has_role('ledgergate_web', 'MEMBER'))"""
# A superuser is a member of both.

FORWARD = f"""
CREATE TRIGGER attestations_are_append_only
    BEFORE UPDATE OR DELETE ON erp_integrations_attestation
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only();

CREATE TRIGGER attestations_are_never_emptied
    BEFORE TRUNCATE ON erp_integrations_attestation
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();

CREATE FUNCTION attestations_are_written_by_web() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {WORKER} THEN
        RAISE EXCEPTION 'a worker attests nothing: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.at := transaction_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER attestations_are_written_by_web
    BEFORE INSERT ON erp_integrations_attestation
    FOR EACH ROW EXECUTE FUNCTION attestations_are_written_by_web();

CREATE FUNCTION web_changes_calls_that_are_attested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ({WEB}) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'planned' THEN
            RETURN NEW;
        END IF;
    ELSIF (NEW.id, NEW.job_id, NEW.plan_round, NEW.position) = (OLD.id, OLD.job_id, OLD.plan_round, OLD.position) THEN
        IF NEW.state = OLD.state OR (OLD.state = 'sending' AND NEW.state = 'unknown') THEN
            RETURN NEW;
        END IF;
        IF NEW.state IN ('written', 'planned', 'not_found', 'gone') AND EXISTS (
            SELECT FROM erp_integrations_attestation
            WHERE call_id = NEW.id AND at = transaction_timestamp() AND is_there = (NEW.state = 'written')
        ) THEN
            RETURN NEW;
        END IF;
        -- Planned again, it keeps what was known of it.
        IF OLD.state = 'planned' AND NEW.state <> 'written' AND EXISTS (
            SELECT FROM erp_integrations_exportcall
            WHERE job_id = NEW.job_id AND plan_round = NEW.plan_round - 1 AND position = NEW.position
              AND state = NEW.state
        ) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what Spectrum holds of a call is written by workers, and nobody attested: % is refused', NEW.state
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER web_changes_calls_that_are_attested
    BEFORE INSERT OR UPDATE ON erp_integrations_exportcall
    FOR EACH ROW EXECUTE FUNCTION web_changes_calls_that_are_attested();

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['attestations_are_written_by_web', 'web_changes_calls_that_are_attested'] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp', name, current_schema());
    END LOOP;
    FOR name IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = 'erp_integrations_attestation'
          AND grantee NOT IN (current_user, 'PUBLIC')
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON erp_integrations_attestation FROM %I', name);
    END LOOP;
    REVOKE UPDATE, DELETE, TRUNCATE ON erp_integrations_attestation FROM PUBLIC;
END
$$;
"""  # nosec B608  # the two conditions above, and nothing that anybody typed

BACKWARD = """
DROP TRIGGER web_changes_calls_that_are_attested ON erp_integrations_exportcall;
DROP FUNCTION web_changes_calls_that_are_attested();
DROP TRIGGER attestations_are_written_by_web ON erp_integrations_attestation;
DROP FUNCTION attestations_are_written_by_web();
DROP TRIGGER attestations_are_append_only ON erp_integrations_attestation;
DROP TRIGGER attestations_are_never_emptied ON erp_integrations_attestation;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0002_history_is_append_only"),
        ("erp_integrations", "0026_second_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Attestation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_there", models.BooleanField(help_text="Whether Spectrum has it.")),
                ("read_back", models.BooleanField()),
                ("statement", models.TextField(blank=True, help_text="The person's words.")),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="The database's time of the transaction.",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attestations",
                        to="erp_integrations.exportcall",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("read_back", True), models.Q(("statement", ""), _negated=True), _connector="OR"
                        ),
                        name="an_attestation_was_read_back_or_is_in_words",
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
