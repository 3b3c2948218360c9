"""What was written anew has no statistics and no visibility map, and is read from end to end without them."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # as VACUUM must be; running it again does no harm

    dependencies = [
        ("commitments", "0006_search"),
        ("erp_integrations", "0031_search"),
    ]

    operations = [
        migrations.RunSQL("VACUUM (ANALYZE) commitments_commitment", migrations.RunSQL.noop),
        migrations.RunSQL("VACUUM (ANALYZE) erp_integrations_submission", migrations.RunSQL.noop),
    ]
