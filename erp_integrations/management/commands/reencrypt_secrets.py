"""After a new key was put in front of FIELD_ENCRYPTION_KEYS: writes every stored secret with it."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from directory import history
from directory.accounts import two_step
from erp_integrations.events import ErpEvent
from erp_integrations.models import ConnectionCredentials
from erp_integrations.models.secrets import list_secret_fields


class Command(BaseCommand):
    help = (
        "Encrypt the secrets of connections and of two-step verification with the first of "
        "FIELD_ENCRYPTION_KEYS. Safe to run at any time."
    )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        rows = ConnectionCredentials.objects.select_for_update(of=("connection", "self"))
        credentials = rows.select_related("connection__company").order_by("pk")
        for each in credentials:
            each.save(update_fields=list_secret_fields(ConnectionCredentials))
            event, connection = ErpEvent.CONNECTION_SECRETS_REENCRYPTED, each.connection
            history.record(event=event, subject=connection, by=None, company=connection.company)
        people = two_step.rotate_secret_encryption()
        self.stdout.write(
            f"{len(credentials)} connections and {people} people's two-step verification use the first key. "
            "The older keys can go."
        )
