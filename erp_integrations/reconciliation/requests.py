"""Asking for a reconciliation, and what a company is told about its last ones."""

from dataclasses import dataclass

from django.db import transaction

from directory import history
from directory.db.time_zones import format_time
from directory.models import Company, User
from directory.rights.permissions import require_compare_with_erp
from erp_integrations import wakeup
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, Reconciliation, ReconciliationStatus
from erp_integrations.reconciliation import schedule


class NothingToCompare(Exception):
    """No connection of the company reads back; the text is for the person who asked."""


@transaction.atomic
def start_reconciliations(*, company: Company, by: User) -> list[Reconciliation]:
    """Have every connection of a company compared that reads back; one that is at it goes on.

    Raises RightMissing, NothingToCompare.
    """
    require_compare_with_erp(by, company)
    connections = [each for each in Connection.objects.filter(company=company) if each.has_read_back]
    if not connections:
        raise NothingToCompare(
            "Nothing can be compared: no connection of this company has read-back. "
            "The operator sets up Spectrum's read-only database in INFO_LINKS."
        )
    runs = []
    for connection in connections:
        run, is_new = schedule.open_run(connection, by_id=by.pk)
        runs.append(run)
        if is_new:
            event, detail = ErpEvent.RECONCILIATION_ASKED, {"connection": connection.pk}
            history.record(event=event, subject=run, by=by, company=company, detail=detail)
    wakeup.wake_reconciliation()
    return runs


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One connection: its newest run, and the newest one that went to the end."""

    connection: Connection
    newest: Reconciliation | None
    finished: Reconciliation | None

    @property
    def is_moving(self) -> bool:
        return self.newest is not None and self.newest.ended_at is None

    @property
    def is_stopped(self) -> bool:
        """Nobody could look when it was last tried."""
        return self.newest is not None and self.newest.status == ReconciliationStatus.STOPPED

    @property
    def state(self) -> str:
        """In a few words."""
        if not self.connection.has_read_back:
            return "Not compared"
        if self.newest is None:
            return "Not compared yet"
        return str(self.newest.get_status_display())

    @property
    def sentence(self) -> str:
        if not self.connection.has_read_back:
            return f"INFO_LINKS has no read-only database for the server {self.connection.server}."
        newest = self.newest
        if newest is None:
            return "Comparison starts once a commitment is synced."
        if newest.status == ReconciliationStatus.WAITING:
            return "Starting shortly."
        if newest.status == ReconciliationStatus.RUNNING:
            return f"{newest.compared:,} of {max(newest.to_compare, newest.compared):,} compared."
        if self.is_stopped:
            last = f" Last compared on {format_time(self.finished.ended_at)}." if self.finished else ""
            return f"{newest.problem}{last}"
        return f"{_format_commitments(newest.compared)} compared on {format_time(newest.ended_at)}."


@dataclass(frozen=True, slots=True)
class Summary:
    """All connections of a company, and how many of its commitments drift ("100+" for more)."""

    connection_rows: list[ConnectionRow]
    drifting: str

    @property
    def can_compare(self) -> bool:
        return any(row.connection.has_read_back for row in self.connection_rows)

    @property
    def is_moving(self) -> bool:
        return any(row.is_moving for row in self.connection_rows)

    @property
    def is_in_sync(self) -> bool:
        """Everything was compared, and nothing drifts."""
        return self.drifting == "0" and all(
            row.finished and not row.is_stopped
            for row in self.connection_rows
            if row.connection.has_read_back
        )

    @property
    def tone(self) -> str:
        """That of the notice."""
        if self.is_in_sync and self.can_compare:
            return "success"
        has_problem = self.drifting != "0" or any(row.is_stopped for row in self.connection_rows)
        return "warning" if has_problem else "info"

    @property
    def sentence(self) -> str:
        """The first thing that the page says."""
        if not self.can_compare:
            return "Nothing can be compared: no connection has read-back"
        finished = [row.finished for row in self.connection_rows if row.finished]
        if not finished:
            stopped = any(row.is_stopped for row in self.connection_rows)
            return "Can't be checked now" if stopped else "Nothing compared yet"
        compared = sum(run.compared for run in finished)
        # Of several connections the oldest comparison counts: so old is what is known of all.
        at = format_time(min(run.ended_at for run in finished if run.ended_at))
        if self.drifting == "0":
            return f"No drift; {_format_commitments(compared)} compared on {at}"
        return f"{self.drifting} of {_format_commitments(compared)} drifted; compared on {at}"


def build_summary(company: Company, *, drifting: str) -> Summary:
    """Three queries, however many connections and runs there are."""
    connections = Connection.objects.filter(company=company)
    runs = Reconciliation.objects.filter(connection__company=company).order_by("connection_id", "-pk")
    newest = {run.connection_id: run for run in runs.distinct("connection_id")}
    finished = {run.connection_id: run for run in runs.finished().distinct("connection_id")}
    return Summary(
        [ConnectionRow(each, newest.get(each.pk), finished.get(each.pk)) for each in connections],
        drifting,
    )


def _format_commitments(count: int) -> str:
    return "1 commitment" if count == 1 else f"{count:,} commitments"
