"""Files that are brought into a company."""

from django.urls import path

from commitments import import_views

app_name = "imports"
urlpatterns = [
    path("", import_views.start, name="start"),
    path("template/<str:kind>/", import_views.template, name="template"),
    path("<int:import_id>/", import_views.detail, name="import"),
]
