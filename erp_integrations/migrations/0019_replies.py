from typing import Any

from django.db import migrations, models

OVER = ("synced", "cancelled")


def keep_the_rule(apps: Any, schema_editor: Any) -> None:
    """What is accepted and not over yet keeps what its connection says now."""
    jobs = apps.get_model("erp_integrations", "ExportJob").objects.exclude(status__in=OVER)
    for rules in apps.get_model("erp_integrations", "ConnectionSettings").objects.all():
        jobs.filter(connection=rules.pk).update(
            success_rule=rules.success_rule, success_codes=rules.success_codes
        )


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0018_sites")]

    operations = [
        migrations.AddField(
            model_name="exportjob",
            name="success_codes",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="success_rule",
            field=models.CharField(
                choices=[
                    ("unknown", "Not known yet: no reply means written"),
                    ("codes", "One of the codes below"),
                    ("no_error_row", "A whole reply without an error row"),
                    ("echo", "A row that repeats the key of the record"),
                ],
                db_default="unknown",
                default="unknown",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="wireattempt",
            name="status",
            field=models.PositiveSmallIntegerField(
                help_text="The HTTP status of a whole reply that nobody could tell a yes or a no from.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="wireattempt",
            name="was_absent",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Read before it left, nothing was there of the call.",
            ),
        ),
        migrations.AddField(
            model_name="wireattempt",
            name="shown_at",
            field=models.DateTimeField(
                help_text="When read-back showed that the call is written, of which nobody knew.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="wireattempt",
            index=models.Index(
                condition=models.Q(("shown_at__isnull", False)),
                fields=["call"],
                name="read_back_wire_attempts",
            ),
        ),
        migrations.AddConstraint(
            model_name="exportjob",
            constraint=models.CheckConstraint(
                condition=models.Q(success_rule__in=["unknown", "codes", "no_error_row", "echo"]),
                name="a_jobs_success_rule_is_known",
            ),
        ),
        migrations.RunPython(keep_the_rule, migrations.RunPython.noop),
    ]
