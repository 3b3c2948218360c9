"""What Spectrum does not show as it was accepted: a person says to have seen it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0044_submissions_by_number"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="exportjob",
            name="seen_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(model_name="exportjob", name="seen_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="exportjob",
            name="seen_reason",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddConstraint(
            model_name="exportjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("seen_at", None), ("seen_by", None), ("seen_reason", "")),
                    models.Q(
                        ("seen_at__isnull", False),
                        ("seen_by__isnull", False),
                        models.Q(("seen_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="what_was_seen_has_a_person_a_time_and_a_reason",
            ),
        ),
    ]
