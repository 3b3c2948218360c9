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
from directory.history.restores import RestoreRecord
from directory.models import HistoryEntry, HistorySeal

PAGE_SIZE = 5_000
PAGE_QUERY = """
    SELECT s.chain, s.number, s.entry_id, s.entry_hash, s.previous_hash, s.hash, s.sealed_at,
           e.id, e.at, e.company_id, e.by_id, e.event, e.subject_type, e.subject_id, e.detail
    FROM directory_historyseal s LEFT JOIN directory_historyentry e ON e.id = s.entry_id
    WHERE (s.chain, s.number) > (%s, %s)
    ORDER BY s.chain, s.number
    LIMIT %s
"""
LAST_NUMBER = 2**63 - 1
MAX_TIME_DISORDER = timedelta(hours=1)
"""How much older than those before it an entry may be: longer than any transaction, or step of a clock."""


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first place at which a chain does not hold. What comes behind it proves nothing."""

    chain: int
    number: int
    sentence: str


@dataclass(slots=True)
class Chain:
    """One chain as far as it was read: its last good seal, and the latest time of an entry."""

    chain: int
    number: int = 0
    hash: str = canonical.GENESIS_HASH
    latest: datetime | None = None


@dataclass(slots=True)
class Proof:
    """``unsealed`` entries have no seal yet, the oldest of them since ``oldest``.

    ``lost`` counts what checkpoints know, and a restore is said to have lost.
    """

    chains: list[Chain] = field(default_factory=list)
    breaks: list[ChainBreak] = field(default_factory=list)
    seals: int = 0
    checkpoints: int = 0
    lost: int = 0
    unsealed: int = 0
    oldest: datetime | None = None


def verify_chains(checkpoints: Sequence[Checkpoint] = (), restores: Sequence[RestoreRecord] = ()) -> Proof:
    """Read every chain, and compare it with the checkpoints, but for what a restore is said to have lost."""
    proof = Proof(checkpoints=len(checkpoints))
    heads = {
        (head.chain, head.number, head.hash): checkpoint
        for checkpoint in reversed(checkpoints)
        for head in checkpoint.heads
    }
    missing = dict(heads)
    wanted = {key[:2] for key in heads}
    for row in read_sealed_rows(proof):
        chain = _get_current_chain(proof, row[0])
        proof.seals += 1
        if sentence := check_seal(row, chain):
            proof.breaks.append(ChainBreak(chain.chain, row[1], sentence))
            continue
        chain.number, chain.hash = row[1], row[5]
        chain.latest = max(chain.latest or row[8], row[8])
        if (chain.chain, chain.number) in wanted:
            missing.pop((chain.chain, chain.number, chain.hash), None)
    for key, checkpoint in list(missing.items()):
        if any(each.has_lost(Head(*key), checkpoint.at) for each in restores):
            del missing[key]
            proof.lost += 1
    compare_checkpoints(proof, {key: checkpoint.name for key, checkpoint in missing.items()})
    count_unsealed(proof)
    return proof


def read_sealed_rows(proof: Proof) -> Iterator[tuple[Any, ...]]:
    """Each seal with its entry; of a chain that is broken, nothing more."""
    position = (-1, 0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(PAGE_QUERY, [*position, PAGE_SIZE])
            rows = cursor.fetchall()
        for row in rows:
            yield row
            position = (row[0], row[1])
            if proof.breaks and proof.breaks[-1].chain == row[0]:
                position = (row[0], LAST_NUMBER)
                break
        else:
            if len(rows) < PAGE_SIZE:
                return


def _get_current_chain(proof: Proof, number: int) -> Chain:
    if not proof.chains or proof.chains[-1].chain != number:
        proof.chains.append(Chain(number))
    return proof.chains[-1]


def check_seal(row: tuple[Any, ...], previous: Chain) -> str:
    """The fault of a seal or its entry, in a sentence; blank when it holds."""
    chain, number, entry_id, entry_hash, previous_hash, own_hash, sealed_at = row[:7]
    if number != previous.number + 1:
        return f"seal {previous.number + 1} is missing: the next one that is stored is {number}"
    expected_hash = canonical.hash_seal(
        chain=chain,
        number=number,
        entry_id=entry_id,
        entry_hash=entry_hash,
        previous_hash=previous_hash,
        sealed_at=sealed_at,
    )
    if expected_hash != own_hash:
        return f"seal {number} (of entry {entry_id}) was altered: its hash is not that of what it says"
    if previous_hash != previous.hash:
        return f"seal {number} (of entry {entry_id}) does not follow the one before: put in, or out of order"
    if row[7] is None:
        return f"entry {entry_id} is missing; it was sealed as number {number}"
    *values, detail = row[7:]  # in the order of the model's fields
    entry = HistoryEntry(*values, json.loads(detail))
    content = canonical.build_entry_content(entry)
    if canonical.get_chain(entry.company_id) != chain or canonical.hash_content(content) != entry_hash:
        return f"entry {entry_id} was altered after it was sealed as number {number}"
    at = entry.at
    if at > sealed_at + MAX_TIME_DISORDER or (previous.latest and at < previous.latest - MAX_TIME_DISORDER):
        return (
            f"entry {entry_id} says that it is of {at:%Y-%m-%d %H:%M}, and was sealed as number {number} "
            "among others of another time: it was dated by hand"
        )
    return ""


def compare_checkpoints(proof: Proof, missing: dict[tuple[int, int, str], str]) -> None:
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
        proof.breaks.append(ChainBreak(chain, number, sentence))


def count_unsealed(proof: Proof) -> None:
    sealed = HistorySeal.objects.filter(entry_id=OuterRef("pk"))
    waiting = HistoryEntry.objects.filter(~Exists(sealed)).aggregate(count=Count("pk"), oldest=Min("at"))
    proof.unsealed, proof.oldest = waiting["count"], waiting["oldest"]
