"""How the pages write figures, and what a project's list says of its commitments."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django import template
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.forms import Form
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from commitments.attachments import list_problems
from commitments.changes import describe_file
from commitments.figures import format_decimal
from commitments.models import IN_MOTION, TROUBLE, Badge, Commitment
from directory.db.pagination import parse_search
from directory.models import Project

register = template.Library()
MOST_SHOWN = 100
"""Of a person's projects at once; the others are searched for."""


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


register.filter(describe_file)
register.simple_tag(list_problems, name="problems_of")


@register.simple_tag
def render_lines(forms: Iterable[Form]) -> SafeString:
    """Rows of the grid (docs/decisions/0040)."""
    html = render_to_string("_line_grid_rows.jinja", {"forms": forms}, using="jinja2")
    # The template has escaped what is in it, and in a table no space counts between two tags.
    return SafeString(html.replace(">\n<", "><"))  # nosec B703


@dataclass(frozen=True)
class ProjectCounts:
    """A project, with how many of its commitments wait, and where."""

    project: Project
    with_accounting: int
    sent_back: int
    in_trouble: int


@register.simple_tag
def with_counts(projects: QuerySet[Project], typed: str) -> list[ProjectCounts]:
    """Those with all the typed words in name, number or company, where the project has something to do first;
    as many as are shown and one more. Two queries.
    """
    for word in parse_search(typed).split():
        named = Q(name__icontains=word) | Q(number__icontains=word) | Q(company__name__icontains=word)
        projects = projects.filter(named)
    commitments = Commitment.objects.order_by().filter(badge__in=IN_MOTION)
    waiting = commitments.filter(project=OuterRef("pk"), badge__in=(Badge.REJECTED, *TROUBLE))
    shown = list(projects.order_by(Exists(waiting).desc(), "name", "pk")[: MOST_SHOWN + 1])
    counts: Counter[tuple[int, str]] = Counter()
    rows = commitments.filter(project__in=shown).values_list("project_id", "badge")
    for project, badge, count in rows.annotate(count=Count("pk")):
        counts[project, badge] = count
    return [
        ProjectCounts(
            each,
            counts[each.pk, Badge.AWAITING] + counts[each.pk, Badge.EXPORTING],
            counts[each.pk, Badge.REJECTED],
            sum(counts[each.pk, badge] for badge in TROUBLE),
        )
        for each in shown
    ]
