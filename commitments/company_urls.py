"""A company's Contract Companies."""

from django.urls import path

from commitments import list_views
from commitments.lists import VENDOR

app_name = "contract_companies"
urlpatterns = [
    path("", list_views.rows, {"kind": VENDOR}, name="list"),
    path("<int:contract_company_id>/", list_views.row, {"kind": VENDOR}, name="row"),
    path("<int:contract_company_id>/merge/", list_views.merge, {"kind": VENDOR}, name="merge"),
]
