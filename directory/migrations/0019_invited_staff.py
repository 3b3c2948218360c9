from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0018_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="companymembership",
            name="is_invited",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddIndex(
            model_name="historyentry",
            index=models.Index(
                condition=models.Q(
                    ("event", "membership.removed"), ("subject_type", "directory.companymembership")
                ),
                fields=["company_id", "id"],
                name="history_of_leavers",
            ),
        ),
    ]
