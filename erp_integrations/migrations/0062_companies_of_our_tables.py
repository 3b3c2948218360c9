"""Whose a row is stands in our own tables: a temporary one of the same name, which comes first in a session, is not
asked.
"""

from django.db import migrations

FUNCTIONS = (
    "a_commitment_is_of_its_projects_company",
    "line_says_where_it_waits",
    "submission_is_of_a_company",
    "erpidhold_is_of_a_company",
    "exportjob_is_of_a_company",
    "exportcall_is_of_a_company",
    "wireattempt_is_of_a_company",
)
FORWARD = """
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION {}() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("commitments", "0021_company"), ("erp_integrations", "0061_stopped_by_company")]

    operations = [
        migrations.RunSQL(FORWARD.format(name), f"ALTER FUNCTION {name}() RESET search_path")
        for name in FUNCTIONS
    ]
