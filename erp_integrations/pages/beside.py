"""Beside a decision: others of its vendor or number, and what changed since it was sent before."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, Exists, F, QuerySet, Sum, Value, When, Window
from django.utils.formats import date_format

from commitments.figures import format_decimal
from commitments.models import STATUSES, Badge, Commitment, Kind
from directory.db.prepared import AnyOf, Parameter, PreparedQuery
from erp_integrations.models import JobBilling, SnapshotUnreadable, Submission
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import Document, LineItem

MOST_SHOWN = 10
MOST_COUNTED = 200
OF_VENDOR, OF_NUMBER = "vendor", "number"
BILLING = ("read_at", "billed", "paid", "retention_held", "balance")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise than it was sent before; blank ``old`` or ``new``: there was or is none."""

    what: str
    old: str
    new: str


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
        changes = list(list_changes(previous.document, document))
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
    waiting = Submission.objects.filter(is_open).exclude(commitment=commitment).order_by("-pk")
    with_vendor = Commitment.objects.filter(contract_company=contract_company).order_by("-pk").values("pk")
    with_number = Submission.objects.filter(company=company, number=number).order_by("-pk").values("pk")
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
    sent = Submission.objects.filter(commitment=commitment, pk__lt=submission).annotate(**billing)
    return sent.order_by("-pk", F("jobs").desc(nulls_last=True))[:1]


def list_changes(before: Document, now: Document) -> Iterator[Change]:
    """Of the header, then of lines, which are the same where cost code, cost type and billing item are."""
    old_facts, new_facts = get_facts(before), get_facts(now)
    yield from (Change(what, old, new) for what, new in new_facts.items() if (old := old_facts[what]) != new)
    old_lines, new_lines = get_lines_by_name(before), get_lines_by_name(now)
    for name in dict.fromkeys([*old_lines, *new_lines]):
        was, is_now = get_line_facts(old_lines.get(name)), get_line_facts(new_lines.get(name))
        code = " ".join(filter(None, name[:-1]))
        if not (was and is_now):
            line = is_now or was
            said = ", ".join(filter(None, [line["amount"], line["description"]]))
            yield Change(f"Line {code}", "" if is_now else said, said if is_now else "")
            continue
        for what, new in is_now.items():
            if was[what] != new:
                yield Change(f"Line {code}, {what}", was[what], new)


def get_facts(document: Document) -> dict[str, str]:
    """The header as people read it."""
    return {
        "Number": document.number,
        "Title": document.title,
        "Contract Company": document.contract_company_name,
        "Total": f"{document.total:,.2f}",
        "Status": str(STATUSES[Kind(document.kind)](document.status).label),
        "Default Retainage": f"{format_decimal(document.default_retainage)} %",
        "Trade": document.trade,
        "Issue date": date_format(document.issue_date) if document.issue_date else "",
        "Description": document.description,
    }


def get_lines_by_name(document: Document) -> dict[tuple[str, str, str, int], LineItem]:
    """By their names, and of several of one name by their order."""
    counts: Counter[tuple[str, str, str]] = Counter()
    lines = {}
    for line in document.lines:
        name = (line.cost_code, line.cost_type, line.billing_item)
        counts[name] += 1
        lines[*name, counts[name]] = line
    return lines


def get_line_facts(line: LineItem | None) -> dict[str, str]:
    if line is None:
        return {}
    quantity = "" if line.quantity is None else format_decimal(line.quantity, grouped=True)
    return {
        "amount": f"{line.amount:,.2f}",
        "quantity": f"{quantity} {line.unit_of_measure}".strip(),
        "unit cost": "" if line.unit_cost is None else format_decimal(line.unit_cost, grouped=True),
        "description": line.description,
    }
