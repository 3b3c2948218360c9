"""The tool's screens: what waits, what became of it, the boxes, what may follow, and the links."""

from erp_integrations.views.approvers import approvers
from erp_integrations.views.dialogs import accept, reject
from erp_integrations.views.follow_ups import follow, resolve, resume, undo, unlink
from erp_integrations.views.history import activity, activity_export
from erp_integrations.views.links import confirm, link, links
from erp_integrations.views.master_data import cost_codes, lists
from erp_integrations.views.operations import (
    deliveries,
    pause,
    readyz,
    resume_connection,
)
from erp_integrations.views.reconciliation import (
    reconciliation,
    reconciliation_progress,
    reconciliation_spreadsheet,
)
from erp_integrations.views.settings import accept_new_wsdl, connection, learn, probe, rotate, settings
from erp_integrations.views.submissions import (
    commitments,
    overview,
    progress,
    review,
    row,
)
from erp_integrations.views.units import units

__all__ = [
    "accept",
    "accept_new_wsdl",
    "activity",
    "activity_export",
    "approvers",
    "commitments",
    "confirm",
    "connection",
    "cost_codes",
    "deliveries",
    "follow",
    "learn",
    "link",
    "links",
    "lists",
    "overview",
    "pause",
    "probe",
    "progress",
    "readyz",
    "reconciliation",
    "reconciliation_progress",
    "reconciliation_spreadsheet",
    "reject",
    "resolve",
    "resume",
    "resume_connection",
    "review",
    "rotate",
    "row",
    "settings",
    "undo",
    "units",
    "unlink",
]
