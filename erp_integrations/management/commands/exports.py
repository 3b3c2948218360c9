"""Deliveries at the command line: how they stand, and what an approver can do, with the approver's right."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from directory.models import Company, User
from erp_integrations import decisions
from erp_integrations.delivery import operations
from erp_integrations.models import ExportJob, JobStatus, Submission
from erp_integrations.review import previews

WAITING = [JobStatus.FAILED, JobStatus.INCOMPLETE, JobStatus.UNKNOWN]
STATEMENTS = {
    "resolve": "Where you looked and what you saw.",
    "unlink": "Where nothing is read back: how you know it is gone.",
    **dict.fromkeys(("adopt", "retry"), "Where nothing is read back: what you saw in Spectrum."),
}


class Command(BaseCommand):
    help = (
        "How exports stand; and adopt, follow, resume, resolve, retry, undo and unlink for a named approver, "
        "who answers for it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser(
            "status", help="Each connection, and what waits for a person. Exit code 1: not well."
        )
        for name, what in (
            ("adopt", "Mark one as exported that stands in Spectrum; of a part, send the rest."),
            ("resume", "Go on with the calls that are not written."),
            ("retry", "Export a failed one again, as it would be planned now."),
            ("undo", "Take an acceptance back while no worker has begun."),
            ("resolve", "Say what Spectrum holds of an unknown one."),
            ("unlink", "Set one free whose record was deleted in Spectrum."),
            ("follow", "Have one go by the key under which somebody put its record in Spectrum."),
        ):
            action = actions.add_parser(name, help=what)
            action.add_argument("submission", type=int, help="Its number, as status shows it.")
            action.add_argument("--by", required=True, help="The e-mail address of an accounting approver.")
            if name == "resolve":
                action.add_argument(
                    "--found", required=True, choices=[each.value for each in decisions.Attested]
                )
                action.add_argument(
                    "--calls", type=int, nargs="*", default=[], help="Of a part: those there."
                )
            if name == "follow":
                action.add_argument(
                    "--to", default="", help="VENDOR/NUMBER; without it, nothing is changed but told."
                )
            if words := STATEMENTS.get(name):
                action.add_argument("--statement", default="", required=name == "resolve", help=words)

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        if action == "status":
            self._status()
            return
        try:
            by = User.objects.get(email__iexact=options["by"])
            submission = Submission.objects.select_related("company").get(pk=options["submission"])
            self._decide(action, submission, by, options)
        except (User.DoesNotExist, Submission.DoesNotExist, ExportJob.DoesNotExist) as error:
            raise CommandError(str(error)) from error
        except (decisions.DecisionError, PermissionDenied) as refusal:
            raise CommandError(str(refusal)) from refusal
        stands = submission if action == "unlink" else submission.jobs.order_by("-pk")[0]
        stands.refresh_from_db()
        self.stdout.write(f"{submission.number}: {stands.get_status_display()}")

    def _decide(self, action: str, submission: Submission, by: User, options: dict[str, Any]) -> None:
        decision: dict[str, Any] = {"submission": submission, "by": by}
        if action == "undo":
            decisions.undo(**decision)
            return
        jobs = submission.jobs.current()
        job = jobs.first() if action == "adopt" else jobs.get()
        if action in STATEMENTS:
            decision["statement"] = options["statement"]
        if action in ("adopt", "retry"):
            seen = previews.of(submission)
            decision |= {"seen_hash": seen.seen_hash, "erp_id": seen.erp_id}
        if action == "adopt":
            decisions.adopt(
                **decision,
                seen_record=seen.adoptable.record.hash if seen.adoptable else "",
                seen_round=job.plan_round if job else 0,
            )
            return
        assert job is not None
        if action == "retry":
            decisions.retry(**decision)
        elif action == "resume":
            decisions.resume(**decision, seen_attempt=job.attempt)
        elif action == "unlink":
            decisions.unlink(**decision, seen_attempt=job.attempt)
        elif action == "follow":
            self._follow(submission, job, by, options["to"])
        else:
            decisions.resolve(
                **decision,
                seen_attempt=job.attempt,
                attested=decisions.Attested(options["found"]),
                positions=options["calls"],
            )

    def _follow(self, submission: Submission, job: ExportJob, by: User, to: str) -> None:
        decisions.require_may_unlink(submission=submission, by=by)
        found = [each.record for each in decisions.moves_of(job)]
        moves = {f"{each.key.vendor_code}/{each.key.erp_id}": each for each in found}
        for name, move in moves.items():
            self.stdout.write(f"  {name}: {move.sentence}")
        if to.upper() not in moves:
            raise CommandError(f"Nothing was changed. Choose with --to: {', '.join(moves)}")
        decisions.follow(
            submission=submission,
            by=by,
            seen_attempt=job.attempt,
            fingerprint=moves[to.upper()].fingerprint,
        )

    def _status(self) -> None:
        checks = operations.checks()
        for check in checks:
            self.stdout.write(f"{check.name}: {'ok' if check.is_well else 'NOT OK'}, {check.sentence}")
        stuck = 0
        for company in Company.objects.order_by("name"):
            for row in operations.deliveries_of(company):
                stuck += row.stuck
                self.stdout.write(
                    f"{row.connection.pk} {company.name}, {row.connection.name} ({row.health.state}): "
                    f"{row.queued} queued, {row.running} running, {row.stuck} stuck, {row.failed} failed, "
                    f"{row.waiting} need attention"
                )
        waiting = ExportJob.objects.filter(status__in=WAITING).select_related("submission").order_by("pk")
        for job in waiting:
            told = f"{job.get_status_display()}. {job.problem}"
            self.stdout.write(f"  submission {job.submission_id} {job.submission.number}: {told}")
        if stuck or not all(check.is_well for check in checks):
            raise SystemExit(1)
