"""docs/life-cycles.md, drawn from the tables that the code reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from erp_integrations.models.job_statuses import JOB_TRANSITIONS, JobStatus
from erp_integrations.models.submissions import SUBMISSION_TRANSITIONS, SubmissionStatus

PAGE = Path("docs") / "life-cycles.md"

BECAUSE: Mapping[tuple[str, str], str] = {
    ("awaiting", "retrieved"): "Retrieve from ERP, by the project",
    ("awaiting", "rejected"): "Reject, with a reason",
    ("awaiting", "accepted"): "Accept",
    ("accepted", "awaiting"): "Undo before anything is written, the right was lost, or nobody signed",
    ("accepted", "rejected"): "Reject after a failed export, or of a part",
    ("accepted", "unlinked"): "Unlink, the record is gone from Spectrum",
    ("queued", "exporting"): "a worker claims it",
    ("queued", "synced"): "Adopt, all of it was there",
    ("queued", "incomplete"): "Adopt, a part of it was there",
    ("queued", "unknown"): "the database is an older copy, and there is no read-back",
    ("queued", "cancelled"): "Undo, the right was lost, or nobody signed",
    ("exporting", "synced"): "every call is written",
    ("exporting", "queued"): "nothing written, the fault is temporary",
    ("exporting", "incomplete"): "some calls written",
    ("exporting", "failed"): "nothing known to be written, the fault stays",
    ("exporting", "unknown"): "a call may or may not be written",
    ("synced", "cancelled"): "Unlink",
    ("incomplete", "exporting"): "by itself, or Resume",
    ("incomplete", "unknown"): "the database is an older copy, and there is no read-back",
    ("incomplete", "cancelled"): "Reject, or Unlink",
    ("failed", "queued"): "Retry",
    ("failed", "synced"): "Adopt, all of it was there",
    ("failed", "incomplete"): "Adopt, a part of it was there",
    ("failed", "cancelled"): "Reject",
    ("unknown", "synced"): "all of it is there",
    ("unknown", "queued"): "none of it is there",
    ("unknown", "incomplete"): "a part of it is there",
}
"""Why each arrow is taken. Where it says there, a read-back after the quiet period has, or a person."""


class Command(BaseCommand):
    help = "Draw docs/life-cycles.md from the tables of the code; with --check only say whether it is true."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        page, drawn = Path(settings.BASE_DIR) / PAGE, format_page()
        if not options["check"]:
            page.write_text(drawn, encoding="utf-8")
        elif not page.is_file() or page.read_text(encoding="utf-8") != drawn:
            raise CommandError(f"{PAGE} is not what the tables say. Run: python manage.py draw_life_cycles")


def format_page() -> str:
    return f"""# The two life cycles

Drawn by `manage.py draw_life_cycles` from the tables of the code; `script/check` fails when they differ.
A person's decision and a machine's delivery never share a status.

## Submission: what a person decided
{format_diagram(SUBMISSION_TRANSITIONS, first=SubmissionStatus.AWAITING, because="Send to ERP, or Re-send")}
## Export job: how it is delivered
{format_diagram(JOB_TRANSITIONS, first=JobStatus.QUEUED, because="Accept")}
*There* is what a read-back shows once the quiet period is over, or what a person says in words that are kept.
"""


def format_diagram(table: Mapping[str, frozenset[str]], *, first: str, because: str) -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}: {because}"]
    for status, following in table.items():
        order = [each for each in table if each in following]
        lines += [f"    {status} --> {each}: {BECAUSE[status, each]}" for each in order]
        if not following:
            lines.append(f"    {status} --> [*]")
    return "\n".join([*lines, "```", ""])
