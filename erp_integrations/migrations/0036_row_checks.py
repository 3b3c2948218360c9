"""Each waiting submission has a check, and the database notes every write that such a check rests on."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import erp_integrations.models.row_checks

SCOPES = {
    # Table: what a change of it is noted under, and the columns of which a change counts; none: any.
    "erp_integrations_joblink": (["project:{project_id}", "job:{connection_id}:{job_number}"], ""),
    "erp_integrations_vendorlink": (
        ["contract_company:{contract_company_id}", "vendor-code:{connection_id}:{vendor_code}"],
        "",
    ),
    "erp_integrations_costtypeaccount": (["connection:{connection_id}"], ""),
    "erp_integrations_unitlink": (["connection:{connection_id}"], ""),
    "erp_integrations_connection": (["connection:{id}"], ""),
    "erp_integrations_connectionsettings": (["connection:{connection_id}"], ""),
    "erp_integrations_masterspull": (
        ["connection:{connection_id}"],
        "(R.vendors_at IS NULL, R.jobs_at IS NULL, R.lists_inactive_vendors)",
    ),
    "erp_integrations_erpidhold": (
        ["erp-id:{connection_id}:{vendor_code}:{erp_id}", "commitment:{commitment_id}"],
        "",
    ),
    "erp_integrations_unconfirmedchange": (["company:{company_id}"], ""),
    "erp_integrations_checkrule": (["company:{company_id}"], ""),
    "erp_integrations_vendor": (
        ["vendor-code:{connection_id}:{code}"],
        "(R.name, R.status, R.gone_at IS NULL)",
    ),
    "erp_integrations_job": (
        ["job:{connection_id}:{number}"],
        "(R.description, R.status, R.price_method, R.gone_at IS NULL, R.phases_seen_at IS NULL)",
    ),
    "commitments_contractcompany": (["company:{company_id}"], ""),
    "commitments_costtype": (["company:{company_id}"], ""),
}

FUNCTIONS = """
CREATE FUNCTION check_is_current(scopes text[], seen pg_snapshot, checked timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    -- A snapshot that is ahead of this database is another one's, which this is a copy of.
    SELECT scopes <> '{}' AND checked > now() - interval '25 hours'
        AND pg_snapshot_xmax(seen) <= pg_snapshot_xmax(pg_current_snapshot())
        AND NOT EXISTS (
            SELECT FROM erp_integrations_checkinvalidation i
            WHERE i.scope = ANY (scopes) AND NOT pg_visible_in_snapshot(i.transaction, seen)
        )
$$;

CREATE FUNCTION note_invalidation(VARIADIC noted text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO erp_integrations_checkinvalidation (scope, transaction)
    SELECT DISTINCT each, pg_current_xact_id() FROM unnest(noted) AS each ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION invalidate_checks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    record jsonb;
    template text;
    part text;
    noted text[] := '{}';
BEGIN
    FOREACH record IN ARRAY ARRAY[
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    ] LOOP
        CONTINUE WHEN record IS NULL;
        FOREACH template IN ARRAY TG_ARGV LOOP
            FOR part IN SELECT (regexp_matches(template, '{(\\w+)}', 'g'))[1] LOOP
                template := replace(template, '{' || part || '}', upper(trim(record ->> part)));
            END LOOP;
            noted := noted || template;
        END LOOP;
    END LOOP;
    PERFORM note_invalidation(VARIADIC noted);
    RETURN NULL;
END
$$;

CREATE FUNCTION invalidate_checks_of_a_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_invalidation(format('job:%s:%s', connection_id, upper(trim(number))))
    FROM erp_integrations_job WHERE id = NEW.job_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION invalidate_checks_of_a_submission() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_invalidation(
        'commitment:' || NEW.commitment_id,
        'project:' || NEW.project_id,
        format('vendor:%s:%s', NEW.company_id, NEW.contract_company_name),
        format('total:%s:%s', NEW.company_id, NEW.total)
    );
    IF NEW.status = 'awaiting' THEN
        INSERT INTO erp_integrations_submissioncheck (submission_id) VALUES (NEW.id)
        ON CONFLICT (submission_id) DO UPDATE SET checked_at = NULL;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION invalidate_checks_of_a_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_invalidation('commitment:' || s.commitment_id)
    FROM erp_integrations_exportjob j JOIN erp_integrations_submission s ON s.id = j.submission_id
    WHERE j.id = NEW.job_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION invalidate_checks_of_a_refusal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_invalidation('refusals:' || j.connection_id)
    FROM erp_integrations_exportcall c JOIN erp_integrations_exportjob j ON j.id = c.job_id
    WHERE c.id = NEW.call_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER invalidate_checks AFTER INSERT OR UPDATE OF status, restored_at ON erp_integrations_submission
    FOR EACH ROW EXECUTE FUNCTION invalidate_checks_of_a_submission();
CREATE TRIGGER invalidate_checks AFTER UPDATE OF state ON erp_integrations_exportcall
    FOR EACH ROW WHEN (NEW.state = 'gone' AND OLD.state <> 'gone')
    EXECUTE FUNCTION invalidate_checks_of_a_call();
CREATE TRIGGER invalidate_checks AFTER INSERT OR UPDATE OF outcome ON erp_integrations_wireattempt
    FOR EACH ROW WHEN (NEW.outcome = 'refused') EXECUTE FUNCTION invalidate_checks_of_a_refusal();
CREATE TRIGGER invalidate_checks_on_insert AFTER INSERT ON erp_integrations_phase
    FOR EACH ROW EXECUTE FUNCTION invalidate_checks_of_a_job();
CREATE TRIGGER invalidate_checks AFTER UPDATE ON erp_integrations_phase
    FOR EACH ROW WHEN (
        (OLD.status, OLD.description, OLD.billing_item, OLD.unit_of_measure, OLD.price_method, OLD.gone_at IS NULL)
        IS DISTINCT FROM
        (NEW.status, NEW.description, NEW.billing_item, NEW.unit_of_measure, NEW.price_method, NEW.gone_at IS NULL)
    ) EXECUTE FUNCTION invalidate_checks_of_a_job();

INSERT INTO erp_integrations_submissioncheck (submission_id)
    SELECT id FROM erp_integrations_submission WHERE status = 'awaiting';

DO $$
DECLARE made regprocedure;
BEGIN
    FOR made IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
          AND (proname LIKE 'invalidate\\_checks%' OR proname IN ('check_is_current', 'note_invalidation'))
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', made, current_schema());
    END LOOP;
END
$$;
"""


def build_triggers() -> str:
    statements = []
    for table, (scopes, counted) in SCOPES.items():
        arguments = ", ".join(f"'{scope}'" for scope in scopes)
        execute = f"FOR EACH ROW %s EXECUTE FUNCTION invalidate_checks({arguments});"
        old, new = (counted or "R.*").replace("R.", "OLD."), (counted or "R.*").replace("R.", "NEW.")
        statements += [
            f"CREATE TRIGGER invalidate_checks AFTER INSERT OR DELETE ON {table} {execute % ''}",
            f"CREATE TRIGGER invalidate_checks_on_update AFTER UPDATE ON {table} "
            + execute % f"WHEN ({old} IS DISTINCT FROM {new})",
        ]
    return "\n".join(statements)


def build_reverse() -> str:
    return "\n".join(
        f"DROP FUNCTION {name} CASCADE;"
        for name in (
            "check_is_current",
            "invalidate_checks",
            "invalidate_checks_of_a_job",
            "invalidate_checks_of_a_submission",
            "invalidate_checks_of_a_call",
            "invalidate_checks_of_a_refusal",
            "note_invalidation",
        )
    )


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0014_drafts"),
        ("erp_integrations", "0035_statistics"),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckInvalidation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scope", models.TextField()),
                ("transaction", erp_integrations.models.row_checks.TransactionField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("scope", "transaction"), name="a_transaction_invalidates_a_scope_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SubmissionCheck",
            fields=[
                (
                    "submission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="row_check",
                        serialize=False,
                        to="erp_integrations.submission",
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[("clean", "Clean"), ("look", "Look"), ("blocked", "Blocked")],
                        db_default="",
                        default="",
                        max_length=8,
                    ),
                ),
                ("headline", models.TextField(blank=True, db_default="", default="")),
                ("issues", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
                ("basis_hash", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("erp_id", models.CharField(blank=True, db_default="", default="", max_length=30)),
                ("account", models.CharField(blank=True, db_default="", default="", max_length=40)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), db_default=[], default=list, size=None
                    ),
                ),
                ("seen", erp_integrations.models.row_checks.SnapshotField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["scopes"], name="checks_by_scope"),
                    models.Index(
                        condition=models.Q(("scopes", []), _negated=True),
                        fields=["checked_at"],
                        name="checks_by_age",
                    ),
                    models.Index(
                        condition=models.Q(("checked_at", None)), fields=["submission"], name="due_checks"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["", "clean", "look", "blocked"])),
                        name="a_verdict_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("checked_at", None),
                            models.Q(("seen__isnull", False), models.Q(("verdict", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="a_check_says_what_it_saw",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CheckRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40)),
                ("is_on", models.BooleanField(db_default=True, default=True)),
                ("limit", models.DecimalField(decimal_places=2, max_digits=9, null=True)),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="check_rules",
                        to="directory.company",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("company", "code"), name="a_rule_is_set_once_in_a_company"
                    )
                ],
            },
        ),
        migrations.RunSQL(FUNCTIONS + build_triggers(), build_reverse()),
    ]
