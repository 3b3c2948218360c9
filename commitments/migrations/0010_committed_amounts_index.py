"""What is committed on a cost code is summed from an index alone.

Each line of a locked commitment is written anew, in a transaction for each project.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# The trigger says what is written.
FORWARD = """
DO $$
DECLARE one bigint;
BEGIN
    FOR one IN SELECT id FROM directory_project LOOP
        UPDATE commitments_lineitem SET committed = NULL FROM commitments_commitment AS owner
        WHERE owner.id = commitment_id AND owner.project_id = one AND owner.lock <> 'none' AND committed IS NULL;
        COMMIT;
    END LOOP;
END
$$;
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("commitments", "0009_committed_amounts")]

    operations = [
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="lineitem",
            index=models.Index(
                fields=["cost_code", "cost_type"],
                include=["commitment", "committed"],
                condition=models.Q(("committed__isnull", False)),
                name="committed_amounts",
            ),
        ),
        migrations.RunSQL("VACUUM (ANALYZE) commitments_lineitem", migrations.RunSQL.noop),
    ]
