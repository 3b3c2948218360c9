"""The events between accounting and the ERP."""

from directory.history.events import Event


class ErpEvent(Event):
    SUBMISSION_SENT = "submission.sent", "Sent to accounting"
    SUBMISSION_RETRIEVED = "submission.retrieved", "Retrieved from accounting"
    SUBMISSION_ACCEPTED = "submission.accepted", "Accepted for export"
    SUBMISSION_ADOPTED = "submission.adopted", "Marked as exported, without writing"
    SUBMISSION_REJECTED = "submission.rejected", "Rejected"
    SUBMISSION_EXEMPTED = "submission.exempted", "An approver was exempted once"
    SUBMISSION_UNDONE = "submission.undone", "Undone before anything was sent"
    SUBMISSION_UNLINKED = "submission.unlinked", "Unlinked"
    SUBMISSION_RETURNED = "submission.returned", "Back to Ready to Export: its acceptance does not count"
    EXPORT_STARTED = "export.started", "Export began"
    EXPORT_PUT_OFF = "export.put_off", "Put off; it is tried again by itself"
    EXPORT_SYNCED = "export.synced", "Written to Spectrum"
    EXPORT_VERIFIED = "export.verified", "Read back: Spectrum holds what was accepted"
    EXPORT_DIFFERS = "export.differs", "Read back: Spectrum holds something else"
    EXPORT_ABSENT = "export.absent", "Read back: Spectrum does not show it"
    EXPORT_INCOMPLETE = "export.incomplete", "Stopped with a part of it in Spectrum"
    EXPORT_FAILED = "export.failed", "Failed to export"
    EXPORT_UNKNOWN = "export.unknown", "Stopped: nobody knows whether Spectrum wrote the last call"
    EXPORT_FOUND_ALL = "export.found_all", "Read back: Spectrum holds all of it"
    EXPORT_FOUND_NONE = "export.found_none", "Read back: Spectrum holds nothing of it, so it is sent again"
    EXPORT_FOUND_PART = "export.found_part", "Read back: Spectrum holds a part of it"
    EXPORT_FOUND_OTHER = "export.found_other", "Read back: Spectrum holds something else"
    EXPORT_ATTESTED_ALL = "export.attested_all", "Looked up in Spectrum: all of it is there"
    EXPORT_ATTESTED_NONE = (
        "export.attested_none",
        "Looked up in Spectrum: none of it is there, so it is sent again",
    )
    EXPORT_ATTESTED_PART = "export.attested_part", "Looked up in Spectrum: a part of it is there"
    EXPORT_ELSEWHERE = "export.elsewhere", "Read back: it was moved to another key in Spectrum"
    EXPORT_FOLLOWED = "export.followed", "Followed to its new key in Spectrum"
    EXPORT_RESUMED = "export.resumed", "Resumed with the calls that are not written"
    EXPORT_RETRIED = "export.retried", "Accepted again after a failed export"
    DRIFT_BEGAN = "drift.began", "Reconciliation: drift found"
    DRIFT_CHANGED = "drift.changed", "Reconciliation: drift changed"
    DRIFT_ENDED = "drift.ended", "Reconciliation: nothing drifts any more"
    CONNECTION_CREATED = "connection.created", "Connection made"
    CONNECTION_CHANGED = "connection.changed", "Settings changed"
    CONNECTION_DELETED = "connection.deleted", "Connection removed"
    CONNECTION_DESCRIPTIONS_FORGOTTEN = (
        "connection.descriptions_forgotten",
        "Service descriptions forgotten: they are fetched again",
    )
    CONNECTION_DESCRIPTIONS_ADOPTED = (
        "connection.descriptions_adopted",
        "The site's changed services were taken over",
    )
    CONNECTION_SUCCESS_RULE_LEARNED = (
        "connection.success_rule_learned",
        "Learned what a written record answers",
    )
    CONNECTION_PROBED = "connection.probed", "Asked whether the site can be used"
    CONNECTION_REOPENED = "connection.reopened", "Exports go on"
    CONNECTION_STOPPED = "connection.stopped", "Exports stopped"
    CONNECTION_PAUSED = "connection.paused", "Paused"
    CONNECTION_RESUMED = "connection.resumed", "Pause ended"
    CONNECTION_SECRET_ROTATION_BEGUN = (
        "connection.secret_rotation_begun",
        "Asked Spectrum for a new client secret",
    )
    CONNECTION_SECRET_ROTATION_FAILED = (
        "connection.secret_rotation_failed",
        "Spectrum made no new client secret",
    )
    CONNECTION_SECRET_ROTATION_UNKNOWN = (
        "connection.secret_rotation_unknown",
        "Nobody knows whether Spectrum made a new client secret",
    )
    CONNECTION_SECRET_ROTATED = "connection.secret_rotated", "The client secret was replaced"
    CONNECTION_SECRETS_REENCRYPTED = (
        "connection.secrets_reencrypted",
        "Its secrets were encrypted anew, with the first key",
    )
    CONNECTION_OLD_SECRET_FORGOTTEN = "connection.old_secret_forgotten", "The old client secret was forgotten"
    CONNECTION_SECRETS_LOOKED_AT = (
        "connection.secrets_looked_at",
        "Looked at what is stored of the secrets, and when they expire",
    )
    CONNECTION_UNITS_CHANGED = "connection.units_changed", "Units of measure linked"
    CONNECTION_UNIT_CONFIRMED = "connection.unit_confirmed", "Unit of measure confirmed by a second person"
    CONNECTION_CONFIRMED = "connection.confirmed", "Settings confirmed by a second person"
    VENDOR_LINK_CREATED = "vendor_link.created", "Vendor linked"
    VENDOR_LINK_CHANGED = "vendor_link.changed", "Vendor link changed"
    VENDOR_LINK_DELETED = "vendor_link.deleted", "Vendor link removed"
    VENDOR_LINK_CONFIRMED = "vendor_link.confirmed", "Vendor link confirmed by a second person"
    JOB_LINK_CREATED = "job_link.created", "Job linked"
    JOB_LINK_CHANGED = "job_link.changed", "Job link changed"
    JOB_LINK_DELETED = "job_link.deleted", "Job link removed"
    JOB_LINK_CONFIRMED = "job_link.confirmed", "Job link confirmed by a second person"
    COST_TYPE_ACCOUNT_CREATED = "cost_type_account.created", "General-ledger account of a cost type set"
    COST_TYPE_ACCOUNT_CHANGED = "cost_type_account.changed", "General-ledger account of a cost type changed"
    COST_TYPE_ACCOUNT_DELETED = "cost_type_account.deleted", "General-ledger account of a cost type removed"
    COST_TYPE_ACCOUNT_CONFIRMED = (
        "cost_type_account.confirmed",
        "Account of a cost type confirmed by a second person",
    )
    MASTERS_ASKED_FOR = "masters.asked_for", "Asked for Spectrum's lists to be read"
    MASTERS_READ = "masters.read", "Spectrum's lists were read"
    MASTERS_NOT_READ = "masters.not_read", "Spectrum's lists could not be read"
    RECONCILIATION_ASKED = "reconciliation.asked", "Asked for a comparison with Spectrum"
