"""Files that are brought in."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0019_merged_choices"),
        ("directory", "0015_history_level"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("commitments", "Commitments"),
                            ("vendors", "Contract Companies"),
                            ("projects", "Projects"),
                            ("cost_codes", "Cost codes"),
                        ],
                        max_length=20,
                    ),
                ),
                ("file_name", models.CharField(max_length=150)),
                ("content", models.BinaryField(null=True)),
                (
                    "is_large",
                    models.BooleanField(db_default=False, default=False, help_text="A worker reads it."),
                ),
                ("table", models.JSONField()),
                ("options", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("columns", "Columns"),
                            ("checking", "Being checked"),
                            ("checked", "Checked"),
                            ("rehearsing", "Being rehearsed"),
                            ("writing", "Being imported"),
                            ("done", "Imported"),
                        ],
                        db_default="columns",
                        default="columns",
                        max_length=20,
                    ),
                ),
                ("progress", models.PositiveIntegerField(db_default=0, default=0)),
                ("result", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "attempt",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="The fencing token."),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="directory.company",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["by", "company", "-id"], name="imports_by_person"),
                    models.Index(
                        condition=models.Q(("state__in", ("checking", "rehearsing", "writing"))),
                        fields=["id"],
                        name="imports_for_a_worker",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["commitments", "vendors", "projects", "cost_codes"])
                        ),
                        name="an_import_is_of_a_known_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["columns", "checking", "checked", "rehearsing", "writing", "done"])
                        ),
                        name="an_import_is_in_a_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("content__isnull", False), ("state", "done"), _connector="OR"),
                        name="an_import_keeps_its_file_until_it_is_written",
                    ),
                ],
            },
        ),
    ]
