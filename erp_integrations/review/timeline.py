"""A commitment's history in plain sentences, for the pages that show what happened to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commitments.models import Badge, Commitment
from directory.models import HistoryEntry, User
from erp_integrations.models import DriftKind

LONGEST = 200  # the newest; a page is no archive


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    ``status`` gives the dot its tone (words of a badge, or nothing), ``by`` is the person's
    name, empty for the system; ``words`` are what a person or Spectrum said.
    """

    status: str
    what: str
    by: str
    at: datetime
    words: str = ""


def of(commitment: Commitment) -> list[Entry]:
    """What happened to a commitment and to each of its submissions, newest first. Three queries."""
    history = HistoryEntry.objects.about(commitment, *commitment.submissions.only("commitment")).reverse()
    entries = list(history[:LONGEST])
    named = {entry.by_id for entry in entries} | {entry.detail.get("accepted_by") for entry in entries}
    people = User.objects.in_bulk([pk for pk in named if pk])
    sendings = sum(entry.event == "submission.sent" for entry in entries)
    told: list[Entry] = []
    for entry in entries:
        status, what, words = _sentence(entry, people)
        if entry.event == "submission.sent":
            what = "Re-sent to accounting" if sendings > 1 else "Sent to accounting"
            sendings -= 1
        by = str(people[entry.by_id]) if entry.by_id in people else ""
        told.append(Entry(status, what, by, entry.at, words))
    return told


def _sentence(entry: HistoryEntry, people: Mapping[int, User]) -> tuple[str, str, str]:
    """Tone, sentence, and what was said."""
    if entry.event not in _SENTENCES:
        return "", entry.event.replace(".", " ").replace("_", " ").capitalize(), ""
    badge, what, words = _SENTENCES[entry.event]
    detail = entry.detail
    sentence = what if isinstance(what, str) else what(detail, people)
    return (badge.label if badge else ""), sentence, str(detail.get(words, ""))


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
    return f"Accepted for export as {detail.get('erp_id', '')}"


def _retried(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Accepted again after the failed export, as {detail.get('erp_id', '')}"


def _returned(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    approver = people.get(detail.get("accepted_by", 0))
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
    kinds = [_lower(DriftKind(kind).label) for kind in detail.get("kinds", []) if kind in DriftKind.values]
    return f"Reconciliation: {', '.join(kinds)}"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _attested_part(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    return f"Looked up in Spectrum: {', '.join(detail.get('written', []))} are there, the others are not"


def _unlinked(detail: Mapping[str, Any], people: Mapping[int, User]) -> str:
    proof = "it was read back" if detail.get("proof") == "read back" else "somebody looked"
    return f"Unlinked: {detail.get('erp_id', '')} is gone from Spectrum, {proof}"


# For each event: the badge whose tone it has, the sentence, and where in the detail its words are.
_SENTENCES: dict[
    str, tuple[Badge | None, str | Callable[[Mapping[str, Any], Mapping[int, User]], str], str]
] = {
    "commitment.created": (None, "Created", ""),
    "commitment.changed": (None, _changed, ""),
    "commitment.lines_merged": (None, _merged, "was"),
    "commitment.billing_items_given": (None, _numbered, ""),
    "submission.sent": (Badge.AWAITING, "Sent to accounting", ""),
    "submission.retrieved": (Badge.RETRIEVED, "Retrieved from accounting", ""),
    "submission.accepted": (Badge.EXPORTING, _accepted, "note"),
    "submission.rejected": (Badge.REJECTED, "Rejected", "reason"),
    "submission.undone": (Badge.AWAITING, "Undone before anything was sent", ""),
    "submission.unlinked": (Badge.UNLINKED, _unlinked, "statement"),
    "submission.returned": (Badge.AWAITING, _returned, ""),
    "export.started": (Badge.EXPORTING, _started, ""),
    "export.put_off": (Badge.EXPORTING, "Put off; it is tried again by itself", "problem"),
    "export.synced": (Badge.SYNCED, "Written to Spectrum", ""),
    "export.verified": (Badge.SYNCED, "Read back: Spectrum holds what was accepted", ""),
    "export.differs": (Badge.SYNCED_WITH_DIFFERENCES, "Read back: Spectrum holds something else", ""),
    "export.absent": (Badge.NEEDS_ATTENTION, "Read back: Spectrum does not show it", ""),
    "drift.began": (Badge.SYNCED_WITH_DIFFERENCES, _drifted, ""),
    "drift.changed": (Badge.SYNCED_WITH_DIFFERENCES, _drifted, ""),
    "drift.ended": (Badge.SYNCED, "Reconciliation: nothing drifts any more", ""),
    "export.incomplete": (Badge.NEEDS_ATTENTION, "Stopped with a part of it in Spectrum", "problem"),
    "export.failed": (Badge.FAILED, "Failed; nothing was written to Spectrum", "problem"),
    "export.unknown": (
        Badge.NEEDS_ATTENTION,
        "Stopped: nobody knows whether Spectrum wrote the last call",
        "problem",
    ),
    "export.found_all": (Badge.SYNCED, "Read back: Spectrum holds all of it", ""),
    "export.found_none": (
        Badge.EXPORTING,
        "Read back: Spectrum holds nothing of it, so it is sent again",
        "",
    ),
    "export.found_part": (Badge.NEEDS_ATTENTION, _found_part, ""),
    "export.found_other": (Badge.NEEDS_ATTENTION, "Read back: Spectrum holds something else", ""),
    "export.attested_all": (Badge.SYNCED, "Looked up in Spectrum: all of it is there", "statement"),
    "export.attested_none": (
        Badge.EXPORTING,
        "Looked up in Spectrum: none of it is there, so it is sent again",
        "statement",
    ),
    "export.attested_part": (Badge.NEEDS_ATTENTION, _attested_part, "statement"),
    "export.resumed": (Badge.EXPORTING, "Resumed with the calls that are not written", ""),
    "export.retried": (Badge.EXPORTING, _retried, "note"),
}
