"""The reconciliation on demand; the workers do it by themselves every day."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from erp_integrations.models import Connection, Drift, Reconciliation, ReconciliationStatus
from erp_integrations.reconciliation import comparison, schedule

POLL_SECONDS = 1.0  # seconds, while a worker has the run


class Command(BaseCommand):
    help = (
        "Compare every synced commitment with Spectrum, and say how many drift. "
        "Ends with an error if a connection can't be checked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--company", metavar="SLUG", help="Only this company's connections.")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = Connection.objects.filter(server__in=settings.INFO_LINKS).order_by("pk")
        if options["company"]:
            connections = connections.filter(company__slug=options["company"])
        if not connections:
            raise CommandError("No connection has read-back: INFO_LINKS names the servers that do.")
        runs = [self.compare_connection(connection) for connection in connections]
        stopped = [run for run in runs if run.status == ReconciliationStatus.STOPPED]
        if stopped:
            raise CommandError(f"{len(stopped)} of {len(runs)} connections can't be checked now.")

    def compare_connection(self, connection: Connection) -> Reconciliation:
        run, _ = schedule.open_run(connection)
        while not comparison.run_reconciliation(run):
            run.refresh_from_db()
            if run.ended_at is not None:
                break
            time.sleep(POLL_SECONDS)  # a worker is at it
        run.refresh_from_db()
        if run.status == ReconciliationStatus.STOPPED:
            self.stdout.write(f"{connection}: can't be checked now. {run.problem}")
        else:
            drifting = Drift.objects.current().filter(job__connection=connection).count()
            self.stdout.write(f"{connection}: {run.compared} compared, {drifting} drifting.")
        return run
