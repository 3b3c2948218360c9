"""Submissions are searched by the beginnings of their words, also those of the ERP ID, which they now repeat.

It writes every submission anew.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

# The rows stay in their order, as they would not with an UPDATE.
ERP_IDS = """
    CREATE FUNCTION read_erp_id(bigint) RETURNS varchar LANGUAGE sql STABLE AS $$
        SELECT coalesce((
            SELECT erp_id FROM erp_integrations_exportjob WHERE submission_id = $1 AND status <> 'cancelled'
        ), '')
    $$;
    ALTER TABLE erp_integrations_submission ALTER COLUMN erp_id TYPE varchar(30) USING read_erp_id(id);
    DROP FUNCTION read_erp_id(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0011_search"),
        ("erp_integrations", "0030_plans"),
    ]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="erp_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of its export job, while it has one that is not cancelled.",
                max_length=30,
                verbose_name="ERP ID",
            ),
        ),
        migrations.RunSQL(ERP_IDS, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="submission",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    "company_id",
                    "number",
                    "title",
                    "contract_company_name",
                    "erp_id",
                    function="search_words",
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["search"], name="submissions_by_word"
            ),
        ),
    ]
