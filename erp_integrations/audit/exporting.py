"""A company's history as a file for auditors: CSV to read, JSON lines to verify.

Written portion by portion, so that a million entries need no memory; and remembered in the history.
"""

import csv
from collections.abc import Callable, Iterator
from io import StringIO

from directory import history
from directory.history import canonical, words
from directory.models import Company, HistoryEntry, HistorySeal, User
from directory.models import HistoryQuerySet as Entries
from directory.rights.permissions import require_see_history
from erp_integrations.audit import searching, subjects
from erp_integrations.audit.searching import Search

AT_ONCE = 1_000
LIKE_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = (
    *("At (UTC)", "By", "By (id)", "Event", "What happened", "Said", "About", "Subject type", "Subject id"),
    *("Detail", "Entry", "Seal", "Entry hash", "Seal hash"),
)


class NoSuchFormat(ValueError):
    """A format that nobody can have; the text says which there are."""


def export(*, company: Company, search: Search, kind: str, by: User) -> Iterator[str]:
    """Begin an export, after it was written down who has it.

    Raises RightMissing, NoSuchFormat.
    """
    require_see_history(by, company)
    if kind not in FORMATS:
        raise NoSuchFormat(f"History is exported as {' or '.join(FORMATS)}, not as “{kind}”.")
    history.record(
        event="history.exported",
        subject=company,
        by=by,
        company=company,
        detail={"format": kind, "search": search.parameters},
    )
    # Now, as the days of the search are those of the viewer's time zone, which is left when this is written.
    return FORMATS[kind](company, searching.found(company, search))


def as_csv(company: Company, found: Entries) -> Iterator[str]:
    """One row for each entry, with names as they are now. No value is a formula."""
    yield "\ufeff" + _line(COLUMNS)  # the mark by which Excel knows UTF-8
    for entries, seals in _portions(found):
        people = words.people_in(entries)
        about = subjects.named(entries)
        rows = []
        for entry in entries:
            story, seal = words.told(entry, people), seals.get(entry.pk)
            by = people.get(entry.by_id or 0)
            rows.append(
                _line(
                    (
                        canonical.moment(entry.at),
                        str(by) if by else "" if entry.by_id else "the system",
                        str(entry.by_id or ""),
                        entry.event,
                        story.what,
                        story.said,
                        str(about[entry.subject_type, entry.subject_id]),
                        entry.subject_type,
                        str(entry.subject_id),
                        canonical.canonical_json(entry.detail),
                        str(entry.pk),
                        str(seal.number) if seal else "",
                        seal.entry_hash if seal else "",
                        seal.hash if seal else "",
                    )
                )
            )
        yield "".join(rows)


def as_jsonl(company: Company, found: Entries) -> Iterator[str]:
    """One line for each entry: what is hashed, letter for letter, and its seal (docs/history.md)."""
    for entries, seals in _portions(found):
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
                "sealed_at": canonical.moment(seal.sealed_at),
            }
            lines.append(canonical.canonical_json({"entry": canonical.content_of(entry), "seal": sealed}))
        yield "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[Company, Entries], Iterator[str]]] = {"csv": as_csv, "jsonl": as_jsonl}


def _portions(found: Entries) -> Iterator[tuple[list[HistoryEntry], dict[int, HistorySeal]]]:
    for entries in searching.in_order(found, at_once=AT_ONCE):
        yield entries, HistorySeal.objects.in_bulk([entry.pk for entry in entries])


def _line(values: tuple[str, ...]) -> str:
    written = StringIO()
    csv.writer(written).writerow([_harmless(value) for value in values])
    return written.getvalue()


def _harmless(value: str) -> str:
    # What people typed is text: a spreadsheet takes a value that begins like this for a formula.
    text = value.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(LIKE_FORMULAS) else text
