"""The tables of the ERP Integrations tool, by what they are about."""

from erp_integrations.models.alarms import Alarm, Heartbeat
from erp_integrations.models.connection_settings import AuthenticationRule, ConnectionSettings, SuccessRule
from erp_integrations.models.connections import (
    Connection,
    CostTypeAccount,
    ErpIdRule,
    GuidPolicy,
    JobLink,
    LedgerOrder,
    NonAsciiRule,
    VendorLink,
    Wsdl,
)
from erp_integrations.models.exports import (
    CallState,
    ExportCall,
    ExportJob,
    JobStatus,
    Verification,
    WireAttempt,
)
from erp_integrations.models.masters import Job, MastersPull, Phase, PhaseState, PullStatus, Vendor
from erp_integrations.models.reconciliations import (
    Drift,
    DriftKind,
    Reconciliation,
    ReconciliationStatus,
)
from erp_integrations.models.submissions import ErpIdHold, SnapshotUnreadable, Submission, SubmissionStatus
from erp_integrations.models.transitions import TransitionRefused

__all__ = [
    "Alarm",
    "AuthenticationRule",
    "CallState",
    "Connection",
    "ConnectionSettings",
    "CostTypeAccount",
    "Drift",
    "DriftKind",
    "ErpIdHold",
    "ErpIdRule",
    "ExportCall",
    "ExportJob",
    "GuidPolicy",
    "Heartbeat",
    "Job",
    "JobLink",
    "JobStatus",
    "LedgerOrder",
    "MastersPull",
    "NonAsciiRule",
    "Phase",
    "PhaseState",
    "PullStatus",
    "Reconciliation",
    "ReconciliationStatus",
    "SnapshotUnreadable",
    "Submission",
    "SubmissionStatus",
    "SuccessRule",
    "TransitionRefused",
    "Vendor",
    "VendorLink",
    "Verification",
    "WireAttempt",
    "Wsdl",
]
