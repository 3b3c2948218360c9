"""How many of a company wait is no product of two shares: nearly all of one may wait, and nothing of another."""

from django.db import migrations

STATISTICS = (
    ("submission_company_status", "company_id, status", "erp_integrations_submission"),
    ("export_job_connection_status", "connection_id, status", "erp_integrations_exportjob"),
)


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0034_connection_credentials")]

    operations = [
        migrations.RunSQL(
            f"CREATE STATISTICS {name} (dependencies, mcv) ON {columns} FROM {table}; ANALYZE {table}",
            f"DROP STATISTICS {name}",
        )
        for name, columns, table in STATISTICS
    ]
