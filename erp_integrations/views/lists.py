"""Spectrum's lists: the cost codes that they lack, and reading them again."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from directory import pace
from directory.models import Level
from directory.requests import SignedInRequest
from erp_integrations.masters import linking, list_states, phase_gaps
from erp_integrations.models import Connection
from erp_integrations.review import listing
from erp_integrations.views import navigation
from erp_integrations.views.access import viewer_of
from erp_integrations.views.links import connections_of


@require_safe
@pace.costly(when=pace.searches)
def cost_codes(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Per project, the cost codes in use that have no phase on its job, or one that takes nothing."""
    viewer = viewer_of(request, company_slug)
    search = listing.readable_search(request.GET.get("q", ""))
    page, projects = phase_gaps.page(viewer.company, search=search, parameters=request.GET.dict())
    context = {
        "viewer": viewer,
        "company": viewer.company,
        "tabs": navigation.tabs(viewer, current="Cost codes"),
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "search": search,
        "page": page,
        "projects": projects,
        "with_gaps": [each for each in projects if each.gaps],
        "others": [each for each in projects if not each.gaps],
        "lists": list_states.of(connections_of(viewer)),
    }
    return render(request, "erp_integrations/cost_codes.html", context)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@pace.costly(pace.MANY, when=pace.posts)
def lists(request: SignedInRequest, company_slug: str, connection_id: int) -> HttpResponse:
    """How far a connection's reading has come; a POST has the lists read again."""
    viewer = viewer_of(request, company_slug)
    connection = get_object_or_404(Connection, company=viewer.company, pk=connection_id)
    if request.method == "POST":
        linking.read_lists_again(connection=connection, by=request.user)
        if not request.htmx:
            messages.success(request, "Spectrum's lists are read again. This takes a moment.")
    if not request.htmx:
        return redirect("erp_integrations:vendors", company_slug)
    (state,) = list_states.of([connection])
    context = {
        "company": viewer.company,
        "state": state,
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "was_moving": True,
    }
    return render(request, "erp_integrations/_list_state.html", context)
