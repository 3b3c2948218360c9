from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def create_settings(apps: Any, schema_editor: Any) -> None:
    """What a connection counted as written so far, it still does."""
    settings = apps.get_model("erp_integrations", "ConnectionSettings")
    for connection in apps.get_model("erp_integrations", "Connection").objects.only("pk", "success_codes"):
        settings.objects.create(
            connection=connection, success_rule="codes", success_codes=connection.success_codes
        )


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0015_fixed_price_units")]

    operations = [
        migrations.CreateModel(
            name="ConnectionSettings",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="settings",
                        serialize=False,
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "success_rule",
                    models.CharField(
                        choices=[
                            ("unknown", "Not known yet: no reply means written"),
                            ("codes", "One of the codes below"),
                            ("no_error_row", "A whole reply without an error row"),
                            ("echo", "A row that repeats the key of the record"),
                        ],
                        default="unknown",
                        max_length=12,
                        verbose_name="Written means",
                    ),
                ),
                (
                    "success_codes",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="With commas between them; the word blank stands for a row without a code.",
                        max_length=60,
                        verbose_name="Codes that mean written",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "connection settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(success_rule__in=["unknown", "codes", "no_error_row", "echo"]),
                        name="a_success_rule_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("success_rule", "codes"), _negated=True),
                            models.Q(("success_codes", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="a_rule_by_codes_names_codes",
                    ),
                ],
            },
        ),
        migrations.RunPython(create_settings, migrations.RunPython.noop),
    ]
