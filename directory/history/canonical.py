"""What of a history entry and of its seal is hashed, and how. An auditor can do it by hand (docs/history.md).

Entries as canonical JSON: sorted keys, no spaces, times in UTC with microseconds. Seals as a line of text
that PostgreSQL can build as well, so that it refuses a forged one.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from directory.models import HistoryEntry, HistorySeal

SCHEMA = 1
INSTALLATION = 0
"""The chain of what concerns no company."""
NOTHING_BEFORE = "0" * 64
"""The previous hash of the first seal in a chain."""


def canonical_json(value: Any) -> str:
    """One text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def moment(at: datetime) -> str:
    """A time as it is hashed: ``2026-11-25T21:35:28.000123Z``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def content(
    *,
    pk: int,
    at: datetime,
    company_id: int | None,
    by_id: int | None,
    event: str,
    subject_type: str,
    subject_id: int,
    detail: Any,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": pk,
        "at": moment(at),
        "company": company_id,
        "by": by_id,
        "event": event,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "detail": detail,
    }


def content_of(entry: HistoryEntry) -> dict[str, Any]:
    return content(
        pk=entry.pk,
        at=entry.at,
        company_id=entry.company_id,
        by_id=entry.by_id,
        event=entry.event,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        detail=entry.detail,
    )


def chain_of(company_id: int | None) -> int:
    return INSTALLATION if company_id is None else company_id


def hash_of(entry: Mapping[str, Any]) -> str:
    """SHA-256 of what an entry says, as 64 hexadecimal digits."""
    return _sha256(canonical_json(entry))


def seal_hash(
    *, chain: int, number: int, entry_id: int, entry_hash: str, previous_hash: str, sealed_at: datetime
) -> str:
    """SHA-256 of a seal's own line."""
    return _sha256(f"{SCHEMA}|{chain}|{number}|{entry_id}|{entry_hash}|{previous_hash}|{moment(sealed_at)}")


def seal_for(entry: HistoryEntry, *, after: tuple[int, str], sealed_at: datetime) -> HistorySeal:
    """The seal that puts an entry behind ``after``, the number and hash of its chain's head."""
    number, previous_hash = after[0] + 1, after[1]
    chain, entry_hash = chain_of(entry.company_id), hash_of(content_of(entry))
    return HistorySeal(
        entry_id=entry.pk,
        chain=chain,
        number=number,
        entry_hash=entry_hash,
        previous_hash=previous_hash,
        sealed_at=sealed_at,
        hash=seal_hash(
            chain=chain,
            number=number,
            entry_id=entry.pk,
            entry_hash=entry_hash,
            previous_hash=previous_hash,
            sealed_at=sealed_at,
        ),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
