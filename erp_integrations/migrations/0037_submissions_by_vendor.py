"""For the checks of waiting rows: others of a vendor, refusals, and accounts in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("erp_integrations", "0036_row_checks")]

    operations = [
        AddIndexConcurrently(
            "submission",
            models.Index(
                fields=["company", "contract_company_name", "id"],
                condition=models.Q(status__in=["awaiting", "accepted"]),
                name="open_submissions_by_vendor",
            ),
        ),
        AddIndexConcurrently(
            "wireattempt",
            models.Index(fields=["id"], condition=models.Q(outcome="refused"), name="refused_wire_attempts"),
        ),
        AddIndexConcurrently("submissioncheck", models.Index(fields=["account"], name="checks_by_account")),
    ]
