"""A Contract Company may be closed, too; and of each list one may be merged into another."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0018_attachments"),
        ("directory", "0015_history_level"),
    ]

    operations = [
        migrations.AddField(
            model_name="contractcompany",
            name="closed_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="contractcompany",
            name="merged_into",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="commitments.contractcompany",
            ),
        ),
        migrations.AddField(
            model_name="costcode",
            name="merged_into",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="commitments.costcode",
            ),
        ),
        migrations.AddConstraint(
            model_name="contractcompany",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into", None), ("closed_at__isnull", False), _connector="OR"),
                name="a_merged_contractcompany_is_closed",
            ),
        ),
        migrations.AddConstraint(
            model_name="costcode",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into", None), ("closed_at__isnull", False), _connector="OR"),
                name="a_merged_costcode_is_closed",
            ),
        ),
    ]
