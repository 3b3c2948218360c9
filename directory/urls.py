"""The person's own pages, beside the sign-in pages of allauth."""

from django.urls import path

from directory import views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
]
