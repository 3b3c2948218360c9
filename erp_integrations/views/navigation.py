"""The tool's tabs, and "Filter Commitments By"."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db.models import QuerySet
from django.urls import reverse

from directory.db.pagination import parse_search
from directory.db.prepared import Parameter
from directory.models import Company, CompanyMembership, Level
from directory.requests import SignedInRequest
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.links import queries
from erp_integrations.links.kinds import JOB, VENDOR
from erp_integrations.models.listing import count_by_name, format_count
from erp_integrations.pages import submission_list
from erp_integrations.pages.list_criteria import CRITERIA
from erp_integrations.reconciliation import drift_list


@dataclass(frozen=True, slots=True)
class NavItem:
    """A tab or a filter: where it leads, and how many are behind it."""

    label: str
    url: str
    current: bool
    count: str | None = None


CONFIRMED_ON = {Kind.VENDOR: "Vendors", Kind.JOB: "Jobs", Kind.UNIT: "Units"}
"""Everything else that waits for a second person is on the settings page."""


def list_tabs(viewer: CompanyMembership, *, current: str) -> list[NavItem]:
    """The sections of the tool, and what waits there for who can do it; ``current`` is one more where it is
    none of them. One query, for what they can do.
    """
    url_names = {
        "Overview": "overview",
        "Commitments": "commitments",
        "Vendors": "vendors",
        "Jobs": "jobs",
        "Cost codes": "cost_codes",
        "Units": "units",
        "Reconciliation": "reconciliation",
        "Approvers": "approvers",
    }
    is_admin = viewer.erp_integrations_level == Level.ADMIN
    counts = count_work(viewer.company) if is_admin else {}
    asks = []
    if viewer.can_decide:
        counts = counts or count_drifts(viewer.company)
        asks.append(("Reconciliation", counts["Reconciliation"], "drifted"))
    if is_admin:
        url_names["Settings"] = "settings"
        asks += [(kind.title, counts[kind.title], "not linked") for kind in (VENDOR, JOB)]
        subjects = viewer.others_changes  # type: ignore[attr-defined]  # annotated
        to_confirm = Counter(CONFIRMED_ON.get(Subject.parse(each).kind, "Settings") for each in subjects)
        asks += [(label, format_count(count), "to confirm") for label, count in to_confirm.items()]
    if viewer.can_see_history:
        url_names["History"] = "history"
    extra = [] if current in {"", *url_names} else [NavItem(current, "", current=True)]
    return extra + [
        NavItem(
            label,
            reverse(f"erp_integrations:{name}", args=[viewer.company.slug]),
            label == current,
            ", ".join(f"{count} {what}" for tab, count, what in asks if tab == label and count != "0")
            or None,
        )
        for label, name in url_names.items()
    ]


def list_work(company: Parameter) -> dict[str, QuerySet[Any]]:
    """Missing links, and drift that nobody has seen."""
    links = {kind.title: queries.list_needing_links(kind, company) for kind in (VENDOR, JOB)}
    return {**links, **list_drifts(company)}


def list_drifts(company: Parameter) -> dict[str, QuerySet[Any]]:
    return {"Reconciliation": drift_list.list_drifts(company).filter(job__seen_at=None)}


count_work, count_drifts = count_by_name(list_work), count_by_name(list_drifts)


def list_filters(
    viewer: CompanyMembership, *, current: submission_list.Filter, kept: Mapping[str, str]
) -> list[NavItem]:
    """Every filter, with the counts of what somebody or something works on; search and criteria stay."""
    counts = submission_list.count_by_filter(viewer.company)
    address = build_list_url(viewer.company, {})
    return [
        NavItem(
            chosen.label,
            address + urlencode({"view": slug, **kept}),
            chosen == current,
            None if counts.get(slug) == "0" else counts.get(slug),
        )
        for slug, chosen in submission_list.FILTERS.items()
    ]


def build_list_url(company: Company, parameters: Mapping[str, str]) -> str:
    return f"{submission_list.build_address(company.slug)}?{urlencode(parameters)}"


def list_filters_for_htmx(request: SignedInRequest, viewer: CompanyMembership) -> list[NavItem]:
    """The filters of the list in which htmx asks, as they are now."""
    try:
        address = dict(parse_qsl(urlsplit(request.htmx.current_url or "").query))
    except ValueError:  # a header that is no address
        address = {}
    chosen = submission_list.FILTERS.get(address.get("view", ""), submission_list.READY)
    names = ("q", *(each.name for each in CRITERIA))
    kept = {name: value for name in names if (value := parse_search(address.get(name, "")))}
    return list_filters(viewer, current=chosen, kept=kept)
