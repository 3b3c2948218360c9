"""A world that can be put back: our database, and what Spectrum holds of one record."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from config import worker
from config.pool import KeyedThreadPool
from tests.conftest import KEPT, session_of_owner
from tests.simulator import Simulator

IN_SPECTRUM = ("VN_SUBCONTRACT_MC", "VN_SUBCONTRACT_PHASE_MC")
OPEN = {"01", "03", "08"}  # established, half open, and closed by the caller alone


class InThisThread(KeyedThreadPool):
    """A worker's turns one after the other, so that all of its steps can be seen."""

    def __init__(self) -> None:
        super().__init__(1)

    def start(self, key: object, task: Callable[[], object]) -> bool:
        """Work at once."""
        task()
        return True


def look() -> None:
    """As a worker does every few seconds for exports."""
    turns = InThisThread()
    worker.export_due_jobs(turns)
    worker.read_back_due_exports(turns)


def probe() -> None:
    """As a worker does for connections that have stopped."""
    worker.probe_stopped_connections(InThisThread())


def look_twice() -> None:
    """For a work that the first look only finds."""
    look()
    look()


@dataclass
class Database:
    """Our tables as they were."""

    cursor: Cursor
    tables: list[str] = field(default_factory=list)
    rows: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(cls) -> "Iterator[Database]":
        """In a session of its own, which a worker's death does not touch."""
        with session_of_owner() as cursor:
            yield cls(cursor)

    def keep(self) -> None:
        """Remember what is stored now."""
        self.cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)",
            [list(KEPT)],
        )
        self.tables = [name for (name,) in self.cursor.fetchall()]
        self.rows = {name: rows for name, rows in self.now().items() if rows}

    def put_back(self) -> None:
        """Let it be so again. As tests.conftest empties it, where it is said why."""
        tables = [sql.Identifier(name) for name in self.tables]
        self.cursor.execute("SET LOCAL session_replication_role = replica")
        self.cursor.execute(sql.SQL(";").join(sql.SQL("DELETE FROM {}").format(table) for table in tables))
        for name, rows in self.rows.items():
            self.cursor.copy_expert(f'COPY "{name}" FROM STDIN', StringIO(rows))
        self.cursor.connection.commit()

    def now(self) -> dict[str, str]:
        """Every row, by table."""
        found = {}
        for name in self.tables:
            rows = StringIO()
            self.cursor.copy_expert(f'COPY "{name}" TO STDOUT', rows)
            found[name] = rows.getvalue()
        self.cursor.connection.commit()
        return found

    def let_pass(self, *, quiet: bool) -> None:
        """As if every lease were over; with ``quiet`` every other waiting time too."""
        jobs = ["lease_until", *(["not_before", "quiet_until", "verify_after"] if quiet else [])]
        connections = ["lease_until", *(["not_before"] if quiet else [])]
        past = "now() - interval '1 second'"
        for table, columns in (
            ("erp_integrations_exportjob", jobs),
            ("erp_integrations_connectionstate", connections),
        ):
            # What has no time gets none: LEAST alone would give it one.
            changes = ", ".join(
                f"{name} = CASE WHEN {name} IS NOT NULL THEN LEAST({name}, {past}) END" for name in columns
            )
            self.cursor.execute(f"UPDATE {table} SET {changes}")
        self.cursor.connection.commit()


@dataclass
class Spectrum:
    """One record in the simulator, its calls from now on, and the calls that are still under way."""

    simulator: Simulator
    number: str
    before: int = 0
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def keep(self) -> None:
        """Remember what is stored now."""
        with closing(self._open()) as database:
            self.rows = {
                table: database.execute(
                    f"SELECT * FROM {table} WHERE trim(Subcontract_Number) = ?", [self.number]
                ).fetchall()
                for table in IN_SPECTRUM
            }

    def put_back(self) -> None:
        """Let it be so again; the calls are counted from here."""
        with closing(self._open()) as database, database:
            for table in reversed(IN_SPECTRUM):
                database.execute(f"DELETE FROM {table} WHERE trim(Subcontract_Number) = ?", [self.number])
            for table in IN_SPECTRUM:
                for row in self.rows[table]:
                    places = ", ".join("?" * len(row))
                    database.execute(f"INSERT INTO {table} VALUES ({places})", row)
            self.before = database.execute("SELECT coalesce(max(id), 0) FROM simulator_call").fetchone()[0]

    def calls(self) -> list[dict[str, Any]]:
        """Those of this record since it was put back."""
        return [call for call in self.simulator.calls(after=self.before) if call["number"] == self.number]

    def record(self) -> dict[str, Any] | None:
        """Its content."""
        return self.simulator.record(self.number)

    def settles(self, seconds: float = 5.0) -> bool:
        """Wait until Spectrum is done with every call that reached it; False if a caller keeps one open."""
        until = time.monotonic() + seconds
        while self._has_callers():
            if time.monotonic() > until:
                return False
            time.sleep(0.002)
        return True

    def _has_callers(self) -> bool:
        port = f":{self.simulator.port:04X}"
        table = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        return any(place.endswith(port) and state in OPEN for _, place, _, state, *_ in map(str.split, table))

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.simulator.database, timeout=10)
