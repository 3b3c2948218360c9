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
from directory import pace
from directory.permissions import can_send_commitments
from directory.requests import SignedInRequest
from erp_integrations.connections import health
from erp_integrations.findings import preflight
from erp_integrations.review import explanations, listing, previews, sent_calls, standing, timeline
from erp_integrations.review.standing import Standing
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
    counts = listing.counts(viewer.company)
    oldest = listing.submissions_for(viewer.company).awaiting().order_by("pk")[:SHOWN_ON_OVERVIEW]
    address = reverse("erp_integrations:commitments", args=[company_slug])
    context = {
        "viewer": viewer,
        "tabs": navigation.tabs(viewer, current="Overview"),
        "list_url": address,
        "figures": [
            {"filter": chosen, "count": counts[chosen.slug], "url": f"{address}?view={chosen.slug}"}
            for chosen in listing.COUNTED
        ],
        "oldest": [standing.of(submission, viewer) for submission in oldest],
        "connections": health.of(viewer.company),
    }
    return render(request, "erp_integrations/overview.html", context)


@require_safe
@pace.costly(when=pace.searches)
def commitments(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The list, by "Filter Commitments By"."""
    viewer = viewer_of(request, company_slug)
    wanted = request.GET.get("view", listing.READY.slug)
    chosen = listing.FILTERS.get(wanted, listing.READY)
    if wanted != chosen.slug:
        messages.warning(request, f"There is no such filter, so this is {chosen.label}.")
    search = listing.readable_search(request.GET.get("q", ""))
    oldest_first = {"oldest": True, "newest": False}.get(request.GET.get("sort", ""), chosen.oldest_first)
    found = listing.page(
        viewer,
        chosen,
        search=search,
        oldest_first=oldest_first,
        cursor=listing.Cursor.read(request.GET.dict()),
    )
    here = {"view": chosen.slug} | ({"q": search} if search else {})
    sort = {} if oldest_first is chosen.oldest_first else {"sort": "oldest" if oldest_first else "newest"}
    other_sort = {} if sort else {"sort": "newest" if oldest_first else "oldest"}
    before_url = f"?{urlencode(here | sort | {'before': str(found.before)})}" if found.before else ""
    after_url = f"?{urlencode(here | sort | {'after': str(found.after)})}" if found.after else ""
    context = {
        "viewer": viewer,
        "company": viewer.company,
        "tabs": navigation.tabs(viewer, current="Commitments"),
        "chosen": chosen,
        "filters": navigation.filters(viewer, current=chosen, search=search),
        "search": search,
        "cleared_url": f"?{urlencode({'view': chosen.slug})}",
        "sort": sort.get("sort", ""),
        "rows": found.rows,
        "oldest_first": oldest_first,
        "other_sort_url": f"?{urlencode(here | other_sort)}",
        "older_url" if oldest_first else "newer_url": before_url,
        "newer_url" if oldest_first else "older_url": after_url,
    }
    return render(request, "erp_integrations/commitments.html", context)


@vary_on_headers("HX-Request")
@require_safe
def row(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """One row of the list, which asks for itself while it is being exported."""
    viewer = viewer_of(request, company_slug)
    submission = get_object_or_404(listing.submissions_for(viewer.company), pk=submission_id)
    stood = standing.of(submission, viewer)
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
@pace.costly()
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
