"""Proves the history: every chain from its first seal to its last, against what is stored and what was kept.

Reads by key in pages, as a server-side cursor does not outlive a PgBouncer, and holds one page at a time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, Min, OuterRef

from directory.history import canonical
from directory.history.checkpoints import Checkpoint, Head
from directory.history.restores import Restored
from directory.models import HistoryEntry, HistorySeal

AT_ONCE = 5_000
PAGE = """
    SELECT s.chain, s.number, s.entry_id, s.entry_hash, s.previous_hash, s.hash, s.sealed_at,
           e.id, e.at, e.company_id, e.by_id, e.event, e.subject_type, e.subject_id, e.detail
    FROM directory_historyseal s LEFT JOIN directory_historyentry e ON e.id = s.entry_id
    WHERE (s.chain, s.number) > (%s, %s)
    ORDER BY s.chain, s.number
    LIMIT %s
"""
LAST = 2**63 - 1
OUT_OF_ORDER = timedelta(hours=1)
"""How much older than those before it an entry may be: longer than any transaction, or step of a clock."""


@dataclass(frozen=True, slots=True)
class Break:
    """The first place at which a chain does not hold. What comes behind it proves nothing."""

    chain: int
    number: int
    sentence: str


@dataclass(slots=True)
class Chain:
    """One chain as far as it was read: its last good seal, and the latest time of an entry."""

    chain: int
    number: int = 0
    hash: str = canonical.NOTHING_BEFORE
    latest: datetime | None = None


@dataclass(slots=True)
class Proof:
    """What was found. ``unsealed`` entries have no seal yet, the oldest of them since ``oldest``.

    ``lost`` counts what checkpoints know, and a restore is said to have lost.
    """

    chains: list[Chain] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    seals: int = 0
    checkpoints: int = 0
    lost: int = 0
    unsealed: int = 0
    oldest: datetime | None = None


def prove(checkpoints: Sequence[Checkpoint] = (), restored: Sequence[Restored] = ()) -> Proof:
    """Read every chain, and compare it with the checkpoints, but for what a restore is said to have lost."""
    proof = Proof(checkpoints=len(checkpoints))
    kept = {
        (head.chain, head.number, head.hash): checkpoint
        for checkpoint in reversed(checkpoints)
        for head in checkpoint.heads
    }
    missing = dict(kept)
    wanted = {key[:2] for key in kept}
    for row in _rows(proof):
        chain = _chain(proof, row[0])
        proof.seals += 1
        if sentence := _fault(row, chain):
            proof.breaks.append(Break(chain.chain, row[1], sentence))
            continue
        chain.number, chain.hash = row[1], row[5]
        chain.latest = max(chain.latest or row[8], row[8])
        if (chain.chain, chain.number) in wanted:
            missing.pop((chain.chain, chain.number, chain.hash), None)
    for key, checkpoint in list(missing.items()):
        if any(each.explains(Head(*key), checkpoint.at) for each in restored):
            del missing[key]
            proof.lost += 1
    _compare(proof, {key: checkpoint.name for key, checkpoint in missing.items()})
    _count_unsealed(proof)
    return proof


def _rows(proof: Proof) -> Iterator[tuple[Any, ...]]:
    """Each seal with its entry; of a chain that is broken, nothing more."""
    place = (-1, 0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(PAGE, [*place, AT_ONCE])
            rows = cursor.fetchall()
        for row in rows:
            yield row
            place = (row[0], row[1])
            if proof.breaks and proof.breaks[-1].chain == row[0]:
                place = (row[0], LAST)
                break
        else:
            if len(rows) < AT_ONCE:
                return


def _chain(proof: Proof, number: int) -> Chain:
    if not proof.chains or proof.chains[-1].chain != number:
        proof.chains.append(Chain(number))
    return proof.chains[-1]


def _fault(row: tuple[Any, ...], before: Chain) -> str:
    """What is wrong with a seal or its entry, in a sentence; nothing when it holds."""
    chain, number, entry_id, entry_hash, previous_hash, own_hash, sealed_at = row[:7]
    if number != before.number + 1:
        return f"seal {before.number + 1} is missing: the next one that is stored is {number}"
    told = canonical.seal_hash(
        chain=chain,
        number=number,
        entry_id=entry_id,
        entry_hash=entry_hash,
        previous_hash=previous_hash,
        sealed_at=sealed_at,
    )
    if told != own_hash:
        return f"seal {number} (of entry {entry_id}) was altered: its hash is not that of what it says"
    if previous_hash != before.hash:
        return f"seal {number} (of entry {entry_id}) does not follow the one before: put in, or out of order"
    if row[7] is None:
        return f"entry {entry_id} is missing; it was sealed as number {number}"
    pk, at, company_id, by_id, event, subject_type, subject_id, detail = row[7:]
    content = canonical.content(
        pk=pk,
        at=at,
        company_id=company_id,
        by_id=by_id,
        event=event,
        subject_type=subject_type,
        subject_id=subject_id,
        detail=json.loads(detail),
    )
    if canonical.chain_of(company_id) != chain or canonical.hash_of(content) != entry_hash:
        return f"entry {entry_id} was altered after it was sealed as number {number}"
    if at > sealed_at + OUT_OF_ORDER or (before.latest and at < before.latest - OUT_OF_ORDER):
        return (
            f"entry {entry_id} says that it is of {at:%Y-%m-%d %H:%M}, and was sealed as number {number} "
            "among others of another time: it was dated by hand"
        )
    return ""


def _compare(proof: Proof, missing: dict[tuple[int, int, str], str]) -> None:
    """Say of each chain the first checkpoint that it does not agree with."""
    reached = {chain.chain: chain.number for chain in proof.chains}
    broken = {each.chain for each in proof.breaks}
    for (chain, number, _), name in sorted(missing.items()):
        if chain in broken:
            continue
        broken.add(chain)
        if number > reached.get(chain, 0):
            sentence = (
                f"{name} knows seal {number}, and the chain ends at {reached.get(chain, 0)}: "
                "its end was cut off, or an older database restored"
            )
        else:
            sentence = f"seal {number} is another than in {name}: the chain was written anew"
        proof.breaks.append(Break(chain, number, sentence))


def _count_unsealed(proof: Proof) -> None:
    sealed = HistorySeal.objects.filter(entry_id=OuterRef("pk"))
    waiting = HistoryEntry.objects.filter(~Exists(sealed)).aggregate(count=Count("pk"), oldest=Min("at"))
    proof.unsealed, proof.oldest = waiting["count"], waiting["oldest"]
