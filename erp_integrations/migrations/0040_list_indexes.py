"""For the list's search: by who sent it, and by its amount."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("erp_integrations", "0039_saved_filters")]

    operations = [
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(fields=["company", column], name=name),
        )
        for column, name in (("sent_by", "submissions_by_sender"), ("total", "submissions_by_total"))
    ]
