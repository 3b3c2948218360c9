"""The person's own pages, and where the sign-in pages of allauth are not as they come."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.generic import RedirectView

from directory import views
from directory.accounts import views as session_views
from directory.accounts.passkeys import AddPasskeyView, RemovePasskeyView

urlpatterns = [
    # Whoever has chosen a password by a link signs in with it next.
    path(
        "password/reset/key/done/",
        login_not_required(RedirectView.as_view(pattern_name="account_login")),
        name="account_reset_password_from_key_done",
    ),
    # An administrator knows whose address it is; mails with business data go there unverified.
    path("email/", views.page_not_found, name="account_email"),
    # Passkeys stand on the page of two-step verification.
    path("two-step/webauthn/", views.page_not_found, name="mfa_list_webauthn"),
    path("two-step/webauthn/keys/<int:pk>/edit/", views.page_not_found, name="mfa_edit_webauthn"),
    path("two-step/webauthn/add/", AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path("two-step/webauthn/keys/<int:pk>/remove/", RemovePasskeyView.as_view(), name="mfa_remove_webauthn"),
    path("profile/", views.profile, name="profile"),
    path("sessions/", session_views.list_sessions, name="sessions"),
    path("sessions/end/", session_views.end_sessions, name="end_sessions"),
]
