"""The company's history: searched, looked at page by page, and taken away by auditors."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from directory.accounts import reauthentication
from directory.history import descriptions, events
from directory.models import VISIBLE_LEVELS, CompanyMembership, HistoryEntry, HistorySeal, Invitation, User
from directory.requests import SignedInRequest
from directory.rights.permissions import require_see_history
from directory.web import rate_limits
from erp_integrations.audit import history_export, history_search, subjects
from erp_integrations.audit.history_search import EVENT_GROUPS, OTHER_PREFIXES, Search
from erp_integrations.views import navigation
from erp_integrations.views.access import require_member

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One entry as the page shows it."""

    entry: HistoryEntry
    story: descriptions.EntryDescription
    by: User | None
    subject: subjects.Subject
    seal: HistorySeal | None
    by_url: str
    subject_url: str


@require_safe
@rate_limits.limit_rate(when=lambda request: bool(request.GET))
def history(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The history, newest first; a number of queries that does not grow with it."""
    viewer = require_auditor(request, company_slug)
    search = Search.from_parameters(request.GET.dict())
    found = history_search.get_page(viewer.company, search, request.GET.dict())
    sees_tool = viewer.erp_integrations_level in VISIBLE_LEVELS
    context = {
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current="History") if sees_tool else [],
        "search": search,
        "groups": [(name, label) for name, (label, _) in EVENT_GROUPS.items()],
        "events": list_events(),
        "people": list_people(viewer, search),
        "rows": build_rows(viewer, search, found.rows),
        "page": found,
        "anything_url": search.build_query(subject=""),
    }
    return render(request, "erp_integrations/history.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def export(request: SignedInRequest, company_slug: str) -> HttpResponseBase:
    """The search's entries as a file. A POST, because that somebody took it away is remembered."""
    viewer = require_auditor(request, company_slug)
    if request.method != "POST":
        # Somebody whose session had ended comes back from sign-in to this address.
        messages.info(request, "Nothing was exported. Press the button again.")
        return redirect("erp_integrations:history", company_slug)
    if question := reauthentication.handle_reauthentication(request):
        return question
    kind = request.POST.get("format", "")
    search = Search.from_parameters(request.POST.dict())
    try:
        lines = history_export.export_history(
            company=viewer.company, search=search, kind=kind, by=request.user
        )
    except history_export.UnknownFormat as problem:
        messages.error(request, str(problem))
        return redirect("erp_integrations:history", company_slug)
    response = StreamingHttpResponse(lines, content_type=CONTENT_TYPES[kind])
    name = f"history-{viewer.company.slug}-{timezone.localdate():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def require_auditor(request: SignedInRequest, company_slug: str) -> CompanyMembership:
    """The viewer, who may see the history; others get 403, strangers 404."""
    viewer = require_member(request, company_slug)
    require_see_history(request.user, viewer.company)
    return viewer


def list_events() -> list[tuple[str, str]]:
    """Every single event that a company's history can hold, by its words."""
    here = [
        (event.value, str(event.label))
        for event in events.list_events()
        if not event.value.startswith(OTHER_PREFIXES)
    ]
    return sorted(here, key=lambda event: event[1])


def list_people(viewer: CompanyMembership, search: Search) -> list[Any]:
    """Who may be chosen: the company's people, and whoever is chosen already."""
    people = User.objects.filter(company_memberships__company=viewer.company)
    if search.person:
        people = people | User.objects.filter(
            pk=search.person, pk__in=HistoryEntry.objects.filter(company_id=viewer.company.pk).values("by_id")
        )
    chosen = list(people.distinct().order_by("first_name", "last_name", "email"))
    Invitation.objects.filter(company=viewer.company).name_people(chosen)
    return chosen


def build_rows(viewer: CompanyMembership, search: Search, entries: list[HistoryEntry]) -> list[HistoryRow]:
    people = descriptions.list_named_people(entries)
    about = subjects.find_subjects(entries, viewer)
    seals = HistorySeal.objects.in_bulk([entry.pk for entry in entries])
    return [
        HistoryRow(
            entry=entry,
            story=descriptions.describe_entry(entry, people),
            by=people.get(entry.by_id or 0),
            subject=about[entry.subject_type, entry.subject_id],
            seal=seals.get(entry.pk),
            by_url=search.build_query(person=str(entry.by_id)) if entry.by_id else "",
            subject_url=search.build_query(subject=f"{entry.subject_type}:{entry.subject_id}"),
        )
        for entry in entries
    ]
