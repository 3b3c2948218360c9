"""Asking for a reconciliation, and what a company is told about its last ones."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from directory import history
from directory.models import Company, User
from directory.rights.permissions import require_compare_with_erp
from erp_integrations import wakeup
from erp_integrations.models import Connection, Reconciliation, ReconciliationStatus
from erp_integrations.models.secrets import secret_fields
from erp_integrations.reconciliation import comparison


class NothingToRead(Exception):
    """No connection of the company reads back; the text is for the person who asked."""


@transaction.atomic
def ask(*, company: Company, by: User) -> list[Reconciliation]:
    """Have every connection of a company compared that reads back; one that is at it goes on.

    Raises RightMissing, NothingToRead.
    """
    require_compare_with_erp(by, company)
    connections = [each for each in Connection.objects.filter(company=company) if each.reads_back]
    if not connections:
        raise NothingToRead(
            "Nothing can be compared: no connection of this company reads back. "
            "The operator names Spectrum's read-only database in INFO_LINKS."
        )
    runs = []
    for connection in connections:
        run, is_new = comparison.open_run(connection, by_id=by.pk)
        runs.append(run)
        if is_new:
            history.record(
                event="reconciliation.asked",
                subject=run,
                by=by,
                company=company,
                detail={"connection": connection.pk},
            )
    wakeup.wake_reconciliation()
    return runs


@dataclass(frozen=True, slots=True)
class ConnectionStanding:
    """One connection: its newest run, and the newest one that went to the end."""

    connection: Connection
    newest: Reconciliation | None
    finished: Reconciliation | None

    @property
    def is_moving(self) -> bool:
        return self.newest is not None and self.newest.ended_at is None

    @property
    def is_stopped(self) -> bool:
        """Whether nobody could look when it was last tried."""
        return self.newest is not None and self.newest.status == ReconciliationStatus.STOPPED

    @property
    def state(self) -> str:
        """In a few words."""
        if not self.connection.reads_back:
            return "Not compared"
        if self.newest is None:
            return "Not compared yet"
        return str(self.newest.get_status_display())

    @property
    def sentence(self) -> str:
        """What is known of it."""
        if not self.connection.reads_back:
            return f"INFO_LINKS names no read-only database of the server {self.connection.server}."
        newest = self.newest
        if newest is None:
            return "It is compared once a commitment is synced."
        if newest.status == ReconciliationStatus.WAITING:
            return "It begins in a moment."
        if newest.status == ReconciliationStatus.RUNNING:
            return f"{newest.compared:,} of {max(newest.to_compare, newest.compared):,} compared."
        if self.is_stopped:
            last = f" Last compared on {_date(self.finished.ended_at)}." if self.finished else ""
            return f"{newest.problem}{last}"
        return f"{_commitments(newest.compared)} compared on {_date(newest.ended_at)}."


@dataclass(frozen=True, slots=True)
class Summary:
    """All connections of a company, and how many of its commitments drift ("100+" for more)."""

    standings: list[ConnectionStanding]
    drifting: str

    @property
    def can_compare(self) -> bool:
        return any(standing.connection.reads_back for standing in self.standings)

    @property
    def is_moving(self) -> bool:
        return any(standing.is_moving for standing in self.standings)

    @property
    def is_calm(self) -> bool:
        """Whether everything was compared, and nothing drifts."""
        return self.drifting == "0" and all(
            standing.finished and not standing.is_stopped
            for standing in self.standings
            if standing.connection.reads_back
        )

    @property
    def tone(self) -> str:
        """That of the notice."""
        if self.is_calm and self.can_compare:
            return "success"
        troubled = self.drifting != "0" or any(standing.is_stopped for standing in self.standings)
        return "warning" if troubled else "info"

    @property
    def sentence(self) -> str:
        """The first thing that the page says."""
        if not self.can_compare:
            return "Nothing can be compared: no connection reads back"
        done = [standing.finished for standing in self.standings if standing.finished]
        if not done:
            stopped = any(standing.is_stopped for standing in self.standings)
            return "Can't be checked now" if stopped else "Nothing was compared yet"
        compared = sum(run.compared for run in done)
        # Of several connections the oldest comparison counts: so old is what is known of all.
        at = _date(min(run.ended_at for run in done if run.ended_at))
        if self.drifting == "0":
            return f"Nothing drifted; {_commitments(compared)} compared on {at}"
        return f"{self.drifting} of {_commitments(compared)} drifted; compared on {at}"


def summary_of(company: Company, *, drifting: str) -> Summary:
    """Three queries, however many connections and runs there are."""
    connections = Connection.objects.filter(company=company).defer(*secret_fields(Connection))
    runs = Reconciliation.objects.filter(connection__company=company).order_by("connection_id", "-pk")
    newest = {run.connection_id: run for run in runs.distinct("connection_id")}
    finished = {run.connection_id: run for run in runs.finished().distinct("connection_id")}
    return Summary(
        [ConnectionStanding(each, newest.get(each.pk), finished.get(each.pk)) for each in connections],
        drifting,
    )


def _commitments(count: int) -> str:
    return "1 commitment" if count == 1 else f"{count:,} commitments"


def _date(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i") if moment else ""
