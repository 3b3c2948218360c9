"""The vendors and phases that a person may choose, as accounting's lists have it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, When

from commitments.models import ContractCompany
from directory.models import Project, User

MOST_FOUND = 20


class AccountingLists(Protocol):
    """The ERP tool's, as it last read them."""

    def list_vendor_codes(self, project: Project) -> QuerySet[Any]:
        """A row for each linked contract company, with its vendor code."""

    def find_phase_states(
        self, project: Project, cost_codes: Iterable[str]
    ) -> Mapping[str, Mapping[str, str]] | None:
        """By cost code and cost type: blank where the job's phase is open, else what it is. None where nobody
        knows.
        """

    def record_renaming(self, vendor: ContractCompany, before: str, by: User) -> None:
        """Its links are somebody's under another name: a second person confirms them."""

    def find_merge_obstacle(self, merged: ContractCompany, kept: ContractCompany) -> str:
        """Why they are not one vendor to accounting; blank where they may be."""


accounting: list[AccountingLists] = []
"""The ERP tool adds its own when it is ready."""
rehearsals: list[Callable[[Any, Callable[[int], None]], dict[str, Any]]] = []
"""Likewise: what would become of the commitments of a file, if they were sent; nothing is written."""


def list_vendors(project: Project) -> QuerySet[Any]:
    """Each with its ``code`` in accounting, or None."""
    codes = accounting[0].list_vendor_codes(project).filter(contract_company=OuterRef("pk"))
    vendors = ContractCompany.objects.filter(company=project.company_id)
    return vendors.annotate(code=Subquery(codes.values("vendor_code")[:1]))


def find_vendors(project: Project, typed: str) -> list[Any]:
    """The open ones with each of the words in their name, or whose code begins so; first what begins so."""
    text = " ".join(typed.replace("\0", "").split())
    named = Q(*(("name__icontains", word) for word in text.split()))
    begins = Q(name__istartswith=text) | Q(code__istartswith=text)
    found = list_vendors(project).filter(named | begins, closed_at=None)
    return list(found.order_by(Case(When(begins, then=0), default=1), "name")[:MOST_FOUND])
