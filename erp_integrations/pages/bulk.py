"""The page before many decisions: what each would do, and what is left out and why."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from directory.csv_rows import BYTE_ORDER_MARK, format_csv_rows
from directory.models import CompanyMembership
from erp_integrations.checks import row_checks
from erp_integrations.checks.row_checks import RowCheck, describe_first_issue
from erp_integrations.models import Batch, BatchAction, BatchItem, ItemState, Verdict
from erp_integrations.pages import submission_list
from erp_integrations.pages.submission_rows import SubmissionRow
from erp_integrations.snapshots import hash_content
from erp_integrations.submissions.batches import CHANGED

MAX_AT_ONCE = 200
MAX_CHECKED_HERE = 50  # more wait for the worker
NEED_A_TICK = {"change-unconfirmed", "restored"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the chosen; ``left_out`` says why it can't be decided here, else it is empty."""

    row: SubmissionRow
    check: RowCheck | None
    action: str

    @property
    def submission(self) -> Any:
        return self.row.submission

    @property
    def warnings(self) -> list[str]:
        return [each.sentence for each in self.check.issues] if self.check else []

    @property
    def left_out(self) -> str:
        row = self.row
        if not row.is_awaiting:
            return f"It no longer waits: {row.status}."
        if self.action == BatchAction.REJECT:
            return "" if row.can_be_rejected else row.not_decidable_reason
        if not row.can_be_decided:
            return row.not_decidable_reason or "You may not decide on it."
        if self.check is None:
            return "It is being checked. Try again in a moment."
        if self.check.verdict == Verdict.BLOCKED:
            return describe_first_issue(self.check.issues)
        if row.question.startswith("Asked"):
            return f"{row.question}, and not answered yet. Accept it by itself."
        if any(each.code in NEED_A_TICK for each in self.check.issues):
            return f"{describe_first_issue(self.check.issues)} Accept it by itself."
        return ""

    @property
    def stamp(self) -> str:
        """Of all that its person reads here."""
        if self.action == BatchAction.REJECT or self.check is None:
            return str(self.submission.snapshot_hash)
        return hash_content([self.check.basis_hash, self.check.erp_id, self.warnings])

    def build_item(self, stamp: str | None) -> BatchItem:
        """``stamp`` is what was posted of it: None where it was not ticked."""
        refusal = self.left_out or ("You left it out." if stamp is None else "")
        refusal = refusal or (CHANGED if stamp != self.stamp else "")
        is_acceptance = self.action == BatchAction.ACCEPT and self.check is not None
        return BatchItem(
            submission=self.submission,
            state=ItemState.REFUSED if refusal else ItemState.PLANNED,
            expected_hash=self.check.basis_hash
            if is_acceptance and self.check
            else self.submission.snapshot_hash,
            erp_id=self.check.erp_id if is_acceptance and self.check else "",
            warnings=self.warnings if is_acceptance else [],
            message=refusal,
        )


def list_choices(viewer: CompanyMembership, chosen: Collection[int], action: str) -> list[Choice]:
    """Of these submissions, the oldest first. Five queries, and those of a check for some of which something
    has moved on.
    """
    found = submission_list.list_submissions(viewer.company).filter(pk__in=chosen).order_by("pk").defer(None)
    rows = submission_list.build_rows(list(found[:MAX_AT_ONCE]), viewer)
    checks = row_checks.list_current_checks([row.submission.pk for row in rows])
    outdated = [row for row in rows if row.submission.pk not in checks and row.is_awaiting]
    for row in outdated[:MAX_CHECKED_HERE]:
        checks[row.submission.pk] = row_checks.check_submission(row.submission)
    return [Choice(row, checks.get(row.submission.pk), action) for row in rows]


def get_total(choices: Iterable[Choice]) -> Decimal:
    return sum((each.submission.total for each in choices), Decimal(0))


def write_result(batch: Batch) -> str:
    """For a spreadsheet."""
    return BYTE_ORDER_MARK + format_csv_rows(read_result(batch))


def read_result(batch: Batch) -> Iterator[Sequence[object]]:
    yield "Commitment", "Title", "Contract Company", "Amount", "ERP ID", "Result", "Warnings", "Why not"
    for item in batch.items.select_related("submission").order_by("pk"):
        it = item.submission
        yield (
            *(it.number, it.title, it.contract_company_name, it.total, item.erp_id),
            *(describe_item(item), " ".join(item.warnings), item.message),
        )


def describe_item(item: BatchItem) -> str:
    """Of one that is done: accepted, or rejected."""
    done = "Accepted" if item.batch.action == BatchAction.ACCEPT else "Rejected"
    return done if item.state == ItemState.DONE else str(ItemState(item.state).label)
