"""Commitments and their lines say whose they are: the database writes it from what they belong to, whatever process
writes the row, refuses any other company, and moves no project to one.

Each statement is by itself, and may be run again. A table is whole before those that look at it begin: for NOT NULL
PostgreSQL waits for whoever has read a row of it that was not.
"""

import django.db.models.deletion
from django.db import migrations, models

STAYS = """
CREATE OR REPLACE FUNCTION the_company_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % is not moved to another company', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation';
END
$$;

CREATE OR REPLACE TRIGGER the_company_stays BEFORE UPDATE OF company_id ON directory_project
    FOR EACH ROW WHEN (OLD.company_id <> NEW.company_id) EXECUTE FUNCTION the_company_stays();
"""

COMMITMENT = """
CREATE OR REPLACE FUNCTION a_commitment_is_of_its_projects_company() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE owner bigint := (SELECT company_id FROM directory_project WHERE id = NEW.project_id);
BEGIN
    IF NEW.company_id <> owner THEN
        RAISE EXCEPTION 'a commitment is of the company of its project' USING ERRCODE = 'check_violation';
    END IF;
    NEW.company_id := owner;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER a_commitment_is_of_its_projects_company BEFORE INSERT ON commitments_commitment
    FOR EACH ROW EXECUTE FUNCTION a_commitment_is_of_its_projects_company();

CREATE OR REPLACE TRIGGER a_commitment_stays_with_the_company
    BEFORE UPDATE OF company_id, project_id ON commitments_commitment
    FOR EACH ROW WHEN ((OLD.company_id, OLD.project_id) IS DISTINCT FROM (NEW.company_id, NEW.project_id))
    EXECUTE FUNCTION a_commitment_is_of_its_projects_company();
"""

LINE = """
CREATE OR REPLACE FUNCTION line_says_where_it_waits() RETURNS trigger LANGUAGE plpgsql AS $$
{declare}
BEGIN
    SELECT CASE WHEN lock <> 'exported' THEN project_id END,
            CASE WHEN lock <> 'none' THEN coalesce(NEW.committed, NEW.amount) END{column}
        INTO NEW.unexported_in, NEW.committed{into}
        FROM commitments_commitment WHERE id = NEW.commitment_id;
    {check}RETURN NEW;
END
$$;
"""
WITH_COMPANY = LINE.format(
    declare="DECLARE owner bigint;",
    column=", company_id",
    into=", owner",
    check="""IF NEW.company_id <> owner THEN
        RAISE EXCEPTION 'a line is of the company of its commitment' USING ERRCODE = 'check_violation';
    END IF;
    NEW.company_id := owner;
    """,
)

UNDONE = (
    LINE.format(declare="", column="", into="", check=""),
    "DROP FUNCTION a_commitment_is_of_its_projects_company() CASCADE",
    "DROP FUNCTION the_company_stays() CASCADE",
    "ALTER TABLE commitments_lineitem DROP COLUMN company_id",
    "ALTER TABLE commitments_commitment DROP COLUMN company_id",
)

INDEX = "commitments_lineitem_commitment_id_71f1dd96"


def add_column(table: str) -> str:
    return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS company_id bigint"


def fill_column(table: str, key: str, parent: str) -> list[str]:
    """A few thousand rows in a transaction."""
    fill = f"""
DO $$
DECLARE last bigint := 0; upto bigint;
BEGIN
    LOOP
        SELECT max(id) INTO upto FROM (SELECT id FROM {table} WHERE id > last ORDER BY id LIMIT 2000) AS next;
        EXIT WHEN upto IS NULL;
        UPDATE {table} AS row SET company_id = owner.company_id FROM {parent} AS owner
        WHERE owner.id = row.{key} AND row.id > last AND row.id <= upto AND row.company_id IS NULL;
        COMMIT;
        last := upto;
    END LOOP;
END
$$
"""  # nosec B608  # of names alone
    return [
        fill,
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS has_a_company",
        f"ALTER TABLE {table} ADD CONSTRAINT has_a_company CHECK (company_id IS NOT NULL) NOT VALID",
        f"ALTER TABLE {table} VALIDATE CONSTRAINT has_a_company",
        f"ALTER TABLE {table} ALTER COLUMN company_id SET NOT NULL",
        f"ALTER TABLE {table} DROP CONSTRAINT has_a_company",
        f"VACUUM (ANALYZE) {table}",
    ]


FORWARD = [
    STAYS,
    add_column("commitments_commitment"),
    COMMITMENT,
    *fill_column("commitments_commitment", "project_id", "directory_project"),
    add_column("commitments_lineitem"),
    WITH_COMPANY,
    *fill_column("commitments_lineitem", "commitment_id", "commitments_commitment"),
    f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",  # a position's rule begins with the same column
]
BACKWARD = [
    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON commitments_lineitem (commitment_id)",
    *UNDONE,
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("commitments", "0020_imports"), ("directory", "0020_search_words")]

    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                *(
                    migrations.AddField(
                        model_name=name,
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
                    for name in ("commitment", "lineitem")
                ),
                migrations.AlterField(
                    model_name="lineitem",
                    name="commitment",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="commitments.commitment",
                    ),
                ),
            ],
        ),
    ]
