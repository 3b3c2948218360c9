"""The tool's tabs, and "Filter Commitments By"."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from django.urls import reverse

from directory.db.pagination import parse_search
from directory.models import CompanyMembership, Level
from directory.requests import SignedInRequest
from erp_integrations.links import queries
from erp_integrations.pages import submission_list


@dataclass(frozen=True, slots=True)
class Choice:
    """A tab or a filter: where it leads, and how many are behind it."""

    label: str
    url: str
    current: bool
    count: str | None = None


def tabs(viewer: CompanyMembership, *, current: str) -> list[Choice]:
    """The sections of the tool, with how many links are missing where work waits. Two queries."""
    places = {
        "Overview": "overview",
        "Commitments": "commitments",
        "Deliveries": "deliveries",
        "Vendors": "vendors",
        "Jobs": "jobs",
        "Cost codes": "cost_codes",
        "Units": "units",
        "Reconciliation": "reconciliation",
        "Approvers": "approvers",
    }
    missing = {
        "Vendors": queries.counted(queries.vendors_where_work_waits(viewer.company)),
        "Jobs": queries.counted(queries.projects_where_work_waits(viewer.company)),
    }
    if viewer.erp_integrations_level == Level.ADMIN:
        places["Settings"] = "settings"
    if Level.ADMIN in (viewer.erp_integrations_level, viewer.directory_level):
        places["History"] = "activity"
    return [
        Choice(
            label,
            reverse(f"erp_integrations:{name}", args=[viewer.company.slug]),
            label == current,
            f"{missing[label]} not linked" if missing.get(label) else None,
        )
        for label, name in places.items()
    ]


def filters(viewer: CompanyMembership, *, current: submission_list.Filter, search: str) -> list[Choice]:
    """Every filter, with the counts of what somebody or something works on; the search stays."""
    address = reverse("erp_integrations:commitments", args=[viewer.company.slug])
    counts = submission_list.counts(viewer.company)
    return [
        Choice(
            chosen.label,
            f"{address}?{urlencode({'view': chosen.slug} | ({'q': search} if search else {}))}",
            chosen == current,
            None if counts.get(chosen.slug) == "0" else counts.get(chosen.slug),
        )
        for chosen in submission_list.FILTERS.values()
    ]


def filters_around(request: SignedInRequest, viewer: CompanyMembership) -> list[Choice]:
    """The filters of the list in which htmx asks, as they are now."""
    try:
        address = parse_qs(urlsplit(request.htmx.current_url or "").query)
    except ValueError:  # a header that is no address
        address = {}
    chosen = submission_list.FILTERS.get(address.get("view", [""])[0], submission_list.READY)
    return filters(viewer, current=chosen, search=parse_search(address.get("q", [""])[0]))
