"""For operators: the health checks."""

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from directory.db.database_errors import is_database_unreachable
from erp_integrations.exports import status


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when exports are delivered; 503 with the reason when no worker looks, or nothing is taken up.

    Not for a load balancer: people can accept while this says 503, and nothing is lost.
    """
    try:
        checks = status.list_health_checks()
    except Error as error:
        if not is_database_unreachable(error):
            raise
        return HttpResponse("database: not reachable\n", status=503, content_type="text/plain; charset=utf-8")
    lines = [f"{check.name}: {'ok' if check.is_well else 'NOT OK'}, {check.sentence}\n" for check in checks]
    code = 200 if all(check.is_well for check in checks) else 503
    return HttpResponse("".join(lines), status=code, content_type="text/plain; charset=utf-8")
