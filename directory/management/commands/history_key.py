"""The keys that sign checkpoints of the history, and decisions: a public half, or a new one."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from directory.history import checkpoints


class Command(BaseCommand):
    help = "Print the public key that verifies checkpoints, or decisions; with --new, a new private key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new",
            action="store_true",
            help="make a new HISTORY_SIGNING_KEY or DECISION_SIGNING_KEY and change nothing",
        )
        parser.add_argument(
            "--decisions", action="store_true", help="the public half of DECISION_SIGNING_KEY instead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.stdout.write(checkpoints.create_private_key())
        elif options["decisions"]:
            self.stdout.write(checkpoints.get_public_key(settings.DECISION_SIGNING_KEY))
        else:
            self.stdout.write(checkpoints.get_own_public_key())
