"""A project's commitments are searched by the beginnings of their words. It writes every commitment anew."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0005_plans"),
        ("directory", "0011_search"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="commitment",
            index=models.Index(fields=["project", "id"], name="commitments_by_project"),
        ),
        migrations.AlterField(
            model_name="commitment",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="commitments",
                to="directory.project",
            ),
        ),
        migrations.AddField(
            model_name="commitment",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func("project_id", "number", "title", "erp_id", function="search_words"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="commitment",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["search"], name="commitments_by_word"
            ),
        ),
    ]
