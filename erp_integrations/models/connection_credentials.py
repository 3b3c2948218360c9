"""With what a connection is let in, and how the secret of a hosted site is replaced."""

from django.db import models

from erp_integrations.models.connections import Connection
from erp_integrations.models.secrets import EncryptedTextField


class ConnectionCredentials(models.Model):
    """The secrets of one connection, apart from the row that every list reads.

    They are changed under the lock of the connection.
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="credentials"
    )
    authorization_id = EncryptedTextField("Authorization_ID", blank=True, default="", db_default="")
    guid = EncryptedTextField("GUID", blank=True, default="", db_default="")
    client_secret = EncryptedTextField("Client secret", blank=True, default="", db_default="")
    previous_client_secret = EncryptedTextField(blank=True, default="", db_default="")
    client_secret_expires_on = models.DateField("Client secret expires on", null=True, blank=True)
    rotation_began_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "connection credentials"

    def __str__(self) -> str:
        return f"Credentials of {self.connection}"
