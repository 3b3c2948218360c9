"""The sealer: appends new history entries to the hash chain of their company, within seconds.

Safe to call anywhere and any number of times: one sealer works at a time, by a lock that ends with
its transaction (and so holds under a transaction-pooling PgBouncer), and a seal stands or falls with
its batch. What is chosen is what has no seal yet, never what comes after the last one: an entry can
be committed after one with a larger id.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef

from directory.history import canonical
from directory.models import HistoryEntry, HistorySeal

BATCH_SIZE = 1_000
LATE = 10_000
"""How far behind the newest seal the quick look goes for entries that were committed late."""
LOCK_ID = 4_711_900_001
"""Of PostgreSQL's advisory locks; nothing else here uses any."""


def seal_new_entries(*, everything: bool = False) -> int:
    """Seal what has no seal, and return how much that was.

    The quick look ends ``LATE`` ids below the newest seal, and leaves it to another sealer that is at
    work; ``everything`` goes back to the first entry, and waits for that one. Not to be called inside a
    transaction.
    """
    sealed = 0
    after_id = 0 if everything else find_newest() - LATE
    while batch := seal_batch(after_id, wait=everything):
        sealed += len(batch)
        after_id = batch[-1].entry_id
    return sealed


def seal_batch(after_id: int, *, wait: bool = False) -> list[HistorySeal]:
    with transaction.atomic(durable=True):
        now = claim_sealing_lock(wait=wait)
        if now is None:
            return []
        # Read after the lock was got, so that all seals of the sealer before us are seen.
        entries = list_unsealed_entries(after_id)
        heads = {
            chain: get_chain_head(chain)
            for chain in {canonical.get_chain(entry.company_id) for entry in entries}
        }
        seals = []
        for entry in entries:
            chain = canonical.get_chain(entry.company_id)
            seal = canonical.build_seal(entry, previous=heads[chain], sealed_at=now)
            heads[chain] = seal.number, seal.hash
            seals.append(seal)
        return HistorySeal.objects.bulk_create(seals)


def claim_sealing_lock(*, wait: bool) -> datetime | None:
    """The database's time when nobody else is sealing, and nobody will until this transaction ends."""
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_ID])
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s), statement_timestamp()", [LOCK_ID])
        is_claimed, now = cursor.fetchone()
    return now if is_claimed else None


def find_newest() -> int:
    newest: int | None = HistorySeal.objects.aggregate(newest=Max("entry_id"))["newest"]
    return newest or 0


def list_unsealed_entries(after_id: int) -> list[HistoryEntry]:
    sealed = HistorySeal.objects.filter(entry_id=OuterRef("pk"))
    waiting = HistoryEntry.objects.filter(~Exists(sealed), pk__gt=after_id)
    return list(waiting.order_by("pk")[:BATCH_SIZE])


def get_chain_head(chain: int) -> tuple[int, str]:
    head = HistorySeal.objects.filter(chain=chain).order_by("-number").values_list("number", "hash").first()
    return head or (0, canonical.GENESIS_HASH)
