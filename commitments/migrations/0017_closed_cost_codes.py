"""A cost code may be closed: it is offered no more, and stays on its lines."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0016_in_motion_by_project"),
    ]

    operations = [
        migrations.AddField(
            model_name="costcode",
            name="closed_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
