"""The tables of the ERP Integrations tool, by what they are about."""

from erp_integrations.models.alarms import Alarm, Heartbeat
from erp_integrations.models.attestations import Attestation
from erp_integrations.models.batches import Batch, BatchAction, BatchItem, ItemState
from erp_integrations.models.connection_credentials import ConnectionCredentials
from erp_integrations.models.connection_settings import (
    BLANK_CODE,
    AuthenticationRule,
    ConnectionSettings,
    RetentionRule,
    SuccessRule,
)
from erp_integrations.models.connection_state import ConnectionState
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
    MAYBE_WRITTEN,
    CallState,
    ExportCall,
    ExportJob,
    WireAttempt,
)
from erp_integrations.models.job_statuses import JobStatus, Verification
from erp_integrations.models.kept_reasons import KeptReason
from erp_integrations.models.master_data import (
    Job,
    MastersPull,
    Phase,
    PhaseState,
    SyncStatus,
    Vendor,
)
from erp_integrations.models.questions import Question, QuestionState
from erp_integrations.models.reconciliations import (
    Drift,
    DriftKind,
    JobBilling,
    Reconciliation,
    ReconciliationStatus,
)
from erp_integrations.models.restores import Restore
from erp_integrations.models.row_checks import CheckInvalidation, CheckRule, SubmissionCheck, Verdict
from erp_integrations.models.saved_filters import SavedFilter
from erp_integrations.models.submissions import ErpIdHold, SnapshotUnreadable, Submission, SubmissionStatus
from erp_integrations.models.take_overs import TakeOver, TakeOverKind, TakeOverStatus
from erp_integrations.models.unconfirmed_changes import UnconfirmedChange
from erp_integrations.models.units import UnitLink

__all__ = [
    "BLANK_CODE",
    "MAYBE_WRITTEN",
    "Alarm",
    "Attestation",
    "AuthenticationRule",
    "Batch",
    "BatchAction",
    "BatchItem",
    "CallState",
    "CheckInvalidation",
    "CheckRule",
    "Connection",
    "ConnectionCredentials",
    "ConnectionSettings",
    "ConnectionState",
    "CostTypeAccount",
    "Drift",
    "DriftKind",
    "ErpIdHold",
    "ErpIdRule",
    "ExportCall",
    "ExportJob",
    "GuidPolicy",
    "Heartbeat",
    "ItemState",
    "Job",
    "JobBilling",
    "JobLink",
    "JobStatus",
    "KeptReason",
    "LedgerOrder",
    "MastersPull",
    "NonAsciiRule",
    "Phase",
    "PhaseState",
    "Question",
    "QuestionState",
    "Reconciliation",
    "ReconciliationStatus",
    "Restore",
    "RetentionRule",
    "SavedFilter",
    "SnapshotUnreadable",
    "Submission",
    "SubmissionCheck",
    "SubmissionStatus",
    "SuccessRule",
    "SyncStatus",
    "TakeOver",
    "TakeOverKind",
    "TakeOverStatus",
    "UnconfirmedChange",
    "UnitLink",
    "Vendor",
    "VendorLink",
    "Verdict",
    "Verification",
    "WireAttempt",
    "Wsdl",
]
