"""A company's history as a file for auditors: CSV to read, JSON lines to verify.

Written portion by portion, so that a million entries need no memory; and remembered in the history.
"""

from collections.abc import Callable, Iterator

from directory import history
from directory.csv_rows import BYTE_ORDER_MARK, format_csv_rows
from directory.history import canonical, descriptions
from directory.history.events import DirectoryEvent
from directory.models import Company, HistoryEntry, HistorySeal, User
from directory.models import HistoryQuerySet as Entries
from directory.rights.permissions import require_see_history
from erp_integrations.audit import history_search, subjects
from erp_integrations.audit.history_search import Search

BATCH_SIZE = 1_000
COLUMNS = (
    *("At (UTC)", "By", "By (id)", "Event", "What happened", "Said", "About", "Subject type", "Subject id"),
    *("Detail", "Entry", "Seal", "Entry hash", "Seal hash"),
)


class UnknownFormat(ValueError):
    """A format that nobody can have; the text says which there are."""


def export_history(*, company: Company, search: Search, kind: str, by: User) -> Iterator[str]:
    """Begin an export, after it was written down who has it.

    Raises RightMissing, UnknownFormat.
    """
    require_see_history(by, company)
    if kind not in FORMATS:
        raise UnknownFormat(f"History is exported as {' or '.join(FORMATS)}, not as “{kind}”.")
    detail, event = {"format": kind, "search": search.parameters}, DirectoryEvent.HISTORY_EXPORTED
    history.record(event=event, subject=company, by=by, company=company, detail=detail)
    # Now, as the days of the search are those of the viewer's time zone, which is left when this is written.
    return FORMATS[kind](company, history_search.find_entries(company, search))


def format_csv(company: Company, entries_found: Entries) -> Iterator[str]:
    """One row for each entry, with names as they are now. No value is a formula."""
    yield BYTE_ORDER_MARK + format_csv_rows([COLUMNS])
    for entries, seals in _read_batches(entries_found):
        people = descriptions.list_named_people(entries)
        subject_by_key = subjects.find_subjects(entries)
        rows = []
        for entry in entries:
            story, seal = descriptions.describe_entry(entry, people), seals.get(entry.pk)
            by = people.get(entry.by_id or 0)
            values = (
                canonical.format_time(entry.at),
                by or ("" if entry.by_id else "the system"),
                entry.by_id or "",
                entry.event,
                story.description,
                story.message,
                subject_by_key[entry.subject_type, entry.subject_id],
                entry.subject_type,
                entry.subject_id,
                canonical.format_canonical_json(entry.detail),
                entry.pk,
            )
            sealed = (seal.number, seal.entry_hash, seal.hash) if seal else ("", "", "")
            rows.append(map(str, (*values, *sealed)))
        yield format_csv_rows(rows)


def format_jsonl(company: Company, entries_found: Entries) -> Iterator[str]:
    """One line for each entry: what is hashed, letter for letter, and its seal (docs/history.md)."""
    for entries, seals in _read_batches(entries_found):
        lines = []
        for entry in entries:
            seal = seals.get(entry.pk)
            sealed = seal and {
                "chain": seal.chain,
                "number": seal.number,
                "entry": seal.entry_id,
                "entry_hash": seal.entry_hash,
                "previous_hash": seal.previous_hash,
                "hash": seal.hash,
                "sealed_at": canonical.format_time(seal.sealed_at),
            }
            lines.append(
                canonical.format_canonical_json(
                    {"entry": canonical.build_entry_content(entry), "seal": sealed}
                )
            )
        yield "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[Company, Entries], Iterator[str]]] = {"csv": format_csv, "jsonl": format_jsonl}


def _read_batches(entries_found: Entries) -> Iterator[tuple[list[HistoryEntry], dict[int, HistorySeal]]]:
    for entries in history_search.read_in_batches(entries_found, batch_size=BATCH_SIZE):
        yield entries, HistorySeal.objects.in_bulk([entry.pk for entry in entries])
