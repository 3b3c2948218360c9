import django.contrib.postgres.fields
from django.db import migrations, models

# As decisions.hands says it, for what is with accounting at the upgrade.
HANDS = """
    UPDATE erp_integrations_submission AS one SET hands = COALESCE((
        SELECT array_agg(DISTINCT entry.by_id)
        FROM directory_historyentry AS entry
        WHERE entry.by_id IS NOT NULL
          AND (
            entry.subject_type = 'commitments.commitment' AND entry.subject_id = one.commitment_id
              AND entry.event LIKE 'commitment.%'
            OR entry.subject_type = 'erp_integrations.submission'
              AND entry.event IN ('submission.sent', 'submission.retrieved')
              AND entry.subject_id IN (
                SELECT id FROM erp_integrations_submission WHERE commitment_id = one.commitment_id
              )
          )
          AND entry.at > COALESCE((
            SELECT max(job.synced_at) FROM erp_integrations_exportjob AS job
            JOIN erp_integrations_submission AS earlier ON earlier.id = job.submission_id
            WHERE earlier.commitment_id = one.commitment_id
          ), '-infinity')
    ), '{}')
    WHERE one.status IN ('awaiting', 'accepted')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0006_two_step_rule"),
        ("erp_integrations", "0022_plan"),
    ]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="hands",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                db_default=[],
                default=list,
                help_text="Everybody who wrote, changed, sent or retrieved it since it was last exported.",
                size=None,
            ),
        ),
        migrations.RunSQL(HANDS, migrations.RunSQL.noop),
    ]
