"""A project's Commitments tool."""

from django.urls import path

from commitments import views

app_name = "commitments"
urlpatterns = [
    path("", views.commitments, name="list"),
    path("new/", views.create, name="new"),
    path("vendors/", views.vendors, name="vendors"),
    path("cost-codes/", views.cost_codes, name="cost_codes"),
    path("<int:commitment_id>/", views.detail, name="detail"),
    path("<int:commitment_id>/edit/", views.edit, name="edit"),
    path("<int:commitment_id>/delete/", views.delete, name="delete"),
    path("<int:commitment_id>/pdf/", views.pdf, name="pdf"),
    path("<int:commitment_id>/attachments/", views.attach, name="attach"),
    path("<int:commitment_id>/attachments/<int:attachment_id>/", views.attachment, name="attachment"),
]
