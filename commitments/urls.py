"""A project's Commitments tool."""

from django.urls import path

from commitments import list_views, views
from commitments.lists import COST_CODE

app_name = "commitments"
urlpatterns = [
    path("", views.commitments, name="list"),
    path("new/", views.create, name="new"),
    path("vendors/", views.vendors, name="vendors"),
    path("cost-codes/", list_views.rows, {"kind": COST_CODE}, name="cost_codes"),
    path("cost-codes/<int:cost_code_id>/", list_views.row, {"kind": COST_CODE}, name="cost_code"),
    path(
        "cost-codes/<int:cost_code_id>/merge/", list_views.merge, {"kind": COST_CODE}, name="merge_cost_code"
    ),
    path("<int:commitment_id>/", views.detail, name="detail"),
    path("<int:commitment_id>/edit/", views.edit, name="edit"),
    path("<int:commitment_id>/delete/", views.delete, name="delete"),
    path("<int:commitment_id>/pdf/", views.pdf, name="pdf"),
    path("<int:commitment_id>/attachments/", views.attach, name="attach"),
    path("<int:commitment_id>/attachments/<int:attachment_id>/", views.attachment, name="attachment"),
]
