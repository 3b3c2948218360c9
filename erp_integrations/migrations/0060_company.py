"""Holds, export jobs, their calls and attempts say whose they are, as commitments do (commitments 0021)."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

add_column, fill_column = (
    getattr(import_module("commitments.migrations.0021_company"), name)
    for name in ("add_column", "fill_column")
)

TRIGGER = """
CREATE OR REPLACE FUNCTION {model}_is_of_a_company() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE owner bigint := (SELECT company_id FROM {parent} WHERE id = NEW.{key});
BEGIN
    IF NEW.company_id <> owner THEN
        RAISE EXCEPTION '% is of another company than what it belongs to', TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    NEW.company_id := owner;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER is_of_a_company BEFORE INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION {model}_is_of_a_company();

CREATE OR REPLACE TRIGGER stays_with_the_company BEFORE UPDATE OF company_id, {key} ON {table}
    FOR EACH ROW WHEN ((OLD.company_id, OLD.{key}) IS DISTINCT FROM (NEW.company_id, NEW.{key}))
    EXECUTE FUNCTION {model}_is_of_a_company();
"""
STAYS = """
CREATE OR REPLACE TRIGGER the_company_stays BEFORE UPDATE OF company_id ON erp_integrations_connection
    FOR EACH ROW WHEN (OLD.company_id <> NEW.company_id) EXECUTE FUNCTION the_company_stays();
"""
SUBMISSION = ("submission", "project_id", "directory_project")
"""It has the column already."""
NEW = (
    ("erpidhold", "connection_id", "erp_integrations_connection"),
    ("exportjob", "submission_id", "erp_integrations_submission"),
    ("exportcall", "job_id", "erp_integrations_exportjob"),
    ("wireattempt", "call_id", "erp_integrations_exportcall"),
)
# Of each a rule's index begins with the same column.
INDEXES = (
    ("erp_integrations_erpidhold_connection_id_c9c9f87f", "erp_integrations_erpidhold (connection_id)"),
    ("erp_integrations_exportcall_job_id_1797dbe3", "erp_integrations_exportcall (job_id)"),
    ("erp_integrations_wireattempt_call_id_7d83b552", "erp_integrations_wireattempt (call_id)"),
)
UNFINISHED = """erp_integrations_exportjob ({}, status, id) WHERE
    status IN ('queued', 'exporting', 'incomplete', 'failed', 'unknown')
    OR (status = 'synced' AND verification IN ('absent', 'elsewhere', 'differs'))
"""


def refuse_others(model: str, key: str, parent: str) -> str:
    return TRIGGER.format(model=model, table=f"erp_integrations_{model}", key=key, parent=parent)


FORWARD = [
    STAYS,
    refuse_others(*SUBMISSION),
    *(
        statement
        for model, key, parent in NEW
        for statement in (
            add_column(f"erp_integrations_{model}"),
            refuse_others(model, key, parent),
            *fill_column(f"erp_integrations_{model}", key, parent),
        )
    ),
    *(f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for name, _ in INDEXES),
    "DROP INDEX CONCURRENTLY IF EXISTS unfinished_jobs",  # of a run that ended half-way
    f"CREATE INDEX CONCURRENTLY unfinished_jobs ON {UNFINISHED.format('company_id')}",
    "DROP INDEX CONCURRENTLY IF EXISTS jobs_for_workers_or_people",
]
BACKWARD = [
    f"CREATE INDEX CONCURRENTLY jobs_for_workers_or_people ON {UNFINISHED.format('connection_id')}",
    *(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}" for name, columns in INDEXES),
    *(f"DROP FUNCTION {model}_is_of_a_company() CASCADE" for model, *_ in (SUBMISSION, *NEW)),
    "DROP TRIGGER the_company_stays ON erp_integrations_connection",
    *(f"ALTER TABLE erp_integrations_{model} DROP COLUMN company_id" for model, *_ in NEW),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("commitments", "0021_company"), ("erp_integrations", "0059_take_over_tries")]

    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                *(
                    migrations.AddField(
                        model_name=model,
                        name="company",
                        field=models.ForeignKey(
                            db_constraint=False,
                            db_default=models.Value(None),
                            db_index=False,
                            editable=False,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to="directory.company",
                        ),
                    )
                    for model, *_ in NEW
                ),
                *(
                    migrations.AlterField(
                        model_name=model,
                        name=name,
                        field=models.ForeignKey(
                            db_index=False,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name=related,
                            to=f"erp_integrations.{to}",
                        ),
                    )
                    for model, name, related, to in (
                        ("erpidhold", "connection", "erp_id_holds", "connection"),
                        ("exportcall", "job", "calls", "exportjob"),
                        ("wireattempt", "call", "wire_attempts", "exportcall"),
                    )
                ),
                migrations.AddIndex(
                    model_name="exportjob",
                    index=models.Index(
                        fields=["company", "status", "id"],
                        condition=models.Q(
                            ("status__in", ["queued", "exporting", "incomplete", "failed", "unknown"]),
                            models.Q(
                                ("status", "synced"), ("verification__in", ("absent", "elsewhere", "differs"))
                            ),
                            _connector="OR",
                        ),
                        name="unfinished_jobs",
                    ),
                ),
                migrations.RemoveIndex(model_name="exportjob", name="jobs_for_workers_or_people"),
            ],
        ),
    ]
