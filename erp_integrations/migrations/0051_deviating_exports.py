"""What differs in Spectrum waits for a person too. The new index also answers what a process of before asks."""

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
        RemoveIndexConcurrently(model_name="exportjob", name="unfinished_export_jobs"),
    ]
