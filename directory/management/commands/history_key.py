"""The key that signs the checkpoints of the history: its public half, or a new one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from directory.history import checkpoints


class Command(BaseCommand):
    help = (
        "Print the public key that verifies checkpoints; with --new, a new private key for the environment."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new", action="store_true", help="make a new HISTORY_SIGNING_KEY and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(checkpoints.new_key() if options["new"] else checkpoints.public_key())
