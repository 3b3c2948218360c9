"""The product's addresses, with the floors that it is measured beside."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import include, path

from directory.models import Company, CompanyMembership
from erp_integrations.models import Submission
from tests.bench.world import MEASURED

ROWS = Engine().from_string(
    "<table>{% for row in rows %}<tr><td>{{ row.number }}<td>{{ row.title }}<td>{{ row.project.name }}"
    "<td>{{ row.contract_company_name }}<td>{{ row.total }}<td>{{ row.sent_by }}<td>{{ row.sent_at }}"
    "{% endfor %}</table>"
)


def list_floor(request: HttpRequest) -> HttpResponse:
    """A bare list: the session and the person, the right, one query, fifty rows in a template."""
    membership = get_right(request)
    waiting = Submission.objects.filter(company=membership.company_id, status="awaiting")
    rows = waiting.select_related("project", "sent_by").defer("snapshot").order_by("pk")[:50]
    return HttpResponse(ROWS.render(Context({"rows": rows})))


def accept_floor(request: HttpRequest) -> HttpResponse:
    """A bare decision: the session and the person, the right, one INSERT and its commit."""
    get_right(request)
    row = Company(name=f"Floor {request.POST['number']}", slug=f"floor-{request.POST['number']}")
    super(Company, row).save(force_insert=True)  # its own looks for people whose times follow it
    return HttpResponse("done")


def get_right(request: HttpRequest) -> CompanyMembership:
    return CompanyMembership.objects.select_related("company").get(
        user=request.user.pk, company__slug=MEASURED
    )


class Rival(admin.AdminSite):
    """What Django gives for nothing: its own list, as a careful hand tunes it."""

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_authenticated)


class RivalList(admin.ModelAdmin[Submission]):
    list_display = [
        "number",
        "kind",
        "title",
        "project",
        "contract_company_name",
        "total",
        "sent_by",
        "sent_at",
    ]
    list_filter = ["status"]
    search_fields = ["number", "title"]
    list_select_related = ["project", "sent_by"]
    list_per_page = 50
    show_full_result_count = False
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        return super().get_queryset(request).filter(company__slug=MEASURED).defer("snapshot", "search")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True


rival = Rival("rival")
rival.register(Submission, RivalList)

urlpatterns = [
    path("bench/admin/", rival.urls),
    path("bench/list/", list_floor),
    path("bench/accept/", accept_floor),
    path("", include("config.urls")),
]
