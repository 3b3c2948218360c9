"""The Company Directory."""

from django.urls import path

from directory import people_views

app_name = "directory"
urlpatterns = [
    path("", people_views.list_people, name="people"),
    path("former/", people_views.list_former, name="former"),
    path("invite/", people_views.invite, name="invite"),
    path("import/", people_views.import_people, name="import"),
    path("roles/", people_views.roles, name="roles"),
    path("settings/", people_views.settings, name="settings"),
    path("<int:membership_id>/", people_views.person, name="person"),
    path("<int:membership_id>/leave/", people_views.leave, name="leave"),
    path("<int:membership_id>/request/", people_views.request_privilege, name="request"),
]
