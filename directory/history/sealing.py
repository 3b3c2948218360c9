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

AT_ONCE = 1_000
LATE = 10_000
"""How far behind the newest seal the quick look goes for entries that were committed late."""
LOCK = 4_711_900_001
"""Of PostgreSQL's advisory locks; nothing else here uses any."""


def seal_new(*, everything: bool = False) -> int:
    """Seal what has no seal, and return how much that was.

    The quick look ends ``LATE`` ids below the newest seal; ``everything`` goes back to the first entry.
    Not to be called inside a transaction.
    """
    sealed = 0
    behind = 0 if everything else _newest() - LATE
    while batch := _seal_batch(behind):
        sealed += len(batch)
        behind = batch[-1].entry_id
    return sealed


def _seal_batch(behind: int) -> list[HistorySeal]:
    with transaction.atomic(durable=True):
        now = _alone()
        if now is None:
            return []
        # Read after the lock was got, so that all seals of the sealer before us are seen.
        entries = _unsealed(behind)
        heads = {chain: _head(chain) for chain in {canonical.chain_of(entry.company_id) for entry in entries}}
        seals = []
        for entry in entries:
            chain = canonical.chain_of(entry.company_id)
            seal = canonical.seal_for(entry, after=heads[chain], sealed_at=now)
            heads[chain] = seal.number, seal.hash
            seals.append(seal)
        return HistorySeal.objects.bulk_create(seals)


def _alone() -> datetime | None:
    """The database's time when nobody else is sealing, and nobody will until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s), statement_timestamp()", [LOCK])
        alone, now = cursor.fetchone()
    return now if alone else None


def _newest() -> int:
    newest: int | None = HistorySeal.objects.aggregate(newest=Max("entry_id"))["newest"]
    return newest or 0


def _unsealed(behind: int) -> list[HistoryEntry]:
    sealed = HistorySeal.objects.filter(entry_id=OuterRef("pk"))
    waiting = HistoryEntry.objects.filter(~Exists(sealed), pk__gt=behind)
    return list(waiting.order_by("pk")[:AT_ONCE])


def _head(chain: int) -> tuple[int, str]:
    head = HistorySeal.objects.filter(chain=chain).order_by("-number").values_list("number", "hash").first()
    return head or (0, canonical.NOTHING_BEFORE)
