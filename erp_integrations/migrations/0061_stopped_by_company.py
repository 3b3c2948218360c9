"""What waits for a person at a company is listed, counted and summed from indexes alone, in the list's order.

One that ends half-way is finished by running it again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

DEVIATING = models.Q(("status", "synced"), ("verification__in", ("absent", "elsewhere", "differs")))


class AddIndex(AddIndexConcurrently):
    """Anew, where a run that ended half-way had begun it: of that one nobody knows whether it is whole."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.index.name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("erp_integrations", "0060_company")]

    operations = [
        AddIndex(
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
        AddIndex(
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
        AddIndex(
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
