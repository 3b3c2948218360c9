"""Privileges that stand at the upgrade stay, and wait for a confirmation: each company's history says so."""

from django.db import migrations

ASK = """
    INSERT INTO directory_historyentry (company_id, by_id, event, subject_type, subject_id, detail)
    SELECT DISTINCT company_id, NULL::bigint, 'approvers.confirmation_asked', 'directory.company', company_id,
        '{}'::jsonb
    FROM directory_companymembership WHERE can_push_to_accounting
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0006_two_step_rule")]

    operations = [migrations.RunSQL(ASK, migrations.RunSQL.noop)]
