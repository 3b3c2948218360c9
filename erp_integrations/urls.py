"""The company's ERP Integrations tool."""

from django.urls import path

from erp_integrations import views
from erp_integrations.links.kinds import JOB, VENDOR

app_name = "erp_integrations"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("deliveries/", views.deliveries, name="deliveries"),
    path("deliveries/<int:connection_id>/pause/", views.pause, name="pause"),
    path("deliveries/<int:connection_id>/let-go-on/", views.resume_connection, name="let-go-on"),
    path("commitments/", views.commitments, name="commitments"),
    path("commitments/<int:submission_id>/", views.review, name="review"),
    path("commitments/<int:submission_id>/progress/", views.progress, name="progress"),
    path("commitments/<int:submission_id>/row/", views.row, name="row"),
    path("commitments/<int:submission_id>/accept/", views.accept, name="accept"),
    path("commitments/<int:submission_id>/reject/", views.reject, name="reject"),
    path("commitments/<int:submission_id>/undo/", views.undo, name="undo"),
    path("commitments/<int:submission_id>/resume/", views.resume, name="resume"),
    path("commitments/<int:submission_id>/resolve/", views.resolve, name="resolve"),
    path("commitments/<int:submission_id>/unlink/", views.unlink, name="unlink"),
    path("commitments/<int:submission_id>/follow/", views.follow, name="follow"),
    path("vendors/", views.links, {"kind": VENDOR}, name="vendors"),
    path("vendors/<int:contract_company_id>/", views.link, {"kind": VENDOR}, name="vendor"),
    path("jobs/", views.links, {"kind": JOB}, name="jobs"),
    path("jobs/<int:project_id>/", views.link, {"kind": JOB}, name="job"),
    path("confirm/", views.confirm, name="confirm"),
    path("cost-codes/", views.cost_codes, name="cost_codes"),
    path("units/", views.units, name="units"),
    path("lists/<int:connection_id>/", views.lists, name="lists"),
    path("approvers/", views.approvers, name="approvers"),
    path("settings/", views.settings, name="settings"),
    path("settings/<int:connection_id>/", views.connection, name="connection"),
    path("settings/<int:connection_id>/probe/", views.probe, name="probe"),
    path("settings/<int:connection_id>/adopt/", views.accept_new_wsdl, name="adopt"),
    path("settings/<int:connection_id>/learn/", views.learn, name="learn"),
    path("settings/<int:connection_id>/rotate/", views.rotate, name="rotate"),
    path("activity/", views.activity, name="activity"),
    path("activity/export/", views.activity_export, name="activity-export"),
    path("reconciliation/", views.reconciliation, name="reconciliation"),
    path("reconciliation/progress/", views.reconciliation_progress, name="reconciliation-progress"),
    path("reconciliation/spreadsheet/", views.reconciliation_spreadsheet, name="reconciliation-spreadsheet"),
]
