"""Every address, by tool. Stable: links in mails and bookmarks point here."""

from django.contrib import admin
from django.urls import include, path

from directory.views import healthz, home, projects
from erp_integrations.project_views import waiting
from erp_integrations.views import readyz
from notifications.views import mails, unsubscribe

urlpatterns = [
    path("", home, name="home"),
    path("projects/", projects, name="projects"),
    path("projects/waiting/", waiting, name="waiting"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("accounts/", include("directory.urls")),
    path("accounts/mails/", mails, name="mails"),
    path("accounts/mails/stop/<str:token>/", unsubscribe, name="unsubscribe"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/two-step/", include("allauth.mfa.urls")),
    path("admin/", admin.site.urls),
    path("companies/<slug:company_slug>/erp-integrations/", include("erp_integrations.urls")),
    path("companies/<slug:company_slug>/import/", include("commitments.import_urls")),
    path("companies/<slug:company_slug>/directory/", include("directory.company_urls")),
    path("companies/<slug:company_slug>/contract-companies/", include("commitments.company_urls")),
    path("projects/<int:project_id>/commitments/", include("erp_integrations.project_urls")),
    path("projects/<int:project_id>/commitments/", include("commitments.urls")),
]

handler403 = "directory.views.permission_denied"
handler500 = "directory.views.server_error"
