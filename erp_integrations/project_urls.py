"""The ERP's part in a project's Commitments tool; beside the addresses of ``commitments``."""

from django.urls import path

from erp_integrations import project_views

app_name = "project_erp"
urlpatterns = [
    path("spreadsheet/", project_views.spreadsheet, name="spreadsheet"),
    path("send-to-erp/", project_views.send_many, name="send_many"),
    path("new/check/", project_views.check_entry, name="check_new"),
    path("<int:commitment_id>/check/", project_views.check_entry, name="check"),
    path("<int:commitment_id>/send-to-erp/", project_views.send_to_erp, name="send"),
    path("<int:commitment_id>/send-status/", project_views.send_status, name="send_status"),
    path("<int:commitment_id>/retrieve-from-erp/", project_views.retrieve_from_erp, name="retrieve"),
    path("<int:commitment_id>/answer-question/", project_views.answer_question, name="answer"),
    path("<int:commitment_id>/take-number/", project_views.take_number, name="take_number"),
    path("<int:commitment_id>/merge-lines/", project_views.merge_lines, name="merge"),
    path("<int:commitment_id>/give-billing-items/", project_views.give_billing_items, name="billing_items"),
]
