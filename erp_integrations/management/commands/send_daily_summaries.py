"""The ERP Integrations Daily Summary on demand; workers do it by themselves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from erp_integrations.emails import daily_summaries
from notifications import sending


class Command(BaseCommand):
    help = (
        "Store and send today's ERP Integrations Daily Summary to every approver with something waiting. "
        "Whoever has today's already gets none again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", action="store_true", help="Don't wait for each person's own hour.")

    def handle(self, *args: Any, **options: Any) -> None:
        stored = daily_summaries.store_due_summaries(regardless_of_hour=options["now"])
        sending.send_due_emails()
        if stored:
            self.stdout.write(f"{stored} new {'summary' if stored == 1 else 'summaries'} for today.")
        else:
            self.stdout.write("No new summary: everyone who is due has today's already.")
