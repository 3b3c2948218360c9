"""A number is unique without regard to case, as Spectrum has it. Where two differ in case alone, people say
which of them gets another number: the one that was exported keeps its own.
"""

from typing import Any

from django.db import migrations, models
from django.db.models.functions import Upper

MOST_NAMED = 20


def require_no_clash(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("commitments", "Commitment").objects.exclude(number="").order_by()
    clashes = rows.values("project__name", "kind", upper=Upper("number"))
    clashes = clashes.annotate(count=models.Count("pk")).filter(count__gt=1)
    named = [f"{each['project__name']}: {each['kind']} {each['upper']}" for each in clashes[:MOST_NAMED]]
    if named:
        raise RuntimeError(
            "These numbers stand more than once in their project, but for capital and small letters. Give "
            "all but one another number (retrieve or unlink it first where it is locked), then upgrade "
            "again:\n" + "\n".join(named)
        )


class Migration(migrations.Migration):
    dependencies = [("commitments", "0014_the_contract_says")]

    operations = [
        migrations.RunPython(require_no_clash, migrations.RunPython.noop, elidable=True),
        migrations.RemoveConstraint("commitment", "a_number_is_unique_in_its_project_and_kind"),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.UniqueConstraint(
                "project",
                "kind",
                Upper("number"),
                condition=~models.Q(number=""),
                name="a_number_is_unique_in_its_project_and_kind",
            ),
        ),
    ]
