"""The events of the tools in sentences, for the commitment's timeline and the history page."""

from collections.abc import Mapping
from typing import Any

from commitments.events import CommitmentEvent
from commitments.models import Badge
from directory.history.descriptions import EventDescription
from directory.history.events import Event
from directory.models import User
from erp_integrations.confirmations.subjects import describe_link
from erp_integrations.events import ErpEvent
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
    accepted = f"Accepted for export as {detail.get('erp_id', '')}"
    return f"{accepted}{_describe_other_records(detail)}{_describe_ended_question(detail)}"


def describe_rejection(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Rejected{_describe_ended_question(detail)}"


def describe_retrieval(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Retrieved from accounting{_describe_ended_question(detail)}"


def _describe_ended_question(detail: Mapping[str, Any]) -> str:
    return "; the open question ended with it" if "ended_question" in detail else ""


def describe_question(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Asked {people.get(detail.get('user', 0)) or 'a person'}"


def describe_adoption(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    ended, erp_id = _describe_ended_question(detail), detail.get("erp_id", "")
    if detail.get("status") == "synced":
        return f"Marked as exported: {erp_id} was in Spectrum already; nothing was written{ended}"
    return f"Part of it was in Spectrum already as {erp_id}; only the rest is sent{ended}"


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


def build_link_description(event: Event) -> EventDescription:
    """A link, an account or a unit: what it is now, and was before."""

    def describe_change(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
        if "after" in detail:
            before = describe_link(detail.get("before", {}))
            return f"{event.label}: {describe_link(detail['after'])}; before: {before}"
        code = detail.get("vendor_code") or detail.get("job_number")
        return f"{event.label}: {code} in Spectrum" if code else str(event.label)

    return EventDescription(describe_change)


def describe_take_over(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    made = [f"{count:,} {what}" for what, count in detail.get("counts", {}).items() if count]
    return f"Taken over from Spectrum: {', '.join(made)}"


def describe_exemption(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"{people.get(detail.get('user', 0)) or 'An approver'} may decide once although they were involved"


DESCRIPTIONS: dict[Event, EventDescription] = {
    CommitmentEvent.COMMITMENT_CHANGED: EventDescription(describe_change, message_key="changes"),
    **{
        event: EventDescription(message_key="changes")
        for event in (
            *(CommitmentEvent.CONTRACT_COMPANY_CHANGED, CommitmentEvent.CONTRACT_COMPANY_MERGED),
            *(CommitmentEvent.COST_CODE_CHANGED, CommitmentEvent.COST_CODE_MERGED),
        )
    },
    CommitmentEvent.COMMITMENT_LINES_MERGED: EventDescription(describe_merge, message_key="was"),
    CommitmentEvent.COMMITMENT_BILLING_ITEMS_GIVEN: EventDescription(describe_billing_items),
    ErpEvent.SUBMISSION_SENT: EventDescription(tone=Badge.AWAITING.label),
    ErpEvent.SUBMISSION_RETRIEVED: EventDescription(describe_retrieval, tone=Badge.RETRIEVED.label),
    ErpEvent.SUBMISSION_ACCEPTED: EventDescription(
        describe_acceptance, tone=Badge.EXPORTING.label, message_key="note"
    ),
    ErpEvent.SUBMISSION_ADOPTED: EventDescription(
        describe_adoption, tone=Badge.SYNCED.label, message_key="statement"
    ),
    ErpEvent.SUBMISSION_TAKEN_OVER: EventDescription(
        lambda detail, people: f"Already in Spectrum as {detail.get('erp_id', '')}; nothing was written",
        tone=Badge.SYNCED.label,
    ),
    ErpEvent.SUBMISSION_REJECTED: EventDescription(
        describe_rejection, tone=Badge.REJECTED.label, message_key="reason"
    ),
    ErpEvent.QUESTION_ASKED: EventDescription(
        describe_question, tone=Badge.AWAITING.label, message_key="text"
    ),
    ErpEvent.QUESTION_ANSWERED: EventDescription(tone=Badge.AWAITING.label, message_key="answer"),
    ErpEvent.QUESTION_WITHDRAWN: EventDescription(tone=Badge.AWAITING.label),
    ErpEvent.SUBMISSION_EXEMPTED: EventDescription(describe_exemption, message_key="reason"),
    ErpEvent.SUBMISSION_UNDONE: EventDescription(tone=Badge.AWAITING.label),
    ErpEvent.SUBMISSION_UNLINKED: EventDescription(
        describe_unlink, tone=Badge.UNLINKED.label, message_key="statement"
    ),
    ErpEvent.SUBMISSION_RETURNED: EventDescription(describe_return, tone=Badge.AWAITING.label),
    ErpEvent.EXPORT_STARTED: EventDescription(describe_start, tone=Badge.EXPORTING.label),
    ErpEvent.EXPORT_PUT_OFF: EventDescription(tone=Badge.EXPORTING.label, message_key="problem"),
    ErpEvent.EXPORT_SYNCED: EventDescription(tone=Badge.SYNCED.label),
    ErpEvent.EXPORT_VERIFIED: EventDescription(tone=Badge.SYNCED.label),
    ErpEvent.EXPORT_DIFFERS: EventDescription(tone=Badge.SYNCED_WITH_DIFFERENCES.label),
    ErpEvent.EXPORT_ABSENT: EventDescription(tone=Badge.NEEDS_ATTENTION.label),
    ErpEvent.DRIFT_BEGAN: EventDescription(describe_drift, tone=Badge.SYNCED_WITH_DIFFERENCES.label),
    ErpEvent.DRIFT_CHANGED: EventDescription(describe_drift, tone=Badge.SYNCED_WITH_DIFFERENCES.label),
    ErpEvent.DRIFT_ENDED: EventDescription(tone=Badge.SYNCED.label),
    ErpEvent.EXPORT_INCOMPLETE: EventDescription(tone=Badge.NEEDS_ATTENTION.label, message_key="problem"),
    ErpEvent.EXPORT_FAILED: EventDescription(
        describe_failure, tone=Badge.FAILED.label, message_key="problem"
    ),
    ErpEvent.EXPORT_UNKNOWN: EventDescription(tone=Badge.NEEDS_ATTENTION.label, message_key="problem"),
    ErpEvent.EXPORT_FOUND_ALL: EventDescription(tone=Badge.SYNCED.label),
    ErpEvent.EXPORT_FOUND_NONE: EventDescription(tone=Badge.EXPORTING.label),
    ErpEvent.EXPORT_FOUND_PART: EventDescription(describe_found_part, tone=Badge.NEEDS_ATTENTION.label),
    ErpEvent.EXPORT_FOUND_OTHER: EventDescription(tone=Badge.NEEDS_ATTENTION.label),
    ErpEvent.EXPORT_ATTESTED_ALL: EventDescription(tone=Badge.SYNCED.label, message_key="statement"),
    ErpEvent.EXPORT_ATTESTED_NONE: EventDescription(tone=Badge.EXPORTING.label, message_key="statement"),
    ErpEvent.EXPORT_ATTESTED_PART: EventDescription(
        describe_attested_part, tone=Badge.NEEDS_ATTENTION.label, message_key="statement"
    ),
    ErpEvent.EXPORT_ELSEWHERE: EventDescription(tone=Badge.NEEDS_ATTENTION.label),
    ErpEvent.EXPORT_SEEN: EventDescription(tone=Badge.SYNCED_WITH_DIFFERENCES.label, message_key="reason"),
    ErpEvent.EXPORT_FOLLOWED: EventDescription(describe_follow, tone=Badge.SYNCED.label),
    ErpEvent.EXPORT_RESUMED: EventDescription(tone=Badge.EXPORTING.label),
    ErpEvent.EXPORT_RETRIED: EventDescription(describe_retry, tone=Badge.EXPORTING.label, message_key="note"),
    ErpEvent.CONNECTION_CREATED: EventDescription(describe_settings),
    ErpEvent.CONNECTION_CHANGED: EventDescription(describe_settings),
    ErpEvent.CONNECTION_DESCRIPTIONS_ADOPTED: EventDescription(message_key="difference"),
    ErpEvent.CONNECTION_SUCCESS_RULE_LEARNED: EventDescription(message_key="rule"),
    ErpEvent.CONNECTION_PROBED: EventDescription(message_key="sentence"),
    ErpEvent.CONNECTION_STOPPED: EventDescription(message_key="fault"),
    ErpEvent.CONNECTION_PAUSED: EventDescription(message_key="reason"),
    ErpEvent.CONNECTION_SECRET_ROTATION_FAILED: EventDescription(message_key="reason"),
    ErpEvent.CONNECTION_SECRET_ROTATION_UNKNOWN: EventDescription(message_key="reason"),
    ErpEvent.CONNECTION_UNITS_CHANGED: EventDescription(describe_units),
    ErpEvent.TAKEN_OVER: EventDescription(describe_take_over),
    ErpEvent.CONNECTION_UNIT_CONFIRMED: build_link_description(ErpEvent.CONNECTION_UNIT_CONFIRMED),
    **{
        event: build_link_description(event)
        for event in ErpEvent
        if event.value.startswith(("vendor_link.", "job_link.", "cost_type_account.", "submission.account_"))
    },
}
