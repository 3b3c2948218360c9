"""Django admin for the ERP Integrations tool: connections and links are set here, deliveries are seen."""

from erp_integrations.admin.connections import ConnectionAdmin
from erp_integrations.admin.deliveries import (
    AttestationAdmin,
    ErpIdHoldAdmin,
    ExportCallAdmin,
    ExportJobAdmin,
    SubmissionAdmin,
    WireAttemptAdmin,
)
from erp_integrations.admin.exemptions import ApproverAdmin
from erp_integrations.admin.links import CostTypeAccountAdmin, JobLinkAdmin, VendorLinkAdmin

__all__ = [
    "ApproverAdmin",
    "AttestationAdmin",
    "ConnectionAdmin",
    "CostTypeAccountAdmin",
    "ErpIdHoldAdmin",
    "ExportCallAdmin",
    "ExportJobAdmin",
    "JobLinkAdmin",
    "SubmissionAdmin",
    "VendorLinkAdmin",
    "WireAttemptAdmin",
]
