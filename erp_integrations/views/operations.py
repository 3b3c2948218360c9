"""For operators: how deliveries stand, pausing a connection, and the health checks."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from directory.db.database_errors import is_database_unreachable
from directory.models import Level
from directory.requests import SignedInRequest
from erp_integrations.connections import pauses as pausing
from erp_integrations.exports import status as operations
from erp_integrations.models import Connection
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer


@require_safe
def deliveries(request: SignedInRequest, company_slug: str) -> HttpResponse:
    viewer = require_viewer(request, company_slug)
    context = {
        "tabs": navigation.list_tabs(viewer, current="Exports"),
        "rows": operations.list_export_counts(viewer.company),
        "checks": operations.list_health_checks(),
        "may_pause": viewer.erp_integrations_level == Level.ADMIN,
    }
    return render(request, "erp_integrations/deliveries.html", context)


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when exports are delivered; 503 with the reason when no worker looks, or nothing is taken up.

    Not for a load balancer: people can accept while this says 503, and nothing is lost.
    """
    try:
        checks = operations.list_health_checks()
    except Error as error:
        if not is_database_unreachable(error):
            raise
        return HttpResponse("database: not reachable\n", status=503, content_type="text/plain; charset=utf-8")
    lines = [f"{check.name}: {'ok' if check.is_well else 'NOT OK'}, {check.sentence}\n" for check in checks]
    status = 200 if all(check.is_well for check in checks) else 503
    return HttpResponse("".join(lines), status=status, content_type="text/plain; charset=utf-8")


@require_http_methods(["GET", "HEAD", "POST"])
def set_paused(
    request: SignedInRequest, company_slug: str, connection_id: int, *, pauses: bool
) -> HttpResponse:
    viewer = require_viewer(request, company_slug)
    connection = get_object_or_404(Connection, pk=connection_id, company=viewer.company)
    if request.method != "POST":
        # Somebody whose session had ended comes back from sign-in to this address.
        messages.info(request, "Nothing was done. Press the button again.")
        return redirect("erp_integrations:deliveries", company_slug)
    try:
        if pauses:
            pausing.pause(connection=connection, by=request.user, reason=request.POST.get("reason", ""))
        else:
            pausing.resume(connection=connection, by=request.user)
    except pausing.PauseError as error:
        messages.error(request, str(error))
    else:
        done = "is paused. Accepted commitments wait" if pauses else "is resumed"
        messages.success(request, f"{connection.name} {done}.")
    return redirect("erp_integrations:deliveries", company_slug)
