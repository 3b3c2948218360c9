"""How the pages write figures, and what a project's list says of its commitments."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django import template
from django.db.models import Count, Q

from commitments.figures import format_decimal
from commitments.models import Badge, Commitment
from directory.models import Project

register = template.Library()


@register.filter
def money(amount: Decimal | None) -> str:
    """To the cent, thousands grouped: ``32,000.01``; nothing for none."""
    return "" if amount is None else f"{amount:,.2f}"


@register.filter
def quantity(value: Decimal | None) -> str:
    """As many decimals as it has; nothing for none."""
    return "" if value is None else format_decimal(value, grouped=True)


@register.filter
def unit_cost(value: Decimal | None) -> str:
    """At least to the cent; nothing for none."""
    return "" if value is None else format_decimal(value, min_decimals=2, grouped=True)


@dataclass(frozen=True)
class ProjectCounts:
    """A project, with how many commitments it has and what waits, where."""

    project: Project
    commitments: int
    with_accounting: int
    sent_back: int
    in_trouble: int


@register.simple_tag
def with_counts(projects: Iterable[Project]) -> list[ProjectCounts]:
    """The projects with their counts, in their order; one query for all of them."""
    projects_shown = list(projects)

    def count_badges(*badges: Badge) -> Count:
        return Count("pk", filter=Q(badge__in=badges))

    counted = Commitment.objects.order_by().filter(project__in=projects_shown).values("project_id")
    rows = counted.annotate(
        commitments=Count("pk"),
        with_accounting=count_badges(Badge.AWAITING, Badge.EXPORTING),
        sent_back=count_badges(Badge.REJECTED),
        in_trouble=count_badges(Badge.FAILED, Badge.NEEDS_ATTENTION),
    )
    counts = {
        row["project_id"]: (row["commitments"], row["with_accounting"], row["sent_back"], row["in_trouble"])
        for row in rows
    }
    return [ProjectCounts(project, *counts.get(project.pk, (0, 0, 0, 0))) for project in projects_shown]
