"""The product's addresses, with the floors that it is measured beside."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import include, path
from django.utils.html import escape
from django.views.decorators.csrf import csrf_exempt

from directory.models import Company, CompanyMembership
from erp_integrations.models import Submission
from tests.bench.world import MEASURED


def list_floor(request: HttpRequest) -> HttpResponse:
    """A bare list: the session and the person, the right, one query, fifty rows."""
    membership = CompanyMembership.objects.select_related("company").get(
        user=request.user.pk, company__slug=MEASURED
    )
    rows = Submission.objects.filter(company=membership.company_id, status="awaiting").order_by("pk")
    columns = ("number", "title", "contract_company_name", "total", "project__name", "sent_by__email")
    cells = ("".join(f"<td>{escape(value)}</td>" for value in row) for row in rows.values_list(*columns)[:50])
    return HttpResponse(f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>")


@csrf_exempt
@login_not_required
def accept_floor(request: HttpRequest) -> HttpResponseBase:
    """One INSERT and its commit."""
    number = request.GET["number"]
    Company.objects.create(name=f"Floor {number}", slug=f"floor-{number}")
    return HttpResponse("done")


urlpatterns = [
    path("bench/list/", list_floor),
    path("bench/accept/", accept_floor),
    path("", include("config.urls")),
]
