"""The submissions with one number are found without the others."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("erp_integrations", "0035_statistics")]

    operations = [
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(fields=["company", "number", "id"], name="submissions_by_number"),
        ),
    ]
