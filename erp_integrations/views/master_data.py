"""Spectrum's master data: the cost codes that they lack, and reading them again."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from directory.db.pagination import parse_search
from directory.models import Level
from directory.requests import SignedInRequest
from directory.web import rate_limits
from erp_integrations.links import linking, unmapped_cost_codes
from erp_integrations.master_data import status
from erp_integrations.models import Connection
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer
from erp_integrations.views.links import list_connections


@require_safe
@rate_limits.limit_rate(when=rate_limits.is_search)
def cost_codes(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Per project, the cost codes in use that have no phase on its job, or one that takes nothing."""
    viewer = require_viewer(request, company_slug)
    search = parse_search(request.GET.get("q", ""))
    page, projects = unmapped_cost_codes.get_project_page(
        viewer.company, search=search, parameters=request.GET.dict()
    )
    context = {
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current="Cost codes"),
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "search": search,
        "page": page,
        "projects": projects,
        "with_gaps": [each for each in projects if each["unmapped"]],
        "others": [each for each in projects if not each["unmapped"]],
        "sync_summaries": status.list_sync_summaries(list_connections(viewer)),
    }
    return render(request, "erp_integrations/cost_codes.html", context)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def sync(request: SignedInRequest, company_slug: str, connection_id: int) -> HttpResponse:
    """How far a connection's reading has come; a POST starts it again."""
    viewer = require_viewer(request, company_slug)
    connection = get_object_or_404(Connection, company=viewer.company, pk=connection_id)
    if request.method == "POST":
        linking.requeue_master_data_sync(connection=connection, by=request.user)
        if not request.htmx:
            messages.success(request, "The sync has started. It takes a moment.")
    if not request.htmx:
        return redirect("erp_integrations:vendors", company_slug)
    (summary,) = status.list_sync_summaries([connection])
    context = {
        "company": viewer.company,
        "summary": summary,
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "was_moving": True,
    }
    return render(request, "erp_integrations/_sync_summary.html", context)
