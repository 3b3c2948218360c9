"""A form creates once; and lines keep their identity from here on, which needs no column."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0011_by_contract_company"),
        ("directory", "0015_history_level"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="commitment",
            name="entry_key",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("entry_key__isnull", False)),
                fields=("created_by", "project", "entry_key"),
                name="a_form_creates_once",
            ),
        ),
    ]
