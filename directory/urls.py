"""The person's own pages, and where the sign-in pages of allauth are not as they come."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from directory import session_views, sign_in, views

urlpatterns = [
    # An administrator knows whose address it is; mails with business data go there unverified.
    path("email/", views.not_here, name="account_email"),
    path(
        "password/reset/",
        login_not_required(sign_in.ResetPasswordView.as_view()),
        name="account_reset_password",
    ),
    path("profile/", views.profile, name="profile"),
    path("sessions/", session_views.listed, name="sessions"),
    path("sessions/end/", session_views.end, name="end_sessions"),
]
