from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0016_connection_settings")]

    operations = [migrations.RemoveField(model_name="connection", name="success_codes")]
