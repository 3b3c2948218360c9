"""What workers write of a connection stands in a row of its own.

A worker of the release before that still runs finds its lease no more, so that its next call does not leave.
"""

import django.db.models.deletion
from django.db import migrations, models

MOVED = (
    *("lease_holder", "lease_until", "lease_attempt", "not_before", "fault", "awaits_probe", "can_adopt"),
    *("failed_probes", "descriptions_checked_at"),
)
COPY = """
    INSERT INTO erp_integrations_connectionstate (
        connection_id,
        lease_holder, lease_until, lease_attempt, not_before, fault, awaits_probe, can_adopt,
        failed_probes, descriptions_checked_at
    )
    SELECT
        id,
        lease_holder, lease_until, lease_attempt, not_before, fault, awaits_probe, can_adopt,
        failed_probes, descriptions_checked_at
    FROM erp_integrations_connection
"""


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0032_vacuum"),
    ]

    operations = [
        # First, because it locks the table: no lease is renewed between the copy and the end of its columns.
        migrations.RemoveConstraint(model_name="connection", name="a_lease_has_a_holder_and_an_end"),
        migrations.RemoveConstraint(model_name="connection", name="a_stopped_connection_is_probed_again"),
        migrations.CreateModel(
            name="ConnectionState",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="erp_integrations.connection",
                    ),
                ),
                ("lease_holder", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("lease_attempt", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("fault", models.CharField(blank=True, db_default="", default="", max_length=1000)),
                (
                    "awaits_probe",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Stopped: nothing is sent before a probe has succeeded.",
                    ),
                ),
                (
                    "can_adopt",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="A person may say yes to the site's present descriptions.",
                    ),
                ),
                (
                    "failed_probes",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="In a row."),
                ),
                (
                    "descriptions_checked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the site's descriptions were last seen to be the kept ones.",
                        null=True,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_holder", ""), ("lease_until", None)),
                            models.Q(
                                models.Q(("lease_holder", ""), _negated=True),
                                models.Q(("lease_until", None), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="a_lease_has_a_holder_and_an_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("awaits_probe", False), ("not_before__isnull", False), _connector="OR"
                        ),
                        name="a_stopped_connection_is_probed_again",
                    ),
                ]
            },
        ),
        migrations.RunSQL(COPY, migrations.RunSQL.noop),
        *(migrations.RemoveField(model_name="connection", name=name) for name in MOVED),
    ]
