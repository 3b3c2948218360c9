"""Once the database was put back to an older copy: nothing is sent before an operator has said so."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from directory.history.checkpoints import InvalidKey
from erp_integrations.connections import watermark
from erp_integrations.exports import after_restore
from erp_integrations.models import Connection


class Command(BaseCommand):
    help = (
        "Record that an older copy of the database was restored, and why, signed in the history. Prints "
        "what waits, compared with Spectrum; then connections can be resumed. See docs/operations/restore.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="What happened, and which copy it is.")
        parser.add_argument(
            "--anyway", action="store_true", help="Also where nothing is known that this database does not."
        )
        parser.add_argument("--list", action="store_true", help="Only compare and print, once more.")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = options["reason"].strip()
        if not any(character.isalnum() for character in reason):
            raise CommandError("Give a reason. It is kept in the history.")
        try:
            for sentence in watermark.find_losses():
                self.stdout.write(sentence)
            if not options["list"]:
                after_restore.confirm_restore(reason=reason, anyway=options["anyway"])
        except (
            after_restore.NothingLost,
            after_restore.StillLeased,
            watermark.WatermarkUnavailable,
            InvalidKey,
        ) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write("Commitments compared with Spectrum:")
        for submission, sentence in after_restore.compare_waiting():
            self.stdout.write(f"  submission {submission.pk} {submission.number}: {sentence}")
        self.stdout.write("An approver decides on each; what is not in Spectrum is sent once this is done:")
        for connection in Connection.objects.exclude(paused_at=None):
            self.stdout.write(f"  manage.py resume_connection {connection.pk}  ({connection})")
