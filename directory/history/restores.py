"""That the database was put back to an older copy: the operator's signed word, so that proofs hold again.

It names, chain by chain, the last seal that this database and the checkpoints agree on. What older
checkpoints know beyond it was lost then, and is no sign that somebody cut or rewrote the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils import timezone

from directory import history
from directory.history import canonical, checkpoints
from directory.history.checkpoints import Checkpoint, Head
from directory.history.events import DirectoryEvent
from directory.models import HistoryEntry, HistorySeal


@dataclass(frozen=True, slots=True)
class RestoreRecord:
    """The content of one entry whose signature holds."""

    at: datetime
    reason: str
    agreed: dict[int, int]

    def has_lost(self, head: Head, known_at: datetime) -> bool:
        """A checkpoint of then knows this seal, and the copy did not."""
        return known_at < self.at and head.number > self.agreed.get(head.chain, 0)


def record_restore(*, subject: models.Model, reason: str, lost: Sequence[str]) -> HistoryEntry:
    """Write the operator's word, signed as checkpoints are. Raises InvalidKey."""
    known = [head for each in checkpoints.list_own_checkpoints() for head in each.heads]
    agreed = {head.chain: 0 for head in known}
    for head in list_stored_heads(known):
        agreed[head.chain] = max(head.number, agreed[head.chain])
    statement = {
        "schema": canonical.SCHEMA,
        "at": canonical.format_time(timezone.now()),
        "reason": reason,
        "chains": [{"chain": chain, "number": number} for chain, number in sorted(agreed.items())],
    }
    detail = {**checkpoints.sign_statement(statement), "reason": reason, "lost": list(lost)}
    return history.record(
        event=DirectoryEvent.HISTORY_RESTORED, subject=subject, by=None, company=None, detail=detail
    )


def list_trusted_restores(*, trusted: Sequence[str]) -> list[RestoreRecord]:
    """Those that one of the ``trusted`` keys has signed."""
    entries = HistoryEntry.objects.filter(event=DirectoryEvent.HISTORY_RESTORED, company_id=None).order_by(
        "pk"
    )
    restores = []
    for entry in entries:
        if checkpoints.has_trusted_signature(entry.detail, trusted=trusted):
            statement = entry.detail["statement"]
            agreed = {each["chain"]: each["number"] for each in statement["chains"]}
            restores.append(
                RestoreRecord(datetime.fromisoformat(statement["at"]), statement["reason"], agreed)
            )
    return restores


def has_unexplained_loss(checkpoint: Checkpoint | None) -> bool:
    """A checkpoint knows a seal that this database does not hold, and nobody has said why."""
    if checkpoint is None:
        return False
    missing = set(checkpoint.heads) - set(list_stored_heads(checkpoint.heads))
    if not missing:
        return False
    restores = list_trusted_restores(trusted=[checkpoints.get_own_public_key()])
    return any(not any(each.has_lost(head, checkpoint.at) for each in restores) for head in missing)


def list_stored_heads(heads: Sequence[Head]) -> list[Head]:
    """Those of these seals that the database has."""
    seals = HistorySeal.objects.filter(
        chain__in={head.chain for head in heads}, number__in={head.number for head in heads}
    ).values_list("chain", "number", "hash")
    stored = {Head(*seal) for seal in seals}
    return [head for head in heads if head in stored]
