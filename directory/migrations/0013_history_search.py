"""The history is searched by the beginnings of words: of what people and the ERP wrote, not of hashes.

A million entries take some two minutes, in which others are written all the same.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.comparison
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

FORWARD = """
CREATE OR REPLACE FUNCTION search_detail(detail jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT coalesce(string_agg(text, ' '), '')
    FROM jsonb_path_query(detail, '$.** ? (@.type() == "string")') AS value,
        CAST(value #>> '{}' AS text) AS text
    WHERE length(text) < 40 OR text ~ '[[:space:]]'
);
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("directory", "0012_privilege_index")]

    operations = [
        migrations.RunSQL(FORWARD, "DROP FUNCTION search_detail(jsonb)"),
        AddIndexConcurrently(
            model_name="historyentry",
            index=django.contrib.postgres.indexes.GinIndex(
                models.Func(
                    django.db.models.functions.comparison.Coalesce("company_id", 0),
                    models.Func("detail", function="search_detail"),
                    function="search_words",
                    output_field=django.contrib.postgres.search.SearchVectorField(),
                ),
                fastupdate=False,
                name="history_by_word",
            ),
        ),
    ]
