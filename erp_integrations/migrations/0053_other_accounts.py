from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0052_kept_reasons")]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="general_ledger_account",
            field=models.CharField(blank=True, db_default="", default="", max_length=12),
        ),
    ]
