"""Those on their way, by project, for the first page of a person with many projects."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0015_numbers_in_any_case"),
        ("directory", "0015_history_level"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="commitment",
            index=models.Index(
                condition=models.Q(
                    (
                        "badge__in",
                        (
                            *("awaiting", "exporting", "rejected", "failed", "needs_attention"),
                            *("retrieved", "unlinked"),
                        ),
                    )
                ),
                fields=["project", "badge"],
                name="in_motion_by_project",
            ),
        ),
    ]
