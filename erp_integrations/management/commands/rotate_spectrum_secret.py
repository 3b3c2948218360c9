"""For the operator: replaces the client secret of a hosted site's connection before it expires."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from erp_integrations.connections import secret_rotation
from erp_integrations.models import Connection


class Command(BaseCommand):
    help = "Have Spectrum make a new client secret for a connection, and keep it encrypted."

    def add_arguments(self, parser: CommandParser) -> None:
        """The connection's number, as in the address of its page: two companies may use one name."""
        parser.add_argument("connection", type=int, help="the connection's number")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what is known; ends with an error unless a new secret is in place."""
        connection = Connection.objects.select_related("company").filter(pk=options["connection"]).first()
        if connection is None:
            known = ", ".join(f"{each.pk} ({each})" for each in Connection.objects.order_by("pk"))
            raise CommandError(f"There is no such connection. There are: {known or 'none'}.")
        result = secret_rotation.rotate(connection=connection, by=None)
        if not result.done:
            raise CommandError(result.sentence)
        self.stdout.write(result.sentence)
