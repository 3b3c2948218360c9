"""The person's own pages, and where the sign-in pages of allauth are not as they come."""

from django.urls import path

from directory import views
from directory.accounts import views as session_views

urlpatterns = [
    # An administrator knows whose address it is; mails with business data go there unverified.
    path("email/", views.page_not_found, name="account_email"),
    path("profile/", views.profile, name="profile"),
    path("sessions/", session_views.list_sessions, name="sessions"),
    path("sessions/end/", session_views.end_sessions, name="end_sessions"),
]
