"""What the header of every page shows: where the person can go."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from directory.models import VISIBLE_LEVELS, Company, Level, Project


@dataclass(frozen=True)
class Place:
    """One link of the header."""

    name: str
    url: str
    current: bool

    @property
    def label(self) -> str:
        """The words of the link."""
        return self.name


def places(request: HttpRequest) -> dict[str, Any]:
    """``companies`` for the switcher, ``navigation`` for the tools, ``current_company``.

    Views say where they are with ``request.current_company`` and ``request.current_project``.
    Evaluated only when a template asks.
    """
    company: Company | None = getattr(request, "current_company", None)
    return {
        "current_company": company,
        "current_project": getattr(request, "current_project", None),
        "companies": SimpleLazyObject(lambda: _companies(request, company)),
        "navigation": SimpleLazyObject(lambda: _navigation(request, company)),
    }


def _companies(request: HttpRequest, current: Company | None) -> list[Place]:
    if not request.user.is_authenticated:
        return []
    return [
        Place(company.name, company.get_absolute_url(), company == current)
        for company in Company.objects.with_erp_integrations_for(request.user)
    ]


def _navigation(request: HttpRequest, company: Company | None) -> list[Place]:
    if not request.user.is_authenticated:
        return []
    places_to_go = []
    if company is None:
        company = Company.objects.visible_to(request.user).first()
    if company is None:
        return []
    membership = company.memberships.filter(user=request.user).first()
    if membership and membership.erp_integrations_level in VISIBLE_LEVELS:
        url = reverse("erp_integrations:commitments", args=[company.slug])
        tool = reverse("erp_integrations:overview", args=[company.slug])
        places_to_go.append(Place("ERP Integrations", url, request.path.startswith(tool)))
    elif membership and membership.directory_level == Level.ADMIN:
        url = reverse("erp_integrations:activity", args=[company.slug])
        places_to_go.append(Place("History", url, request.path == url))
    if Project.objects.visible_to(request.user).filter(company=company).exists():
        places_to_go.append(
            Place(
                "Projects", reverse("projects"), request.path.startswith(("/projects", reverse("projects")))
            )
        )
    return places_to_go
