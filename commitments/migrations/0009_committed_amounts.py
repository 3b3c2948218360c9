"""A line says what it commits: its amount while its commitment is locked, less what the ERP tool says was billed."""

from django.db import migrations, models

FUNCTION = """
CREATE OR REPLACE FUNCTION line_says_where_it_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {}
    RETURN NEW;
END
$$;

DROP TRIGGER lines_follow_their_commitment ON commitments_commitment;
CREATE TRIGGER lines_follow_their_commitment
    AFTER UPDATE OF lock, project_id ON commitments_commitment
    FOR EACH ROW
    WHEN (({old}, OLD.project_id) IS DISTINCT FROM ({new}, NEW.project_id))
    EXECUTE FUNCTION lines_follow_their_commitment();
"""
FORWARD = FUNCTION.format(
    """SELECT CASE WHEN lock <> 'exported' THEN project_id END,
            CASE WHEN lock <> 'none' THEN coalesce(NEW.committed, NEW.amount) END
        INTO NEW.unexported_in, NEW.committed
        FROM commitments_commitment WHERE id = NEW.commitment_id;""",
    old="OLD.lock",
    new="NEW.lock",
)
BACKWARD = FUNCTION.format(
    """NEW.unexported_in := (
        SELECT project_id FROM commitments_commitment WHERE id = NEW.commitment_id AND lock <> 'exported'
    );""",
    old="OLD.lock = 'exported'",
    new="NEW.lock = 'exported'",
)


class Migration(migrations.Migration):
    dependencies = [("commitments", "0008_unexported_line_indexes")]

    operations = [
        migrations.AddField(
            model_name="lineitem",
            name="committed",
            field=models.DecimalField(decimal_places=2, editable=False, max_digits=14, null=True),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
