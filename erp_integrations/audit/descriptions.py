"""The events of the tools in plain words, for the commitment's timeline and the history page."""

from collections.abc import Mapping
from typing import Any

from commitments.models import Badge
from directory.history.descriptions import EventDescription
from directory.models import User
from erp_integrations.confirmations.subjects import describe_link
from erp_integrations.models import DriftKind


def describe_change(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    names = detail.get("fields", [])
    fields = ["Schedule of Values" if name == "lines" else name.replace("_", " ") for name in names]
    return f"Changed: {', '.join(fields)}" if fields else "Changed"


def describe_merge(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Merged lines {', '.join(str(line.get('position', '')) for line in detail.get('were', []))}"


def describe_billing_items(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    given = detail.get("billing_items", {})
    return (
        f"Gave billing items: {', '.join(f'{item} to line {position}' for position, item in given.items())}"
    )


def describe_acceptance(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Accepted for export as {detail.get('erp_id', '')}{_describe_other_records(detail)}"


def describe_adoption(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    if detail.get("status") == "synced":
        return f"Marked as exported: {detail.get('erp_id', '')} was in Spectrum already; nothing was written"
    return f"Part of it was in Spectrum already as {detail.get('erp_id', '')}; only the rest is sent"


def describe_failure(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    # Of entries from before it was told apart, nobody knows.
    return "Failed; nothing was written to Spectrum" if detail.get("wrote") is False else "Failed to export"


def describe_retry(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Retried after the failed export, as {detail.get('erp_id', '')}{_describe_other_records(detail)}"


def _describe_other_records(detail: Mapping[str, Any]) -> str:
    """Which records of Spectrum's somebody said are others, and how they knew where no statement says it."""
    others = [f"{each['vendor_code']} {each['erp_id']}" for each in detail.get("other_records", [])]
    reason = f": {detail['others_reason']}" if "others_reason" in detail else ""
    return f"; {', '.join(others)} is a different record{reason}" if others else ""


def describe_return(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    approver = people.get(detail.get("accepted_by", 0))
    if (cause := detail.get("why", "")) not in ("", "the approver lost the right"):
        return f"Back to Ready to Export before anything was written: {cause}"
    return (
        f"Back to Ready to Export: {approver or 'the approver'} lost Can Push to Accounting "
        "before anything was written"
    )


def describe_start(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    attempt = detail.get("attempt", 1)
    return "Export began" if attempt == 1 else f"Export began, attempt {attempt}"


def describe_found_part(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Read back: Spectrum has {', '.join(detail.get('written', []))}; the rest is sent now"


def describe_drift(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    kinds = [str(DriftKind(kind).label) for kind in detail.get("kinds", []) if kind in DriftKind.values]
    return f"Reconciliation: {', '.join(f'{kind[:1].lower()}{kind[1:]}' for kind in kinds)}"


def describe_attested_part(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Checked in Spectrum: {', '.join(detail.get('written', []))} are there, the rest is not"


def describe_unlink(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    proof = "by read-back" if detail.get("proof") == "read back" else "a person checked"
    return (
        f"Unlinked: {detail.get('erp_id', '')} is gone from Spectrum, "
        f"{proof}{_describe_other_records(detail)}"
    )


def describe_follow(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    old, new = (
        f"vendor {key.get('vendor_code', '')}, subcontract {key.get('erp_id', '')}"
        for key in (detail.get("old", {}), detail.get("new", {}))
    )
    phases = ", ".join(f"phase {old} is {new}" for old, new in detail.get("phases", {}).items())
    return f"Followed in Spectrum: {f'{old} is now {new}' if old != new else phases}"


def describe_units(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    units = ", ".join(f"{unit} is {value or 'not linked'}" for unit, value in detail.get("units", {}).items())
    return f"Units of measure: {units}"


def describe_settings(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    names = [str(name).replace("_", " ") for name in detail.get("fields", [])]
    before, after = detail.get("before", {}), detail.get("after", {})
    changes = {
        name.replace("_", " "): f" from {before.get(name) or 'blank'} to {after[name] or 'blank'}"
        for name in after
    }
    fields = ", ".join(f"{name}{changes.get(name, '')}" for name in names)
    return f"Settings changed: {fields}" if fields else "Settings changed"


def build_link_words(label: str) -> EventDescription:
    """A link, an account or a unit: what it is now, and was before."""

    def describe_change(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
        if "after" in detail:
            before = describe_link(detail.get("before", {}))
            return f"{label}: {describe_link(detail['after'])}; before: {before}"
        code = detail.get("vendor_code") or detail.get("job_number")
        return f"{label}: {code} in Spectrum" if code else label

    return EventDescription(label, describe=describe_change)


def describe_exemption(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"{people.get(detail.get('user', 0)) or 'An approver'} may decide once although they were involved"


EVENT_DESCRIPTIONS: dict[str, EventDescription] = {
    "commitment.created": EventDescription("Created"),
    "commitment.changed": EventDescription("Changed", describe=describe_change),
    "commitment.lines_merged": EventDescription("Merged lines", describe=describe_merge, message_key="was"),
    "commitment.billing_items_given": EventDescription("Gave billing items", describe=describe_billing_items),
    "submission.sent": EventDescription("Sent to accounting", tone=Badge.AWAITING.label),
    "submission.retrieved": EventDescription("Retrieved from accounting", tone=Badge.RETRIEVED.label),
    "submission.accepted": EventDescription(
        "Accepted for export", describe=describe_acceptance, tone=Badge.EXPORTING.label, message_key="note"
    ),
    "submission.adopted": EventDescription(
        "Marked as exported, without writing",
        describe=describe_adoption,
        tone=Badge.SYNCED.label,
        message_key="statement",
    ),
    "submission.rejected": EventDescription("Rejected", tone=Badge.REJECTED.label, message_key="reason"),
    "submission.exempted": EventDescription(
        "An approver was exempted once", describe=describe_exemption, message_key="reason"
    ),
    "submission.undone": EventDescription("Undone before anything was sent", tone=Badge.AWAITING.label),
    "submission.unlinked": EventDescription(
        "Unlinked", describe=describe_unlink, tone=Badge.UNLINKED.label, message_key="statement"
    ),
    "submission.returned": EventDescription(
        "Back to Ready to Export: its acceptance is not valid",
        describe=describe_return,
        tone=Badge.AWAITING.label,
    ),
    "export.started": EventDescription("Export began", describe=describe_start, tone=Badge.EXPORTING.label),
    "export.put_off": EventDescription(
        "Delayed; retried automatically", tone=Badge.EXPORTING.label, message_key="problem"
    ),
    "export.synced": EventDescription("Written to Spectrum", tone=Badge.SYNCED.label),
    "export.verified": EventDescription("Read back: matches what was accepted", tone=Badge.SYNCED.label),
    "export.differs": EventDescription(
        "Read back: differs from what was accepted", tone=Badge.SYNCED_WITH_DIFFERENCES.label
    ),
    "export.absent": EventDescription("Read back: not found in Spectrum", tone=Badge.NEEDS_ATTENTION.label),
    "drift.began": EventDescription(
        "Reconciliation: drift found", describe=describe_drift, tone=Badge.SYNCED_WITH_DIFFERENCES.label
    ),
    "drift.changed": EventDescription(
        "Reconciliation: drift changed", describe=describe_drift, tone=Badge.SYNCED_WITH_DIFFERENCES.label
    ),
    "drift.ended": EventDescription("Reconciliation: no more drift", tone=Badge.SYNCED.label),
    "export.incomplete": EventDescription(
        "Stopped with part of it in Spectrum", tone=Badge.NEEDS_ATTENTION.label, message_key="problem"
    ),
    "export.failed": EventDescription(
        "Failed to export", describe=describe_failure, tone=Badge.FAILED.label, message_key="problem"
    ),
    "export.unknown": EventDescription(
        "Stopped: unknown whether Spectrum wrote the last call",
        tone=Badge.NEEDS_ATTENTION.label,
        message_key="problem",
    ),
    "export.found_all": EventDescription("Read back: all of it is in Spectrum", tone=Badge.SYNCED.label),
    "export.found_none": EventDescription(
        "Read back: none of it is in Spectrum, so it is sent again", tone=Badge.EXPORTING.label
    ),
    "export.found_part": EventDescription(
        "Read back: part of it is in Spectrum",
        describe=describe_found_part,
        tone=Badge.NEEDS_ATTENTION.label,
    ),
    "export.found_other": EventDescription(
        "Read back: differs from what was accepted", tone=Badge.NEEDS_ATTENTION.label
    ),
    "export.attested_all": EventDescription(
        "Checked in Spectrum: all of it is there", tone=Badge.SYNCED.label, message_key="statement"
    ),
    "export.attested_none": EventDescription(
        "Checked in Spectrum: none of it is there, so it is sent again",
        tone=Badge.EXPORTING.label,
        message_key="statement",
    ),
    "export.attested_part": EventDescription(
        "Checked in Spectrum: part of it is there",
        describe=describe_attested_part,
        tone=Badge.NEEDS_ATTENTION.label,
        message_key="statement",
    ),
    "export.elsewhere": EventDescription(
        "Read back: it was moved to another key in Spectrum", tone=Badge.NEEDS_ATTENTION.label
    ),
    "export.followed": EventDescription(
        "Followed to its new key in Spectrum", describe=describe_follow, tone=Badge.SYNCED.label
    ),
    "export.resumed": EventDescription("Resumed with the remaining calls", tone=Badge.EXPORTING.label),
    "export.retried": EventDescription(
        "Retried after a failed export",
        describe=describe_retry,
        tone=Badge.EXPORTING.label,
        message_key="note",
    ),
    "commitment.deleted": EventDescription("Deleted"),
    "connection.created": EventDescription("Connection created", describe=describe_settings),
    "connection.changed": EventDescription("Settings changed", describe=describe_settings),
    "connection.deleted": EventDescription("Connection removed"),
    "connection.descriptions_forgotten": EventDescription(
        "Service descriptions cleared, to be fetched again"
    ),
    "connection.descriptions_adopted": EventDescription(
        "The site's changed services were accepted", message_key="difference"
    ),
    "connection.success_rule_learned": EventDescription(
        "Rule for replies learned from a written record", message_key="rule"
    ),
    "connection.probed": EventDescription("Connection probed", message_key="sentence"),
    "connection.reopened": EventDescription("Exports resumed"),
    "connection.stopped": EventDescription("Exports stopped", message_key="fault"),
    "connection.paused": EventDescription("Paused", message_key="reason"),
    "connection.resumed": EventDescription("Pause ended"),
    "connection.secret_rotation_begun": EventDescription("New client secret requested from Spectrum"),
    "connection.secret_rotation_failed": EventDescription(
        "Spectrum created no new client secret", message_key="reason"
    ),
    "connection.secret_rotation_unknown": EventDescription(
        "Unknown whether Spectrum created a new client secret", message_key="reason"
    ),
    "connection.secret_rotated": EventDescription("The client secret was replaced"),
    "connection.secrets_reencrypted": EventDescription("Secrets re-encrypted with the first key"),
    "connection.old_secret_forgotten": EventDescription("The old client secret was deleted"),
    "connection.secrets_looked_at": EventDescription("Viewed which secrets are stored and when they expire"),
    "connection.units_changed": EventDescription("Units of measure linked", describe=describe_units),
    "vendor_link.created": build_link_words("Vendor linked"),
    "vendor_link.changed": build_link_words("Vendor link changed"),
    "vendor_link.deleted": build_link_words("Vendor link removed"),
    "vendor_link.confirmed": build_link_words("Vendor link confirmed by a second person"),
    "job_link.created": build_link_words("Job linked"),
    "job_link.changed": build_link_words("Job link changed"),
    "job_link.deleted": build_link_words("Job link removed"),
    "job_link.confirmed": build_link_words("Job link confirmed by a second person"),
    "cost_type_account.created": build_link_words("General-ledger account of a cost type set"),
    "cost_type_account.changed": build_link_words("General-ledger account of a cost type changed"),
    "cost_type_account.deleted": build_link_words("General-ledger account of a cost type removed"),
    "cost_type_account.confirmed": build_link_words("Account of a cost type confirmed by a second person"),
    "connection.unit_confirmed": build_link_words("Unit of measure confirmed by a second person"),
    "connection.confirmed": EventDescription("Settings confirmed by a second person"),
    "contract_company.created": EventDescription("Contract Company added"),
    "contract_company.changed": EventDescription("Contract Company changed"),
    "contract_company.deleted": EventDescription("Contract Company removed"),
    "cost_code.created": EventDescription("Cost code added"),
    "cost_code.changed": EventDescription("Cost code changed"),
    "cost_code.deleted": EventDescription("Cost code removed"),
    "cost_type.created": EventDescription("Cost type added"),
    "cost_type.changed": EventDescription("Cost type changed"),
    "cost_type.deleted": EventDescription("Cost type removed"),
    "masters.asked_for": EventDescription("Master data sync requested"),
    "masters.read": EventDescription("Master data synced"),
    "masters.not_read": EventDescription("Master data could not be synced"),
    "reconciliation.asked": EventDescription("Comparison with Spectrum requested"),
    "email.sent_again": EventDescription("A failed e-mail was queued again"),
}
