"""Many small commitments: copies of what the demo can send, with one or two lines and numbers of their own.

For runs that need more decisions than the public record has contracts.
"""

from itertools import cycle, islice
from typing import TypeVar

from django.db import transaction

from commitments.models import Commitment, LineItem
from directory.models import HistoryEntry
from local.demo.accounts import APPROVER_2, writer_of
from local.demo.companies import COMPANIES, HARBOR, DemoCompany
from local.demo.loading import ROWS_AT_ONCE
from local.demo.planning import blueprint
from local.demo.waiting import ACCEPTED, REJECTIONS, waiting_numbers

PREFIX = "R{:03}-"

Row = TypeVar("Row", Commitment, LineItem)


def make(batch: int, count: int) -> list[dict[str, str]]:
    """`count` of each company, numbered R<batch>-0001 and so on, unless they are there already.

    Tells of each where it is, its company's slug, its project and its kind, as pages word them.
    """
    prefix = PREFIX.format(batch)
    if not Commitment.objects.filter(number__startswith=prefix).exists():
        _make(prefix, count)
    rows = Commitment.objects.filter(number__startswith=prefix).select_related("project__company")
    return [
        {
            "path": row.get_absolute_url(),
            "company": row.project.company.slug,
            "project": row.project.name,
            "kind": row.get_kind_display(),
            "number": row.number,
        }
        for row in rows.order_by("number")
    ]


@transaction.atomic
def _make(prefix: str, count: int) -> None:
    rows, lines = [], []
    for company in COMPANIES:
        start = 1 if company != HARBOR else count + 1
        templates = _templates(company)
        for position, template in enumerate(islice(cycle(templates), count), start=start):
            row = _copied(template, number=f"{prefix}{position:04}")
            rows.append(row)
            lines.append(list(template.lines.all())[: 1 + position % 2])
    Commitment.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    LineItem.objects.bulk_create(
        (_copied(line, commitment=row) for row, its in zip(rows, lines, strict=True) for line in its),
        batch_size=ROWS_AT_ONCE,
    )
    HistoryEntry.objects.bulk_create(
        (
            HistoryEntry(
                event="commitment.created",
                subject_type=Commitment._meta.label_lower,
                subject_id=row.pk,
                by_id=row.created_by_id,
                company_id=row.project.company_id,
            )
            for row in rows
        ),
        batch_size=ROWS_AT_ONCE,
    )


def _templates(company: DemoCompany) -> list[Commitment]:
    """Commitments of the demo that nothing blocks, and that were not sent."""
    others = {*REJECTIONS, *ACCEPTED, *waiting_numbers()}
    numbers = [
        each.number
        for each in blueprint().of(company)
        if not each.case
        and each.status == "approved"
        and each.contract.number not in others
        and writer_of(each) != APPROVER_2
        and all(line.amount > 0 for line in each.lines[:2])
    ]
    found = Commitment.objects.filter(project__company__slug=company.slug, number__in=numbers)
    return list(
        found.select_related("project", "contract_company", "created_by")
        .prefetch_related("lines__cost_code", "lines__cost_type")
        .order_by("number")
    )


def _copied(row: Row, **changes: object) -> Row:
    """The same again, not stored yet."""
    names = [field.name for field in row._meta.concrete_fields if not field.primary_key]
    return type(row)(**{name: getattr(row, name) for name in names} | changes)
