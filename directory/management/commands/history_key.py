"""The keys that sign checkpoints of the history, and decisions: a public half, or a new one."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from directory.history import checkpoints


class Command(BaseCommand):
    requires_system_checks = ()  # they complain of the keys that it makes
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
            return
        name = "DECISION_SIGNING_KEY" if options["decisions"] else "HISTORY_SIGNING_KEY"
        try:
            self.stdout.write(checkpoints.get_public_key(getattr(settings, name)))
        except checkpoints.InvalidKey as problem:
            raise CommandError(f"{name}: {problem}") from problem
