"""Units: what projects write, and Spectrum's three letters for it. Everybody may look, Admins link."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from directory.models import Level
from directory.requests import SignedInRequest
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.links import linking
from erp_integrations.links import units as unit_links
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer
from erp_integrations.views.links import build_confirmation_context, find_chosen_connection, list_connections
from erp_integrations.views.navigation import NavItem


@require_http_methods(["GET", "HEAD", "POST"])
def units(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The units in use that don't fit Spectrum, with a suggestion each; one Save for all."""
    viewer = require_viewer(request, company_slug)
    connections = list_connections(viewer)
    connection = find_chosen_connection(connections, request)
    problem, status = "", 200
    typed: dict[str, str] = {}
    if request.method == "POST":
        require_administer_erp_integrations(request.user, viewer.company)
        typed = dict(zip(request.POST.getlist("unit"), request.POST.getlist("erp_unit"), strict=False))
        if connection is not None:
            try:
                changed = unit_links.link_units(
                    connection=connection,
                    entered=typed,
                    expected_hash=request.POST.get("expected_hash", ""),
                    by=request.user,
                )
            except linking.LinkError as error:
                problem, status = str(error), 409 if isinstance(error, linking.LinkChanged) else 422
            else:
                messages.success(request, "Saved." if changed else "Nothing was changed.")
                return redirect(request.get_full_path())
    rows = unit_links.list_used_units(connection) if connection else []
    context = {
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current="Units"),
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "connections": [
            NavItem(each.name, f"?connection={each.pk}", each == connection) for each in connections
        ],
        "rows": [(row, typed.get(row["unit"], row["erp_unit"] or row["suggested"])) for row in rows],
        "expected_hash": unit_links.hash_unit_links(connection) if connection else "",
        "problem": problem,
        **build_confirmation_context(viewer, Kind.UNIT),
    }
    return render(request, "erp_integrations/units.html", context, status=status)
