"""What differs in Spectrum waits for a person too, and what is synced can be read back once more.

The new indexes also answer what a process from before the upgrade asks.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("erp_integrations", "0050_seen")]

    operations = [
        AddIndexConcurrently(
            model_name="exportjob",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["queued", "exporting", "incomplete", "failed", "unknown"]),
                    models.Q(("status", "synced"), ("verification__in", ("absent", "elsewhere", "differs"))),
                    _connector="OR",
                ),
                fields=["connection", "status", "id"],
                name="jobs_for_workers_or_people",
            ),
        ),
        AddIndexConcurrently(
            model_name="exportjob",
            index=models.Index(
                condition=models.Q(
                    models.Q(
                        ("verification", "pending"),
                        ("verify_after__gt", models.F("verified_at")),
                        _connector="OR",
                    ),
                    ("status", "synced"),
                ),
                fields=["verify_after"],
                name="export_jobs_to_read_back",
            ),
        ),
        RemoveIndexConcurrently(model_name="exportjob", name="unfinished_export_jobs"),
        RemoveIndexConcurrently(model_name="exportjob", name="unverified_export_jobs"),
    ]
