"""How far the reading of Spectrum's master data has come, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from directory.db.time_zones import format_time
from erp_integrations.models import Connection, MastersPull, SyncStatus


@dataclass(frozen=True, slots=True)
class SyncSummary:
    """A connection's reading. ``problems`` are sentences about what could not be read."""

    connection: Connection
    sentence: str
    problems: list[str]
    is_moving: bool


def list_sync_summaries(connections: Sequence[Connection]) -> list[SyncSummary]:
    """Of each connection. One query."""
    syncs = {sync.connection_id: sync for sync in MastersPull.objects.filter(connection__in=connections)}
    return [_build_sync_summary(connection, syncs.get(connection.pk)) for connection in connections]


def _build_sync_summary(connection: Connection, sync: MastersPull | None) -> SyncSummary:
    if sync is None:
        return SyncSummary(connection, "Not synced yet. The first sync starts shortly.", [], is_moving=True)
    if sync.status == SyncStatus.PULLING:
        sentence = f"Syncing: {_format_counts(sync)}"
        if sync.linked_jobs:
            sentence += f", phases of {sync.linked_jobs_read} of {sync.linked_jobs} linked jobs"
        return SyncSummary(connection, f"{sentence}.", [], is_moving=True)
    if sync.status == SyncStatus.QUEUED:
        return SyncSummary(connection, f"Sync queued. {_describe_last_sync(sync)}", [], is_moving=True)
    return SyncSummary(connection, _describe_last_sync(sync), sync.problem.splitlines(), is_moving=False)


def _describe_last_sync(sync: MastersPull) -> str:
    if sync.finished_at is None:
        return "Not synced yet."
    at = format_time(sync.finished_at)
    if sync.problem:
        return f"Last sync on {at} was incomplete."
    return f"Synced on {at}: {_format_counts(sync)}."


def _format_counts(sync: MastersPull) -> str:
    counted = [(sync.vendors_read, "vendor"), (sync.jobs_read, "job"), (sync.phases_read, "phase")]
    parts = [f"{count:,} {name}{'' if count == 1 else 's'}" for count, name in counted]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
