"""Deliveries at the command line: how they stand, and the two things that decide nothing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from directory.models import Company
from erp_integrations import submissions
from erp_integrations.exports import status
from erp_integrations.models import ExportJob, JobStatus, Submission, TakeOver, TakeOverStatus


class Command(BaseCommand):
    help = (
        "Show exports; undo or resume one as the operator, of which every approver is mailed. "
        "An approver's decisions are made on its page, with their two-step verification."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="Each connection, and what needs a person. Exit code 1: not well.")
        for name, what in (
            ("resume", "Have a worker send the remaining calls, as they were accepted."),
            ("undo", "Undo an acceptance while no worker has begun."),
        ):
            action = actions.add_parser(name, help=what)
            action.add_argument("submission", type=int, help="Its number, as status shows it.")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        if action == "status":
            self.write_status()
            return
        try:
            submission = Submission.objects.select_related("company").get(pk=options["submission"])
            if action == "undo":
                submissions.undo(submission=submission, by=None)
            else:
                attempt = submission.jobs.current().get().attempt
                submissions.resume(submission=submission, by=None, expected_version=attempt)
        except (Submission.DoesNotExist, ExportJob.DoesNotExist, submissions.DecisionError) as problem:
            raise CommandError(str(problem)) from problem
        job = submission.jobs.order_by("-pk")[0]
        self.stdout.write(f"{submission.number}: {job.get_status_display()}")

    def write_status(self) -> None:
        checks = status.list_health_checks()
        for check in checks:
            self.stdout.write(f"{check.name}: {'ok' if check.is_well else 'NOT OK'}, {check.sentence}")
        stuck = 0
        for company in Company.objects.order_by("name"):
            for row in status.list_export_counts(company):
                stuck += row.stuck
                self.stdout.write(
                    f"{row.connection.pk} {company.name}, {row.connection.name} ({row.health.state}): "
                    f"{row.queued} queued, {row.running} running, {row.stuck} stuck, {row.failed} failed, "
                    f"{row.waiting} need attention"
                )
        waiting = ExportJob.objects.current().filter(submission__in=Submission.objects.needing_person())
        for job in waiting.select_related("submission").order_by("pk"):
            is_synced = job.status == JobStatus.SYNCED
            problem = job.get_verification_display() if is_synced else job.problem
            description = f"{job.get_status_display()}. {problem}"
            self.stdout.write(f"  submission {job.submission_id} {job.submission.number}: {description}")
        for each in TakeOver.objects.filter(status=TakeOverStatus.FAILED).select_related("connection"):
            self.stdout.write(f"  {each} ({each.get_kind_display()}): {each.problem}")
        if stuck or not all(check.is_well for check in checks):
            raise SystemExit(1)
