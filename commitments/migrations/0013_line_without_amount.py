"""A line of a draft may lack its amount."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("commitments", "0012_entry_key")]

    operations = [
        migrations.AlterField(
            model_name="lineitem",
            name="amount",
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True),
        ),
    ]
