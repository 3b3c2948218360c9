"""The last way out where nobody in a company may decide: the operator exempts an approver once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from directory.management.commands.erase_person import get_person_by_address
from erp_integrations import submissions
from erp_integrations.models import Submission


class Command(BaseCommand):
    help = (
        "Let an accounting approver decide on one commitment that they had a hand in. Everybody concerned is "
        "mailed, and the history names who ran this, and where."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--submission", type=int, required=True, help="its number, as exports status shows it"
        )
        parser.add_argument("--person", required=True, metavar="EMAIL", help="the approver")
        parser.add_argument("--reason", required=True, help="mailed, and kept in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            submission = submissions.exempt(
                submission=Submission.objects.get(pk=options["submission"]),
                person=get_person_by_address(options["person"]),
                by=None,
                reason=options["reason"],
            )
        except (Submission.DoesNotExist, submissions.DecisionError) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"{submission.exempt} may decide on {submission} once. Everybody concerned has been notified."
        )
