"""The events of the tools in plain words, for the commitment's timeline and the history page."""

from collections.abc import Mapping
from typing import Any

from commitments.models import Badge
from directory.history.words import Words
from directory.models import User
from erp_integrations.confirmations.subjects import in_words
from erp_integrations.models import DriftKind


def _changed(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    names = detail.get("fields", [])
    fields = ["Schedule of Values" if name == "lines" else name.replace("_", " ") for name in names]
    return f"Changed: {', '.join(fields)}" if fields else "Changed"


def _merged(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Merged lines {', '.join(str(line.get('position', '')) for line in detail.get('were', []))}"


def _numbered(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    given = detail.get("billing_items", {})
    return (
        f"Gave billing items: {', '.join(f'{item} to line {position}' for position, item in given.items())}"
    )


def _accepted(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Accepted for export as {detail.get('erp_id', '')}{_ticked_off(detail)}"


def _adopted(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    if detail.get("status") == "synced":
        return f"Marked as exported: {detail.get('erp_id', '')} stood in Spectrum, and nothing was written"
    return f"A part of it stood in Spectrum as {detail.get('erp_id', '')}; only the rest is sent"


def _failed(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    # Of entries from before it was told apart, nobody knows.
    return "Failed; nothing was written to Spectrum" if detail.get("wrote") is False else "Failed to export"


def _retried(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Accepted again after the failed export, as {detail.get('erp_id', '')}{_ticked_off(detail)}"


def _ticked_off(detail: Mapping[str, Any]) -> str:
    """Which records of Spectrum's somebody said are others, and how they knew where no statement says it."""
    others = [f"{each['vendor_code']} {each['erp_id']}" for each in detail.get("other_records", [])]
    reason = f": {detail['others_reason']}" if "others_reason" in detail else ""
    return f"; {', '.join(others)} is another one{reason}" if others else ""


def _returned(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    approver = people.get(detail.get("accepted_by", 0))
    if (why := detail.get("why", "")) not in ("", "the approver lost the right"):
        return f"Back to Ready to Export before anything was written: {why}"
    return (
        f"Back to Ready to Export: {approver or 'the approver'} lost the right to push to accounting "
        "before anything was written"
    )


def _started(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    attempt = detail.get("attempt", 1)
    return "Export began" if attempt == 1 else f"Export began, attempt {attempt}"


def _found_part(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Read back: Spectrum holds {', '.join(detail.get('written', []))}; the others are sent now"


def _drifted(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    kinds = [str(DriftKind(kind).label) for kind in detail.get("kinds", []) if kind in DriftKind.values]
    return f"Reconciliation: {', '.join(f'{kind[:1].lower()}{kind[1:]}' for kind in kinds)}"


def _attested_part(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Looked up in Spectrum: {', '.join(detail.get('written', []))} are there, the others are not"


def _unlinked(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    proof = "it was read back" if detail.get("proof") == "read back" else "somebody looked"
    return f"Unlinked: {detail.get('erp_id', '')} is gone from Spectrum, {proof}{_ticked_off(detail)}"


def _followed(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    old, new = (
        f"vendor {key.get('vendor_code', '')}, subcontract {key.get('erp_id', '')}"
        for key in (detail.get("old", {}), detail.get("new", {}))
    )
    phases = ", ".join(f"phase {old} is {new}" for old, new in detail.get("phases", {}).items())
    return f"Followed in Spectrum: {f'{old} is {new} now' if old != new else phases}"


def _units(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    units = ", ".join(f"{unit} is {value or 'not linked'}" for unit, value in detail.get("units", {}).items())
    return f"Units of measure: {units}"


def _settings(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    names = [str(name).replace("_", " ") for name in detail.get("fields", [])]
    before, after = detail.get("before", {}), detail.get("after", {})
    told = {
        name.replace("_", " "): f" from {before.get(name) or 'blank'} to {after[name] or 'blank'}"
        for name in after
    }
    fields = ", ".join(f"{name}{told.get(name, '')}" for name in names)
    return f"Settings changed: {fields}" if fields else "Settings changed"


def _linked(label: str) -> Words:
    """A link, an account or a unit: what it is now, and was before."""

    def in_full(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
        if "after" in detail:
            return f"{label}: {in_words(detail['after'])}; before: {in_words(detail.get('before', {}))}"
        code = detail.get("vendor_code") or detail.get("job_number")
        return f"{label}: {code} in Spectrum" if code else label

    return Words(label, in_full=in_full)


def _exempted(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return (
        f"{people.get(detail.get('user', 0)) or 'An approver'} may decide once, though they had a hand in it"
    )


WORDS: dict[str, Words] = {
    "commitment.created": Words("Created"),
    "commitment.changed": Words("Changed", in_full=_changed),
    "commitment.lines_merged": Words("Merged lines", in_full=_merged, said="was"),
    "commitment.billing_items_given": Words("Gave billing items", in_full=_numbered),
    "submission.sent": Words("Sent to accounting", tone=Badge.AWAITING.label),
    "submission.retrieved": Words("Retrieved from accounting", tone=Badge.RETRIEVED.label),
    "submission.accepted": Words(
        "Accepted for export", in_full=_accepted, tone=Badge.EXPORTING.label, said="note"
    ),
    "submission.adopted": Words(
        "Marked as exported, without writing", in_full=_adopted, tone=Badge.SYNCED.label, said="statement"
    ),
    "submission.rejected": Words("Rejected", tone=Badge.REJECTED.label, said="reason"),
    "submission.exempted": Words("An approver was exempted once", in_full=_exempted, said="reason"),
    "submission.undone": Words("Undone before anything was sent", tone=Badge.AWAITING.label),
    "submission.unlinked": Words("Unlinked", in_full=_unlinked, tone=Badge.UNLINKED.label, said="statement"),
    "submission.returned": Words(
        "Back to Ready to Export: its acceptance does not count", in_full=_returned, tone=Badge.AWAITING.label
    ),
    "export.started": Words("Export began", in_full=_started, tone=Badge.EXPORTING.label),
    "export.put_off": Words(
        "Put off; it is tried again by itself", tone=Badge.EXPORTING.label, said="problem"
    ),
    "export.synced": Words("Written to Spectrum", tone=Badge.SYNCED.label),
    "export.verified": Words("Read back: Spectrum holds what was accepted", tone=Badge.SYNCED.label),
    "export.differs": Words(
        "Read back: Spectrum holds something else", tone=Badge.SYNCED_WITH_DIFFERENCES.label
    ),
    "export.absent": Words("Read back: Spectrum does not show it", tone=Badge.NEEDS_ATTENTION.label),
    "drift.began": Words(
        "Reconciliation: drift found", in_full=_drifted, tone=Badge.SYNCED_WITH_DIFFERENCES.label
    ),
    "drift.changed": Words(
        "Reconciliation: drift changed", in_full=_drifted, tone=Badge.SYNCED_WITH_DIFFERENCES.label
    ),
    "drift.ended": Words("Reconciliation: nothing drifts any more", tone=Badge.SYNCED.label),
    "export.incomplete": Words(
        "Stopped with a part of it in Spectrum", tone=Badge.NEEDS_ATTENTION.label, said="problem"
    ),
    "export.failed": Words("Failed to export", in_full=_failed, tone=Badge.FAILED.label, said="problem"),
    "export.unknown": Words(
        "Stopped: nobody knows whether Spectrum wrote the last call",
        tone=Badge.NEEDS_ATTENTION.label,
        said="problem",
    ),
    "export.found_all": Words("Read back: Spectrum holds all of it", tone=Badge.SYNCED.label),
    "export.found_none": Words(
        "Read back: Spectrum holds nothing of it, so it is sent again", tone=Badge.EXPORTING.label
    ),
    "export.found_part": Words(
        "Read back: Spectrum holds a part of it", in_full=_found_part, tone=Badge.NEEDS_ATTENTION.label
    ),
    "export.found_other": Words("Read back: Spectrum holds something else", tone=Badge.NEEDS_ATTENTION.label),
    "export.attested_all": Words(
        "Looked up in Spectrum: all of it is there", tone=Badge.SYNCED.label, said="statement"
    ),
    "export.attested_none": Words(
        "Looked up in Spectrum: none of it is there, so it is sent again",
        tone=Badge.EXPORTING.label,
        said="statement",
    ),
    "export.attested_part": Words(
        "Looked up in Spectrum: a part of it is there",
        in_full=_attested_part,
        tone=Badge.NEEDS_ATTENTION.label,
        said="statement",
    ),
    "export.elsewhere": Words(
        "Read back: it was moved to another key in Spectrum", tone=Badge.NEEDS_ATTENTION.label
    ),
    "export.followed": Words(
        "Followed to its new key in Spectrum", in_full=_followed, tone=Badge.SYNCED.label
    ),
    "export.resumed": Words("Resumed with the calls that are not written", tone=Badge.EXPORTING.label),
    "export.retried": Words(
        "Accepted again after a failed export", in_full=_retried, tone=Badge.EXPORTING.label, said="note"
    ),
    "commitment.deleted": Words("Deleted"),
    "connection.created": Words("Connection made", in_full=_settings),
    "connection.changed": Words("Settings changed", in_full=_settings),
    "connection.deleted": Words("Connection removed"),
    "connection.descriptions_forgotten": Words("Service descriptions forgotten: they are fetched again"),
    "connection.descriptions_adopted": Words(
        "The site's changed services were taken over", said="difference"
    ),
    "connection.success_rule_learned": Words("Learned what a written record answers", said="rule"),
    "connection.probed": Words("Asked whether the site can be used", said="sentence"),
    "connection.reopened": Words("Exports go on"),
    "connection.stopped": Words("Exports stopped", said="fault"),
    "connection.paused": Words("Paused", said="reason"),
    "connection.resumed": Words("Pause ended"),
    "connection.secret_rotation_begun": Words("Asked Spectrum for a new client secret"),
    "connection.secret_rotation_failed": Words("Spectrum made no new client secret", said="reason"),
    "connection.secret_rotation_unknown": Words(
        "Nobody knows whether Spectrum made a new client secret", said="reason"
    ),
    "connection.secret_rotated": Words("The client secret was replaced"),
    "connection.secrets_reencrypted": Words("Its secrets were encrypted anew, with the first key"),
    "connection.old_secret_forgotten": Words("The old client secret was forgotten"),
    "connection.secrets_looked_at": Words("Looked at what is stored of the secrets, and when they expire"),
    "connection.units_changed": Words("Units of measure linked", in_full=_units),
    "vendor_link.created": _linked("Vendor linked"),
    "vendor_link.changed": _linked("Vendor link changed"),
    "vendor_link.deleted": _linked("Vendor link removed"),
    "vendor_link.confirmed": _linked("Vendor link confirmed by a second person"),
    "job_link.created": _linked("Job linked"),
    "job_link.changed": _linked("Job link changed"),
    "job_link.deleted": _linked("Job link removed"),
    "job_link.confirmed": _linked("Job link confirmed by a second person"),
    "cost_type_account.created": _linked("General-ledger account of a cost type set"),
    "cost_type_account.changed": _linked("General-ledger account of a cost type changed"),
    "cost_type_account.deleted": _linked("General-ledger account of a cost type removed"),
    "cost_type_account.confirmed": _linked("Account of a cost type confirmed by a second person"),
    "connection.unit_confirmed": _linked("Unit of measure confirmed by a second person"),
    "connection.confirmed": Words("Settings confirmed by a second person"),
    "contract_company.created": Words("Contract Company added"),
    "contract_company.changed": Words("Contract Company changed"),
    "contract_company.deleted": Words("Contract Company removed"),
    "cost_code.created": Words("Cost code added"),
    "cost_code.changed": Words("Cost code changed"),
    "cost_code.deleted": Words("Cost code removed"),
    "cost_type.created": Words("Cost type added"),
    "cost_type.changed": Words("Cost type changed"),
    "cost_type.deleted": Words("Cost type removed"),
    "masters.asked_for": Words("Asked for Spectrum's lists to be read"),
    "masters.read": Words("Spectrum's lists were read"),
    "masters.not_read": Words("Spectrum's lists could not be read"),
    "reconciliation.asked": Words("Asked for a comparison with Spectrum"),
    "email.sent_again": Words("A failed e-mail was queued again"),
}
