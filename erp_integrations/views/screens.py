"""What a person looks at: the overview, the list, one submission. Nothing here decides."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from commitments.models import Badge
from directory.db.pagination import parse_search
from directory.requests import SignedInRequest
from directory.rights.permissions import can_send_commitments
from directory.web import rate_limits
from erp_integrations.checks import preflight
from erp_integrations.connections import health
from erp_integrations.pages import (
    explanations,
    previews,
    sent_calls,
    submission_list,
    submission_row,
    timeline,
)
from erp_integrations.pages.submission_row import Standing
from erp_integrations.views import navigation
from erp_integrations.views.access import standing_of, viewer_of

SHOWN_ON_OVERVIEW = 5
LONGEST_ENDING = 300  # characters; the commitment's own page has all of them
ENDINGS = {
    Badge.SYNCED: messages.SUCCESS,
    Badge.SYNCED_WITH_DIFFERENCES: messages.WARNING,
    Badge.FAILED: messages.ERROR,
    Badge.NEEDS_ATTENTION: messages.ERROR,
}


@require_safe
def overview(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """What waits, what is on its way, what went wrong, and whether Spectrum can be reached."""
    viewer = viewer_of(request, company_slug)
    counts = submission_list.counts(viewer.company)
    oldest = submission_list.submissions_for(viewer.company).awaiting().order_by("pk")[:SHOWN_ON_OVERVIEW]
    address = reverse("erp_integrations:commitments", args=[company_slug])
    context = {
        "viewer": viewer,
        "tabs": navigation.tabs(viewer, current="Overview"),
        "list_url": address,
        "figures": [
            {"filter": chosen, "count": counts[chosen.slug], "url": f"{address}?view={chosen.slug}"}
            for chosen in submission_list.COUNTED
        ],
        "oldest": [submission_row.of(submission, viewer) for submission in oldest],
        "connections": health.of(viewer.company),
    }
    return render(request, "erp_integrations/overview.html", context)


@require_safe
@rate_limits.costly(when=rate_limits.searches)
def commitments(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The list, by "Filter Commitments By"."""
    viewer = viewer_of(request, company_slug)
    wanted = request.GET.get("view", submission_list.READY.slug)
    chosen = submission_list.FILTERS.get(wanted, submission_list.READY)
    if wanted != chosen.slug:
        messages.warning(request, f"There is no such filter, so this is {chosen.label}.")
    search = parse_search(request.GET.get("q", ""))
    oldest_first = {"oldest": True, "newest": False}.get(request.GET.get("sort", ""), chosen.oldest_first)
    here = {"view": chosen.slug} | ({"q": search} if search else {})
    sort = {} if oldest_first is chosen.oldest_first else {"sort": "oldest" if oldest_first else "newest"}
    found = submission_list.get_page(
        viewer.company,
        chosen,
        request.GET.dict(),
        search=search,
        oldest_first=oldest_first,
        kept=here | sort,
    )
    other_sort = {} if sort else {"sort": "newest" if oldest_first else "oldest"}
    context = {
        "viewer": viewer,
        "company": viewer.company,
        "tabs": navigation.tabs(viewer, current="Commitments"),
        "chosen": chosen,
        "filters": navigation.filters(viewer, current=chosen, search=search),
        "search": search,
        "cleared_url": f"?{urlencode({'view': chosen.slug})}",
        "sort": sort.get("sort", ""),
        "rows": [submission_row.of(submission, viewer) for submission in found.rows],
        "oldest_first": oldest_first,
        "other_sort_url": f"?{urlencode(here | other_sort)}",
        "page": found,
        "before_label": "Older" if oldest_first else "Newer",
        "after_label": "Newer" if oldest_first else "Older",
    }
    return render(request, "erp_integrations/commitments.html", context)


@vary_on_headers("HX-Request")
@require_safe
def row(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """One row of the list, which asks for itself while it is being exported."""
    viewer = viewer_of(request, company_slug)
    submission = get_object_or_404(submission_list.submissions_for(viewer.company), pk=submission_id)
    stood = submission_row.of(submission, viewer)
    if not request.htmx:
        return redirect("erp_integrations:review", company_slug, submission_id)
    context = {
        "row": stood,
        "company": viewer.company,
        "just_changed": not stood.is_moving,
        "read_only": "read-only" in request.GET,
    }
    if not stood.is_moving:
        context["filters"] = navigation.filters_around(request, viewer)
        _say_how_it_ended(request, stood)
    return render(request, "erp_integrations/_polled_row.html", context)


@vary_on_headers("HX-Request")
@require_safe
def progress(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """The review page's moving parts, which ask for themselves while it is being exported."""
    stood = standing_of(request, company_slug, submission_id)
    if not request.htmx:
        return redirect("erp_integrations:review", company_slug, submission_id)
    return render(request, "erp_integrations/_progress.html", _moving_parts(stood))


@require_safe
@rate_limits.costly()
def review(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Everything about one submission: what was sent, what stands in the way, what Spectrum stores."""
    stood = standing_of(request, company_slug, submission_id)
    submission = stood.submission
    damage = explanations.damage(stood)
    document = None if damage else submission.document
    preview = previews.of(submission) if stood.is_open and document else None
    calls = list(preview.calls) if preview else []
    if stood.job:
        calls = sent_calls.accepted_calls(stood.job)
    context = _moving_parts(stood) | {
        "damage": damage,
        "document": document,
        "document_status": sent_calls.status_of(document) if document else "",
        "preview": preview,
        "calls": calls,
        "goes_to": preview.goes_to if preview else document and preflight.basis_of(document).masters,
    }
    return render(request, "erp_integrations/review.html", context)


def _say_how_it_ended(request: SignedInRequest, stood: Standing) -> None:
    """In the place of "is being exported", which stands above the list since the decision."""
    remark = Truncator(stood.remark).chars(LONGEST_ENDING)
    words = ". ".join(filter(None, [f"{stood.submission.number}: {stood.status}", remark]))
    level = ENDINGS.get(stood.badge, messages.INFO)
    messages.add_message(request, level, f"{words.rstrip('.')}.")


def _moving_parts(stood: Standing) -> dict[str, Any]:
    return {
        "stood": stood,
        "submission": stood.submission,
        "company": stood.viewer.company,
        "may_unlink": can_send_commitments(stood.viewer.user, stood.submission.project),
        "explanation": explanations.of(stood),
        "changed_here": explanations.of_changes_here(stood),
        "elsewhere": explanations.of_record_elsewhere(stood),
        "deliveries": [] if stood.is_moving else sent_calls.deliveries(stood.job),
        "timeline": timeline.of(stood.submission.commitment),
    }
