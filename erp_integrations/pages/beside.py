"""Beside a decision: others of its vendor or number, and what changed since it was sent before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, Exists, F, QuerySet, Sum, Value, When, Window

from commitments.changes import Change, build_facts, list_changes, list_file_changes, list_line_changes
from commitments.models import Badge, Commitment
from directory.db.prepared import AnyOf, Parameter, PreparedQuery
from erp_integrations.models import JobBilling, SnapshotUnreadable, Submission
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import Document

MOST_SHOWN = 10
MOST_COUNTED = 200
OF_VENDOR, OF_NUMBER = "vendor", "number"
BILLING = ("read_at", "billed", "paid", "retention_held", "balance")


@dataclass(frozen=True, slots=True)
class Beside:
    """``others`` are the newest commitments of its vendor, then those with its number, and what all come to;
    ``previous`` is the sending before this one, ``billing`` what Spectrum had invoiced of its export.
    """

    others: Sequence[dict[str, Any]] = ()
    previous: Submission | None = None
    changes: Sequence[Change] = ()
    problem: str = ""
    billing: JobBilling | None = None


def build_beside(submission: Submission, *, was_sent_before: bool) -> Beside:
    """One query, and another one if it was sent before. Raises SnapshotUnreadable."""
    document = submission.document
    rows = list_others(
        company=submission.company_id,
        commitment=submission.commitment_id,
        contract_company=document.contract_company_id,
        number=submission.number,
    )
    others = [{**row, "status": Badge(row["badge"]).label} for row in rows]
    keys = {"commitment": submission.commitment_id, "submission": submission.pk}
    before = list_sent_before(**keys) if was_sent_before else []
    if not before:
        return Beside(others)
    previous = before[0]
    figures = {name: getattr(previous, f"billing_{name}") for name in BILLING}
    billing = JobBilling(**figures) if figures["read_at"] else None
    changes, problem = [], ""
    try:
        changes = list(list_document_changes(previous.document, document))
    except SnapshotUnreadable as error:
        problem = str(error)
    return Beside(others, previous, changes, problem, billing)


@PreparedQuery
def list_others(
    company: Parameter, commitment: Parameter, contract_company: Parameter, number: Parameter
) -> QuerySet[Submission, Any]:
    """Among the newest alone: a vendor may have any number of commitments, and a number may be anywhere."""
    # No index is of this: it is asked of the newest alone.
    is_open = Case(When(status__in=OPEN_STATUSES, then=True), default=False)
    waiting = Submission.objects.whole().filter(is_open).exclude(commitment=commitment).order_by("-pk")
    with_vendor = Commitment.objects.filter(contract_company=contract_company).order_by("-pk").values("pk")
    with_number = (
        Submission.objects.whole().filter(company=company, number=number).order_by("-pk").values("pk")
    )
    shown = ("pk", "number", "title", "contract_company_name", "total")

    def build(
        section: str, rows: QuerySet[Submission], newest: QuerySet[Any, Any]
    ) -> QuerySet[Submission, Any]:
        listed: QuerySet[Submission, Any] = rows.values(
            *shown,
            section=Value(section),
            project_name=F("project__name"),
            badge=F("commitment__badge"),
            counted=Window(Count("pk")),
            summed=Window(Sum("total")),
            has_more=Exists(newest[MOST_COUNTED : MOST_COUNTED + 1]),
        )
        return listed[:MOST_SHOWN]

    # Arrays: whatever PostgreSQL expects of a vendor or a number, each is found by its key.
    commitments, sent = (ArraySubquery(newest[:MOST_COUNTED]) for newest in (with_vendor, with_number))
    of_vendor = build(OF_VENDOR, waiting.filter(AnyOf(F("commitment"), commitments)), with_vendor)
    of_number = build(OF_NUMBER, waiting.filter(AnyOf(F("pk"), sent)), with_number)
    found: QuerySet[Submission, Any] = of_vendor.union(of_number, all=True)
    return found


@PreparedQuery
def list_sent_before(commitment: Parameter, submission: Parameter) -> QuerySet[Submission]:
    """The sending before this one, with what had been billed of its last export."""
    billing = {f"billing_{name}": F(f"jobs__billing__{name}") for name in BILLING}
    sent = Submission.objects.whole().filter(commitment=commitment, pk__lt=submission).annotate(**billing)
    return sent.order_by("-pk", F("jobs").desc(nulls_last=True))[:1]


def list_document_changes(before: Document, now: Document) -> Iterator[Change]:
    """Of the header, then of the lines, then of the files."""
    yield from list_changes(*map(get_facts, (before, now)))
    yield from list_line_changes(before.lines, now.lines)
    yield from list_file_changes(before.attachments, now.attachments)


def get_facts(document: Document) -> dict[str, str]:
    facts = build_facts(document, document.contract_company_name)
    return facts | {"Total": f"{document.total:,.2f}"}
