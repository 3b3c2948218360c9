from django.core.management import call_command
from django.db import migrations


def create_table(apps, schema_editor):
    """The table of settings.CACHES, with the owner's rights."""
    call_command("createcachetable", "cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("directory", "0002_history_is_append_only")]

    operations = [
        migrations.RunPython(create_table, migrations.RunPython.noop),
    ]
