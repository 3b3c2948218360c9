"""The rest of a contract, which is not exported, and whether it is executed."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0013_line_without_amount"),
        ("directory", "0015_history_level"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="commitment",
            name="completion_date",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="commitment",
            name="delivery_date",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="commitment",
            name="exclusions",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="commitment",
            name="executed",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="commitment",
            name="executed_date",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="commitment",
            name="inclusions",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="commitment",
            name="ship_to",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="commitment",
            name="start_date",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="commitment",
            name="terms",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(("executed", True), ("executed_date", None), _connector="OR"),
                name="an_executed_date_is_of_an_executed_one",
            ),
        ),
    ]
