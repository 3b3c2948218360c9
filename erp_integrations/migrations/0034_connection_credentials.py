"""The secrets of a connection stand in a row of their own."""

import django.db.models.deletion
from django.db import migrations, models

import erp_integrations.models.secrets

MOVED = (
    *("authorization_id", "guid", "client_secret", "previous_client_secret", "client_secret_expires_on"),
    "rotation_began_at",
)
COPY = """
    INSERT INTO erp_integrations_connectioncredentials (
        connection_id,
        authorization_id, guid, client_secret, previous_client_secret, client_secret_expires_on,
        rotation_began_at
    )
    SELECT
        id,
        authorization_id, guid, client_secret, previous_client_secret, client_secret_expires_on,
        rotation_began_at
    FROM erp_integrations_connection
"""


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0033_connection_state"),
    ]

    operations = [
        # No secret is changed between the copy and the end of its columns.
        migrations.RunSQL("LOCK TABLE erp_integrations_connection", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="ConnectionCredentials",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="credentials",
                        serialize=False,
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "authorization_id",
                    erp_integrations.models.secrets.EncryptedTextField(
                        blank=True, db_default="", default="", verbose_name="Authorization_ID"
                    ),
                ),
                (
                    "guid",
                    erp_integrations.models.secrets.EncryptedTextField(
                        blank=True, db_default="", default="", verbose_name="GUID"
                    ),
                ),
                (
                    "client_secret",
                    erp_integrations.models.secrets.EncryptedTextField(
                        blank=True, db_default="", default="", verbose_name="Client secret"
                    ),
                ),
                (
                    "previous_client_secret",
                    erp_integrations.models.secrets.EncryptedTextField(blank=True, db_default="", default=""),
                ),
                (
                    "client_secret_expires_on",
                    models.DateField(blank=True, null=True, verbose_name="Client secret expires on"),
                ),
                ("rotation_began_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "connection credentials",
            },
        ),
        migrations.RunSQL(COPY, migrations.RunSQL.noop),
        *(migrations.RemoveField(model_name="connection", name=name) for name in MOVED),
    ]
