"""The list of a project's commitments, as its address asks for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Count, F, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.forms import DateInput

from commitments.figures import FigureField
from commitments.forms import DayField
from commitments.models import STATUSES, Badge, Commitment, CommitmentQuerySet, ContractCompany, Kind
from directory.criteria import Criterion, build_choice, build_text, parse_criteria
from directory.db import pagination
from directory.db.pagination import Page, parse_search
from directory.db.search import build_words_filter, list_few
from directory.models import Project, User

MANY = 1_000
"""Of so many that are found the newest are soon met in the order of the list."""
MOST_COUNTED = 500
"""Beyond it nothing is summed up, nor sorted by anything but time."""
BATCH_SIZE = 500
SORTS = {
    "number": "number",
    "title": "title",
    "vendor": "vendor",
    "kind": "kind",
    "status": "status",
    "executed": "executed",
    "amount": "total",
    "accounting": "badge",
    "erp_id": "erp_id",
}
"""By the names in the address, where a dash in front turns the order round."""


def build_vendor(typed: str, project: Project) -> Q:
    vendors = ContractCompany.objects.filter(company=project.company_id)
    for word in typed.split():
        vendors = vendors.filter(name__icontains=word)
    return Q(contract_company__in=vendors)


def build_creator(typed: str, project: Project) -> Q:
    people = User.objects.filter(company_memberships__company=project.company_id)
    for word in typed.split():
        people = people.filter(Q(first_name__icontains=word) | Q(last_name__icontains=word))
    return Q(created_by__in=people)


def build_value(field: Any, lookup: str, typed: str, project: Project) -> Q:
    """As the form of a commitment reads it."""
    try:
        return Q(**{lookup: field.clean(typed)})
    except ValidationError as error:
        raise ValueError(error.messages[0]) from error


AMOUNT, DAY = FigureField(whole=12, decimals=2), DayField()
DAYS = (("issued", "Issued", "issue_date"), ("executed", "Executed", "executed_date"))
CRITERIA = (
    build_choice(
        "status", "Status", [choice for each in STATUSES.values() for choice in each.choices], "status"
    ),
    Criterion("vendor", "Contract Company", build_vendor, build_text("Name")),
    Criterion("creator", "Created by", build_creator, build_text("Name")),
    build_choice("executed", "Executed", [("True", "Yes"), ("False", "No")], "executed"),
    *(
        Criterion(
            f"{name}-{end}",
            f"{label} {end}",
            partial(build_value, DAY, f"{column}__{lookup}"),
            DateInput({"type": "date"}),
        )
        for name, label, column in DAYS
        for end, lookup in (("from", "gte"), ("to", "lte"))
    ),
    Criterion("from", "Amount from", partial(build_value, AMOUNT, "total__gte"), build_text("0.00")),
    Criterion("to", "Amount to", partial(build_value, AMOUNT, "total__lte"), build_text("0.00")),
)


@dataclass(frozen=True)
class CommitmentQuery:
    """Anything in the address that makes no sense counts as not asked; ``problems`` names what was typed."""

    project: Project
    parameters: dict[str, str]
    """Those of an address that says the same."""
    condition: Q
    problems: list[str]

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str], project: Project) -> "CommitmentQuery":
        """Read the address. No query, but for a search."""
        values, condition, problems = parse_criteria(CRITERIA, parameters, project)
        sort, search = parameters.get("sort", ""), parse_search(parameters.get("search", ""))
        for name, choices in (("kind", Kind.values), ("badge", Badge.values)):
            if parameters.get(name) in choices:
                values[name] = parameters[name]
                condition &= Q(**{name: values[name]})
        asked = {"search": search, "sort": sort if sort.removeprefix("-") in SORTS else ""}
        return cls(
            project, values | {name: each for name, each in asked.items() if each}, condition, problems
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.parameters.keys() - {"sort"})

    @property
    def column(self) -> str:
        return SORTS[self.parameters["sort"].removeprefix("-")] if "sort" in self.parameters else ""


def list_commitments() -> CommitmentQuerySet:
    """As rows need them."""
    commitments = Commitment.objects.with_total().select_related("contract_company", "created_by")
    return commitments.annotate(vendor=Coalesce(F("contract_company__name"), Value("")))


def find_commitments(query: CommitmentQuery) -> CommitmentQuerySet:
    """All that the address asks for. A query or two where there are words."""
    project, search = query.project, query.parameters.get("search", "")
    vendors = ContractCompany.objects.filter(company=project.company_id)
    words = build_words_filter(
        search, owner=project.pk, belongs_to="contract_company", others=vendors, names=("name",)
    )
    found = list_commitments().filter(query.condition, words)
    if search:
        few = list_few(found.filter(project=project), most=MANY)
        # Where project and word go together PostgreSQL expects few of many, and would gather and sort them.
        many = Q(Coalesce(words, False, output_field=BooleanField()))
        found = list_commitments().filter(query.condition, many if few is None else Q(pk__in=few))
    return found


def get_page(
    query: CommitmentQuery,
    found: CommitmentQuerySet,
    parameters: Mapping[str, str],
    *,
    is_sorted: bool,
    length: int | None = None,
) -> Page[Commitment]:
    """The page that the address names, newest first unless it is sorted."""
    if not is_sorted:
        owner = ("project_id", query.project.pk)
        return pagination.get_page(found, parameters, kept=query.parameters, length=length, owner=owner)
    return pagination.get_page(
        found.filter(project=query.project),
        parameters,
        kept=query.parameters,
        length=length,
        ascending=not query.parameters["sort"].startswith("-"),
        column=query.column,
        read=list_commitments().filter(project=query.project),
    )


def count_found(query: CommitmentQuery, found: CommitmentQuerySet) -> tuple[int, Decimal]:
    """Number and sum of as many as are counted, and one more; in the order that an index has."""
    few = found.filter(project=query.project).order_by("-pk")[: MOST_COUNTED + 1]
    counted = few.aggregate(count=Count("pk"), amount=Sum("total"))
    return counted["count"], counted["amount"] or Decimal(0)


def read_rows(query: CommitmentQuery) -> Iterator[list[Commitment]]:
    """All of it in portions by key: no cursor on the server outlives a PgBouncer."""
    found, parameters = find_commitments(query), dict[str, str]()
    is_sorted = bool(query.column) and count_found(query, found)[0] <= MOST_COUNTED
    while True:
        page = get_page(query, found, parameters, is_sorted=is_sorted, length=BATCH_SIZE)
        yield page.rows
        if not page.after_url:
            return
        parameters = {"after": str(page.rows[-1].pk)}
