"""The company's ERP Integrations tool."""

from django.urls import path
from django.views.generic import RedirectView

from erp_integrations.links.kinds import JOB, VENDOR
from erp_integrations.models import TakeOverKind
from erp_integrations.views import (
    approvers,
    bulk,
    dialogs,
    first_steps,
    follow_ups,
    history,
    kept_reasons,
    links,
    master_data,
    questions,
    reconciliation,
    saved_filters,
    settings,
    submissions,
    take_over,
    units,
)

app_name = "erp_integrations"
urlpatterns = [
    path("", submissions.overview, name="overview"),
    path("start/", submissions.start, name="start"),
    path("first-steps/", first_steps.first_steps, name="first_steps"),
    path("commitments/", submissions.commitments, name="commitments"),
    path("commitments/rows/", submissions.rows, name="rows"),
    path("commitments/spreadsheet/", submissions.spreadsheet, name="spreadsheet"),
    path("commitments/decide/", bulk.Bulk.as_view(), name="bulk"),
    path("batches/<int:batch_id>/", bulk.batch, name="batch"),
    path("reasons/", kept_reasons.reasons, name="reasons"),
    path("reasons/<int:reason_id>/delete/", kept_reasons.delete_reason, name="delete-reason"),
    path("commitments/filters/", saved_filters.save_filters, name="filters"),
    path("commitments/filters/<int:filters_id>/delete/", saved_filters.delete_filters, name="delete-filters"),
    path("commitments/<int:submission_id>/", submissions.review, name="review"),
    path(
        "commitments/<int:submission_id>/attachments/<int:attachment_id>/",
        submissions.attachment,
        name="attachment",
    ),
    path("commitments/<int:submission_id>/progress/", submissions.progress, name="progress"),
    path("commitments/<int:submission_id>/accept/", dialogs.Accept.as_view(), name="accept"),
    path("commitments/<int:submission_id>/reject/", dialogs.Reject.as_view(), name="reject"),
    path("commitments/<int:submission_id>/account/", follow_ups.ProposeAccount.as_view(), name="account"),
    path("commitments/<int:submission_id>/ask/", questions.Ask.as_view(), name="ask"),
    path("commitments/<int:submission_id>/undo/", follow_ups.Undo.as_view(), name="undo"),
    path("commitments/<int:submission_id>/look-again/", follow_ups.LookAgain.as_view(), name="look-again"),
    path("commitments/<int:submission_id>/seen/", follow_ups.Seen.as_view(), name="seen"),
    path("commitments/<int:submission_id>/resume/", follow_ups.Resume.as_view(), name="resume"),
    path("commitments/<int:submission_id>/resolve/", follow_ups.Resolve.as_view(), name="resolve"),
    path("commitments/<int:submission_id>/unlink/", follow_ups.Unlink.as_view(), name="unlink"),
    path("commitments/<int:submission_id>/follow/", follow_ups.Follow.as_view(), name="follow"),
    path("vendors/", links.links, {"kind": VENDOR}, name="vendors"),
    path("vendors/same-names/", links.same_names, name="same-names"),
    path("vendors/<int:contract_company_id>/", links.link, {"kind": VENDOR}, name="vendor"),
    path("jobs/", links.links, {"kind": JOB}, name="jobs"),
    path("jobs/<int:project_id>/", links.link, {"kind": JOB}, name="job"),
    path("take-over/", take_over.show_take_over, {"kind": TakeOverKind.LISTS}, name="take_over"),
    path("running/", take_over.show_take_over, {"kind": TakeOverKind.COMMITMENTS}, name="running"),
    path("confirm/", links.confirm, name="confirm"),
    path("cost-codes/", master_data.cost_codes, name="cost_codes"),
    path("units/", units.units, name="units"),
    path("master-data/<int:connection_id>/", master_data.sync, name="master_data"),
    path("approvers/", approvers.approvers, name="approvers"),
    path("settings/", settings.settings, name="settings"),
    path("settings/mail/", settings.try_addresses, name="try-addresses"),
    path("settings/mails/", settings.mails, name="mails"),
    path("settings/rules/", settings.rules, name="rules"),
    path("settings/<int:connection_id>/", settings.connection, name="connection"),
    path("settings/<int:connection_id>/pause/", settings.set_paused, {"is_paused": True}, name="pause"),
    path(
        "settings/<int:connection_id>/resume/",
        settings.set_paused,
        {"is_paused": False},
        name="resume-connection",
    ),
    path("settings/<int:connection_id>/probe/", settings.probe, name="probe"),
    path("settings/<int:connection_id>/accept-wsdl/", settings.accept_wsdl, name="accept-wsdl"),
    path(
        "settings/<int:connection_id>/accept-reply-rule/",
        settings.accept_reply_rule,
        name="accept-reply-rule",
    ),
    path("settings/<int:connection_id>/rotate/", settings.rotate, name="rotate"),
    path("history/", history.history, name="history"),
    path("history/export/", history.export, name="history-export"),
    path("reconciliation/", reconciliation.reconciliation, name="reconciliation"),
    path("reconciliation/progress/", reconciliation.reconciliation_progress, name="reconciliation-progress"),
    path(
        "reconciliation/spreadsheet/",
        reconciliation.reconciliation_spreadsheet,
        name="reconciliation-spreadsheet",
    ),
]

FORMER_ADDRESSES = {
    "activity/": "history",
    "activity/export/": "history-export",
    "lists/<int:connection_id>/": "master_data",
    "deliveries/": "overview",
    "deliveries/<int:connection_id>/pause/": "pause",
    "deliveries/<int:connection_id>/resume/": "resume-connection",
    "deliveries/<int:connection_id>/let-go-on/": "resume-connection",
}
"""Bookmarks and open pages still lead to these; whoever posts there is asked to press the button again."""

for former, name in FORMER_ADDRESSES.items():
    current = RedirectView.as_view(
        pattern_name=f"{app_name}:{name}",
        permanent=True,
        query_string=True,
        http_method_names=["get", "head", "post"],
    )
    urlpatterns.append(path(former, current))
