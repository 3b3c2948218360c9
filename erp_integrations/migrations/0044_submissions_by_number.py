"""The submissions with one number are found without the others."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("erp_integrations", "0043_money_invalidates_checks")]

    operations = [
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(fields=["company", "number", "id"], name="submissions_by_number"),
        ),
    ]
