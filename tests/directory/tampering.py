"""The acts on the history of somebody with the database in hand."""

from typing import Any

from directory import history
from directory.history import canonical, sealing
from directory.history.events import DirectoryEvent
from directory.models import Company, HistoryEntry, HistorySeal
from tests.conftest import session_of_owner

ENTRIES, SEALS = HistoryEntry._meta.db_table, HistorySeal._meta.db_table


def sealed(company: Company, *, entries: int = 5) -> list[HistoryEntry]:
    """Entries of a company that have their seals."""
    made = [
        history.record(
            event=DirectoryEvent.COMPANY_CHANGED,
            subject=company,
            by=None,
            company=company,
            detail={"turn": turn},
        )
        for turn in range(entries)
    ]
    sealing.seal_new_entries()
    return made


def as_owner(*statements: str, parameters: Any = None) -> None:
    """Do what only the owner of the tables can: switch the triggers off, and on again afterwards."""
    with session_of_owner() as cursor:
        for table in (ENTRIES, SEALS):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement, parameters)
        for table in (ENTRIES, SEALS):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def write_anew(company: Company) -> None:
    """Make a whole chain agree with what its entries say now, as an owner with time would."""
    head = (0, canonical.GENESIS_HASH)
    for seal in HistorySeal.objects.filter(chain=company.pk).order_by("number"):
        entry = HistoryEntry.objects.get(pk=seal.entry_id)
        forged = canonical.build_seal(entry, previous=head, sealed_at=seal.sealed_at)
        as_owner(
            f"UPDATE {SEALS} SET entry_hash = %s, previous_hash = %s, hash = %s WHERE entry_id = %s",
            parameters=[forged.entry_hash, forged.previous_hash, forged.hash, entry.pk],
        )
        head = forged.number, forged.hash
