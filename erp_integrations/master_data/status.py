"""How far the reading of Spectrum's lists has come, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format

from erp_integrations.models import Connection, MastersPull, PullStatus


@dataclass(frozen=True, slots=True)
class ListState:
    """A connection's reading. ``problems`` are sentences about what could not be read."""

    connection: Connection
    sentence: str
    problems: list[str]
    is_moving: bool


def of(connections: Sequence[Connection]) -> list[ListState]:
    """Of each connection. One query."""
    pulls = {pull.connection_id: pull for pull in MastersPull.objects.filter(connection__in=connections)}
    return [_state(connection, pulls.get(connection.pk)) for connection in connections]


def _state(connection: Connection, pull: MastersPull | None) -> ListState:
    if pull is None:
        return ListState(connection, "Not read yet. A worker reads the lists soon.", [], is_moving=True)
    if pull.status == PullStatus.PULLING:
        sentence = f"Being read now: {_counts(pull)}"
        if pull.linked_jobs:
            sentence += f", those of {pull.linked_jobs_read} of {pull.linked_jobs} linked jobs"
        return ListState(connection, f"{sentence}.", [], is_moving=True)
    if pull.status == PullStatus.QUEUED:
        return ListState(connection, f"Waits for a worker. {_last(pull)}", [], is_moving=True)
    return ListState(connection, _last(pull), pull.problem.splitlines(), is_moving=False)


def _last(pull: MastersPull) -> str:
    if pull.finished_at is None:
        return "Not read yet."
    at = date_format(timezone.localtime(pull.finished_at), "j M Y, H:i")
    if pull.problem:
        return f"Last tried on {at}; not all could be read."
    return f"Read on {at}: {_counts(pull)}."


def _counts(pull: MastersPull) -> str:
    counted = [(pull.vendors_read, "vendor"), (pull.jobs_read, "job"), (pull.phases_read, "phase")]
    words = [f"{count:,} {name}{'' if count == 1 else 's'}" for count, name in counted]
    return f"{', '.join(words[:-1])} and {words[-1]}"
