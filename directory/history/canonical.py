"""How a history entry and its seal are hashed. An auditor can do it by hand (docs/history.md).

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
INSTALLATION_CHAIN = 0
"""The chain of what concerns no company."""
GENESIS_HASH = "0" * 64
"""The previous hash of the first seal in a chain."""


def format_canonical_json(value: Any) -> str:
    """One text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def format_time(at: datetime) -> str:
    """A time as it is hashed: ``2026-11-25T21:35:28.000123Z``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def build_entry_content(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": entry.pk,
        "at": format_time(entry.at),
        "company": entry.company_id,
        "by": entry.by_id,
        "event": entry.event,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "detail": entry.detail,
    }


def get_chain(company_id: int | None) -> int:
    return INSTALLATION_CHAIN if company_id is None else company_id


def hash_content(content: Mapping[str, Any]) -> str:
    """SHA-256 of what an entry says, as 64 hexadecimal digits."""
    return _hash_text(format_canonical_json(content))


def hash_seal(
    *, chain: int, number: int, entry_id: int, entry_hash: str, previous_hash: str, sealed_at: datetime
) -> str:
    """SHA-256 of a seal's own line."""
    return _hash_text(
        f"{SCHEMA}|{chain}|{number}|{entry_id}|{entry_hash}|{previous_hash}|{format_time(sealed_at)}"
    )


def build_seal(entry: HistoryEntry, *, previous: tuple[int, str], sealed_at: datetime) -> HistorySeal:
    """The seal that puts an entry behind ``previous``, the number and hash of its chain's head."""
    number, previous_hash = previous[0] + 1, previous[1]
    chain, entry_hash = get_chain(entry.company_id), hash_content(build_entry_content(entry))
    return HistorySeal(
        entry_id=entry.pk,
        chain=chain,
        number=number,
        entry_hash=entry_hash,
        previous_hash=previous_hash,
        sealed_at=sealed_at,
        hash=hash_seal(
            chain=chain,
            number=number,
            entry_id=entry.pk,
            entry_hash=entry_hash,
            previous_hash=previous_hash,
            sealed_at=sealed_at,
        ),
    )


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
