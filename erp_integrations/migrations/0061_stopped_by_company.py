"""What waits for a person at a company is listed, counted and summed from indexes alone, in the list's order."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

DEVIATING = models.Q(("status", "synced"), ("verification__in", ("absent", "elsewhere", "differs")))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("erp_integrations", "0060_company")]

    operations = [
        AddIndexConcurrently(
            model_name="exportjob",
            index=models.Index(
                fields=["company", "status", "submission"],
                condition=models.Q(
                    ("status__in", ["queued", "exporting", "incomplete", "failed", "unknown"]),
                    DEVIATING,
                    _connector="OR",
                ),
                name="unfinished_by_company",
            ),
        ),
        AddIndexConcurrently(
            model_name="exportjob",
            index=models.Index(
                fields=["company", "submission"],
                condition=models.Q(
                    ("status__in", ["incomplete", "unknown"]),
                    models.Q(
                        ("seen_at", None),
                        ("status", "synced"),
                        ("verification__in", ("absent", "elsewhere", "differs")),
                    ),
                    _connector="OR",
                ),
                name="jobs_needing_attention",
            ),
        ),
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(
                fields=["company", "id"],
                include=["project", "total", "contract_company_name"],
                condition=models.Q(("status", "awaiting")),
                name="awaiting_by_company",
            ),
        ),
        RemoveIndexConcurrently(model_name="exportjob", name="unfinished_jobs"),
        RemoveIndexConcurrently(model_name="submission", name="awaiting_submissions"),
    ]
