"""The list of a project's commitments, as its address asks for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.db.models import BooleanField
from django.db.models.functions import Coalesce

from commitments.models import Badge, Commitment, ContractCompany, Kind
from directory.db import pagination
from directory.db.pagination import Page, parse_search
from directory.db.search import build_words_filter, list_few
from directory.models import Project

MANY = 1_000
"""Of so many that are found the newest are soon met in the order of the list."""


@dataclass(frozen=True)
class CommitmentQuery:
    """Anything in the address that makes no sense counts as not asked."""

    kind: str = ""
    badge: str = ""
    search: str = ""

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> "CommitmentQuery":
        """Read the address."""
        kind, badge = parameters.get("kind", ""), parameters.get("badge", "")
        return cls(
            kind=kind if kind in Kind.values else "",
            badge=badge if badge in Badge.values else "",
            search=parse_search(parameters.get("search", "")),
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.asked)

    @property
    def asked(self) -> dict[str, str]:
        """The parameters of the same query, without what is not asked."""
        return {name: value for name, value in asdict(self).items() if value}


def get_page(project: Project, query: CommitmentQuery, parameters: Mapping[str, str]) -> Page[Commitment]:
    """The page that the address names, newest first."""
    commitments = Commitment.objects.with_total().select_related("contract_company")
    if query.kind:
        commitments = commitments.filter(kind=query.kind)
    if query.badge:
        commitments = commitments.filter(badge=query.badge)
    vendors = ContractCompany.objects.filter(company=project.company_id)
    words = build_words_filter(
        query.search, owner=project.pk, belongs_to="contract_company", others=vendors, names=("name",)
    )
    found = commitments.filter(words)
    if query.search and list_few(found.filter(project=project), most=MANY) is None:
        # PostgreSQL expects few where project and word go together, and would gather and sort them all.
        found = commitments.filter(Coalesce(words, False, output_field=BooleanField()))
    return pagination.get_page(found, parameters, kept=query.asked, owner=("project_id", project.pk))
