"""What lines that are not exported name is found by two indexes of those alone.

Each of these lines is written anew, in a transaction for each project.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# The trigger says what is written.
FORWARD = """
DO $$
DECLARE waiting bigint;
BEGIN
    FOR waiting IN SELECT id FROM directory_project LOOP
        UPDATE commitments_lineitem SET unexported_in = NULL FROM commitments_commitment AS owner
        WHERE owner.id = commitment_id AND owner.project_id = waiting AND owner.lock IN ('none', 'whole');
        COMMIT;
    END LOOP;
END
$$;
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("commitments", "0007_unexported_lines")]

    operations = [
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="lineitem",
            index=models.Index(
                condition=models.Q(("unexported_in__isnull", False)),
                fields=["unexported_in", "cost_code", "cost_type"],
                name="used_codes",
            ),
        ),
        AddIndexConcurrently(
            model_name="lineitem",
            index=models.Index(
                condition=models.Q(("unexported_in__isnull", False)),
                fields=["unexported_in", "unit_of_measure"],
                name="used_units",
            ),
        ),
        migrations.RunSQL("VACUUM (ANALYZE) commitments_lineitem", migrations.RunSQL.noop),
    ]
