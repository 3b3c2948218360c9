"""After ``pause_connection``: what waits is sent."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from erp_integrations.connections import pauses
from erp_integrations.models import Connection


class Command(BaseCommand):
    help = "Resume a paused connection."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "connection", type=int, help="Its number, as `manage.py exports status` shows it."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            connection = Connection.objects.get(pk=options["connection"])
            pauses.resume(connection=connection, by=None)
        except (Connection.DoesNotExist, pauses.PauseError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{connection.name} is resumed.")
