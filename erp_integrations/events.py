"""The events between accounting and the ERP."""

from directory.history.events import Event


class ErpEvent(Event):
    SUBMISSION_SENT = "submission.sent", "Sent to accounting"
    SUBMISSION_RETRIEVED = "submission.retrieved", "Retrieved from accounting"
    SUBMISSION_ACCEPTED = "submission.accepted", "Accepted for export"
    SUBMISSION_ADOPTED = "submission.adopted", "Marked as exported, without writing"
    SUBMISSION_TAKEN_OVER = "submission.taken_over", "Taken over: it was in Spectrum already"
    SUBMISSION_REJECTED = "submission.rejected", "Rejected"
    SUBMISSION_EXEMPTED = "submission.exempted", "An approver was exempted once"
    SUBMISSION_ACCOUNT_PROPOSED = "submission.account_proposed", "Another account proposed"
    SUBMISSION_ACCOUNT_CONFIRMED = "submission.account_confirmed", "Account confirmed by a second person"
    SUBMISSION_UNDONE = "submission.undone", "Undone before anything was sent"
    SUBMISSION_UNLINKED = "submission.unlinked", "Unlinked"
    SUBMISSION_RETURNED = "submission.returned", "Back to Ready to Export: its acceptance is not valid"
    QUESTION_ASKED = "question.asked", "Question asked"
    QUESTION_ANSWERED = "question.answered", "Question answered"
    QUESTION_WITHDRAWN = "question.withdrawn", "Question withdrawn"
    EXPORT_STARTED = "export.started", "Export began"
    EXPORT_PUT_OFF = "export.put_off", "Delayed; retried automatically"
    EXPORT_SYNCED = "export.synced", "Written to Spectrum"
    EXPORT_VERIFIED = "export.verified", "Read back: matches what was accepted"
    EXPORT_DIFFERS = "export.differs", "Read back: differs from what was accepted"
    EXPORT_ABSENT = "export.absent", "Read back: not found in Spectrum"
    EXPORT_INCOMPLETE = "export.incomplete", "Stopped with part of it in Spectrum"
    EXPORT_FAILED = "export.failed", "Failed to export"
    EXPORT_UNKNOWN = "export.unknown", "Stopped: unknown whether Spectrum wrote the last call"
    EXPORT_FOUND_ALL = "export.found_all", "Read back: all of it is in Spectrum"
    EXPORT_FOUND_NONE = "export.found_none", "Read back: none of it is in Spectrum, so it is sent again"
    EXPORT_FOUND_PART = "export.found_part", "Read back: part of it is in Spectrum"
    EXPORT_FOUND_OTHER = "export.found_other", "Read back: differs from what was accepted"
    EXPORT_ATTESTED_ALL = "export.attested_all", "Checked in Spectrum: all of it is there"
    EXPORT_ATTESTED_NONE = (
        "export.attested_none",
        "Checked in Spectrum: none of it is there, so it is sent again",
    )
    EXPORT_ATTESTED_PART = "export.attested_part", "Checked in Spectrum: part of it is there"
    EXPORT_ELSEWHERE = "export.elsewhere", "Read back: it was moved to another key in Spectrum"
    EXPORT_SEEN = "export.seen", "Seen that Spectrum differs, and left as it is"
    EXPORT_FOLLOWED = "export.followed", "Followed to its new key in Spectrum"
    EXPORT_RESUMED = "export.resumed", "Resumed with the remaining calls"
    EXPORT_RETRIED = "export.retried", "Retried after a failed export"
    DRIFT_BEGAN = "drift.began", "Reconciliation: drift found"
    DRIFT_CHANGED = "drift.changed", "Reconciliation: drift changed"
    DRIFT_ENDED = "drift.ended", "Reconciliation: no more drift"
    CONNECTION_CREATED = "connection.created", "Connection created"
    CONNECTION_CHANGED = "connection.changed", "Settings changed"
    CONNECTION_DELETED = "connection.deleted", "Connection removed"
    CONNECTION_DESCRIPTIONS_FORGOTTEN = (
        "connection.descriptions_forgotten",
        "Service descriptions cleared, to be fetched again",
    )
    CONNECTION_DESCRIPTIONS_ADOPTED = (
        "connection.descriptions_adopted",
        "The site's changed services were accepted",
    )
    CONNECTION_SUCCESS_RULE_LEARNED = (
        "connection.success_rule_learned",
        "Rule for replies learned from a written record",
    )
    CONNECTION_PROBED = "connection.probed", "Connection probed"
    CONNECTION_REOPENED = "connection.reopened", "Exports resumed"
    CONNECTION_STOPPED = "connection.stopped", "Exports stopped"
    CONNECTION_PAUSED = "connection.paused", "Paused"
    CONNECTION_RESUMED = "connection.resumed", "Pause ended"
    CONNECTION_SECRET_ROTATION_BEGUN = (
        "connection.secret_rotation_begun",
        "New client secret requested from Spectrum",
    )
    CONNECTION_SECRET_ROTATION_FAILED = (
        "connection.secret_rotation_failed",
        "Spectrum created no new client secret",
    )
    CONNECTION_SECRET_ROTATION_UNKNOWN = (
        "connection.secret_rotation_unknown",
        "Unknown whether Spectrum created a new client secret",
    )
    CONNECTION_SECRET_ROTATED = "connection.secret_rotated", "The client secret was replaced"
    CONNECTION_SECRETS_REENCRYPTED = (
        "connection.secrets_reencrypted",
        "Secrets re-encrypted with the first key",
    )
    CONNECTION_OLD_SECRET_FORGOTTEN = "connection.old_secret_forgotten", "The old client secret was deleted"
    CONNECTION_SECRETS_LOOKED_AT = (
        "connection.secrets_looked_at",
        "Viewed which secrets are stored and when they expire",
    )
    CONNECTION_UNITS_CHANGED = "connection.units_changed", "Units of measure linked"
    CONNECTION_UNIT_CONFIRMED = "connection.unit_confirmed", "Unit of measure confirmed by a second person"
    CONNECTION_CONFIRMED = "connection.confirmed", "Settings confirmed by a second person"
    CHECK_RULES_CHANGED = "check_rules.changed", "Rules of the checks changed"
    REASONS_CHANGED = "reasons.changed", "Reasons to reject changed"
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
    MASTERS_ASKED_FOR = "masters.asked_for", "Master data sync requested"
    MASTERS_READ = "masters.read", "Master data synced"
    MASTERS_NOT_READ = "masters.not_read", "Master data could not be synced"
    TAKE_OVER_ASKED_FOR = "take_over.asked_for", "Take-over from Spectrum requested"
    TAKE_OVER_RULE_CHANGED = "take_over.rule_changed", "Rule of what is taken over from Spectrum changed"
    TAKEN_OVER = "take_over.done", "Taken over from Spectrum"
    RECONCILIATION_ASKED = "reconciliation.asked", "Comparison with Spectrum requested"
