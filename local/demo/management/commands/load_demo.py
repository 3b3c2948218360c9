"""`manage.py load_demo`: the demo data into an empty development database."""

import argparse
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from erp_integrations.models import Submission
from local.demo import loading
from local.demo.accounts import sign_ins


class Command(BaseCommand):
    """Loads the demo once; a second run changes nothing."""

    help = "Load the demo data into this development database, once. Its origin: local/demo/README.md."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One switch."""
        parser.add_argument(
            "--print-accounts", action="store_true", help="print the demo sign-ins, and do nothing else"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError outside development: the password of the demo is public."""
        if not settings.DEVELOPMENT:
            raise CommandError("The demo is for ENVIRONMENT=development: its password is public.")
        if options["print_accounts"]:
            self.stdout.write(sign_ins())
            return
        if loading.is_loaded():
            self.stdout.write("The demo data is there already; nothing was changed.")
            return
        begun = time.monotonic()
        commitments = loading.load()
        awaiting = Submission.objects.awaiting().count()
        self.stdout.write(
            f"Demo data loaded in {time.monotonic() - begun:.1f} s: {len(commitments)} commitments, "
            f"{awaiting} of them awaiting accounting."
        )
