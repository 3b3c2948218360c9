"""The newest commitments of a contract company are found without the others."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("commitments", "0010_committed_amounts_index")]

    operations = [
        AddIndexConcurrently(
            model_name="commitment",
            index=models.Index(fields=["contract_company", "id"], name="by_contract_company"),
        ),
        # Which also answers what the former index did.
        migrations.AlterField(
            model_name="commitment",
            name="contract_company",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="commitments",
                to="commitments.contractcompany",
            ),
        ),
    ]
