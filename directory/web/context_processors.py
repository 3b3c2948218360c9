"""The header of every page: where the person can go."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from directory.db.prepared import Parameter, PreparedQuery
from directory.models import VISIBLE_LEVELS, Company, CompanyMembership, Level, Project


@dataclass(frozen=True)
class NavItem:
    """One link of the header."""

    label: str
    url: str
    current: bool


def build_navigation(request: HttpRequest) -> dict[str, Any]:
    """``companies`` for the switcher, ``navigation`` for the tools, ``current_company``.

    Views say where they are with ``request.current_company`` and ``request.current_project``.
    Evaluated only when a template asks.
    """
    company: Company | None = getattr(request, "current_company", None)
    return {
        "current_company": company,
        "current_project": getattr(request, "current_project", None),
        "companies": SimpleLazyObject(lambda: list_company_items(request, company)),
        "navigation": SimpleLazyObject(lambda: list_tool_items(request, company)),
    }


def list_company_items(request: HttpRequest, current: Company | None) -> list[NavItem]:
    if not request.user.is_authenticated:
        return []
    return [
        NavItem(company.name, company.get_absolute_url(), company == current)
        for company in list_companies(user=request.user.pk)
    ]


list_companies = PreparedQuery(Company.objects.with_erp_integrations_for)


def list_tool_items(request: HttpRequest, company: Company | None) -> list[NavItem]:
    if not request.user.is_authenticated:
        return []
    nav_items = []
    company = company or Company.objects.visible_to(request.user).first()
    if company is None:
        return []
    membership: CompanyMembership | None = getattr(request, "membership", None)
    membership = membership or company.memberships.filter(user=request.user).first()
    if membership and membership.erp_integrations_level in VISIBLE_LEVELS:
        tool = reverse("erp_integrations:overview", args=[company.slug])
        url = company.get_absolute_url()
        nav_items.append(NavItem("ERP Integrations", url, request.path.startswith(tool)))
    elif membership and membership.can_see_history:
        url = reverse("erp_integrations:history", args=[company.slug])
        nav_items.append(NavItem("History", url, request.path == url))
        if membership.directory_level == Level.ADMIN:
            url = reverse("contract_companies:list", args=[company.slug])
            nav_items.append(NavItem("Contract Companies", url, request.path.startswith(url)))
    if membership and membership.is_administrator and not membership.can_push_to_accounting:
        url = reverse("directory:people", args=[company.slug])
        nav_items.append(NavItem("Directory", url, request.path.startswith(url)))
    sees_projects = getattr(membership, "sees_projects", None)  # where the view has read it along
    if sees_projects is None:
        sees_projects = bool(list_one_project(user=request.user.pk, company=company.pk))
    if sees_projects:
        url = reverse("projects")
        nav_items.append(NavItem("Projects", url, request.path.startswith(url)))
    return nav_items


@PreparedQuery
def list_one_project(user: Parameter, company: Parameter) -> QuerySet[Project, int]:
    projects = Project.objects.visible_to(user).filter(company=company).order_by()
    return projects.values_list("pk", flat=True)[:1]
