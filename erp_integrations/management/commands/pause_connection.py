"""For maintenance: nothing is sent on a connection until ``resume_connection``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from erp_integrations.connections import pauses
from erp_integrations.models import Connection


class Command(BaseCommand):
    help = "Pause a connection. Accepted commitments wait; an export that has begun is finished."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "connection", type=int, help="Its number, as `manage.py exports status` shows it."
        )
        parser.add_argument("reason", help="Shown to approvers.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            connection = Connection.objects.get(pk=options["connection"])
            pauses.pause(connection=connection, by=None, reason=options["reason"])
        except (Connection.DoesNotExist, pauses.PauseError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{connection.name} is paused.")
