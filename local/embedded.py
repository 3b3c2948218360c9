"""PostgreSQL and Valkey without an installation: real servers out of Python wheels.

They listen on sockets in a private folder and nowhere else, so that they take no port and open
no door. As root they run as `nobody`, who may not be able to enter the checkout (root's home).
The data stays in the checkout even then: a server gets its folder as an open file descriptor,
which it may use without being able to walk there.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
import redis
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from local.binaries import PORT, Workplace, postgres_binaries, redis_server
from local.processes import CannotStart, Program, last_line, spawn

OWNER, APP = "owner", "app"
WEB, WORKER = "ledgergate_web", "ledgergate_worker"
"""Each has the rights of `app`, but for what the triggers keep from one of them by its name."""
DATABASE = "ledgergate"
ANYWHERE = Path("/")
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
THROW_AWAY = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]

# What `owner` creates, `app` may use; what history forbids is revoked by its own migration.
PRIVILEGES = f"""
    GRANT USAGE ON SCHEMA public TO {APP};
    ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP};
    ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public
        GRANT USAGE, SELECT ON SEQUENCES TO {APP};
"""


class PostgreSQL:
    """One cluster with two roles: `owner` migrates, `app` is what the product connects as."""

    def __init__(self, data: Path, workplace: Workplace, *, keep: bool) -> None:
        """`keep` is False for tests, whose data may be lost with the machine's power."""
        self.data = data
        self.workplace = workplace
        self.keep = keep
        self.binaries = workplace.reachable_postgres(postgres_binaries())

    def initialise(self, log: Path) -> None:
        """Make the cluster unless it is there. An interrupted attempt leaves nothing that counts.

        Raises CannotStart when it can't be made, or when another version or user made it.
        """
        version = self._version()
        if self.data.exists():
            refuse_foreign(self.data, self.workplace)
            made_by = (self.data / "PG_VERSION").read_text().strip()
            if made_by != str(version):
                raise CannotStart(f"{self.data} is PostgreSQL {made_by}'s, and {self.binaries} is {version}.")
            return
        unfinished = new_folder(self.data.with_name(f"{self.data.name}.unfinished"), self.workplace)
        seen, keep_open = self.workplace.reachable_folder(unfinished)
        arguments = [
            str(self.binaries / "initdb"),
            "-D",
            str(seen),
            "-U",
            OWNER,
            "--auth=trust",
            "-E",
            "UTF8",
        ]
        # One order of sorting on every machine: PostgreSQL brings its own tables for it since 17.
        if version >= 17:
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += ["--encoding=UTF8", "--locale=C.UTF-8", *([] if self.keep else ["--no-sync"])]
        initdb = Program(
            "initdb",
            arguments,
            ANYWHERE,
            SERVER_ENVIRONMENT,
            ready=lambda _: True,
            account=self.workplace.account,
            keep_open=keep_open,
            orphan_signal=signal.SIGKILL,
        )
        if spawn(initdb, log).wait() != 0:
            raise CannotStart(f"PostgreSQL could not make its data folder {self.data}{last_line(log)}")
        unfinished.rename(self.data)

    def program(self) -> Program:
        seen, keep_open = self.workplace.reachable_folder(self.data)
        arguments = [str(self.binaries / "postgres"), "-D", str(seen), "-h", "", "-p", str(PORT)]
        arguments += ["-k", str(self.workplace.folder), *([] if self.keep else THROW_AWAY)]
        return Program(
            "postgres",
            arguments,
            ANYWHERE,
            SERVER_ENVIRONMENT,
            ready=lambda _: self._answers(),
            prepare=self._clear_the_way,
            account=self.workplace.account,
            keep_open=keep_open,
            stop_signal=signal.SIGINT,  # "fast": ends the sessions, loses nothing
            orphan_signal=signal.SIGINT,
            grace=30,
            least_grace=10,
        )

    def prepare_roles(self) -> None:
        """Make `app`, the roles of web and worker, privileges and the database; nothing the second time.

        The privileges stand in template1 as well, so that test databases are born with them.
        """
        with self._session("template1") as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP])
            if not cursor.rowcount:
                cursor.execute(f"CREATE ROLE {APP} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            for role in (WEB, WORKER):
                cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
                if not cursor.rowcount:
                    cursor.execute(
                        f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE IN ROLE {APP}"
                    )
            for role in (APP, WEB, WORKER):
                cursor.execute(f"ALTER ROLE {role} SET jit = off")
                cursor.execute(f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '30s'")
            cursor.execute(PRIVILEGES)
        with self._session("postgres") as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.rowcount:
                cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        with self._session(DATABASE) as cursor:
            cursor.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {APP}; {PRIVILEGES}")

    def url(self, role: str) -> str:
        """As django-environ reads it: it does not decode a percent-encoded host."""
        return f"postgres://{role}:@/{DATABASE}?host={self.workplace.folder}&port={PORT}"

    def connect(self, role: str, database: str = DATABASE) -> Connection:
        folder = str(self.workplace.folder)
        return psycopg2.connect(host=folder, port=PORT, user=role, dbname=database, connect_timeout=2)

    @contextmanager
    def _session(self, database: str) -> Iterator[Cursor]:
        with closing(self.connect(OWNER, database)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def _answers(self) -> bool:
        try:
            with self._session("postgres") as cursor:
                cursor.execute("SELECT 1")
                return True
        except psycopg2.OperationalError:
            return False

    def _version(self) -> int:
        printed = subprocess.run(
            [self.binaries / "postgres", "--version"], capture_output=True, text=True, check=False
        ).stdout
        if not (found := re.search(r"\) (\d+)", printed)):
            raise CannotStart(f"{self.binaries / 'postgres'} does not run on this machine.")
        return int(found.group(1))

    def _clear_the_way(self) -> None:
        """After a kill: end a server that still holds the data, or forget the one that is gone.

        PostgreSQL itself asks only whether the old process id lives, and it may be anybody's by now.
        """
        lock = self.data / "postmaster.pid"
        if sys.platform != "linux" or not lock.exists():
            return
        written = lock.read_text().partition("\n")[0]
        holder = int(written) if written.isdigit() else 0
        deadline = time.monotonic() + 10
        while holder and works_in(holder, self.data):
            with suppress(ProcessLookupError):
                os.kill(holder, signal.SIGINT if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(0.1)
        lock.unlink(missing_ok=True)


class Valkey:
    """A message broker that only wakes: what it forgets, the database still knows."""

    def __init__(self, data: Path, workplace: Workplace, *, keep: bool) -> None:
        self.data = data
        self.workplace = workplace
        self.keep = keep
        self.executable = workplace.reachable_redis(redis_server())
        self.socket = workplace.folder / "v.sock"

    def initialise(self) -> None:
        """Raises CannotStart when another user's server used the data folder."""
        if self.data.exists():
            refuse_foreign(self.data, self.workplace)
        else:
            new_folder(self.data, self.workplace)

    def program(self) -> Program:
        seen, keep_open = self.workplace.reachable_folder(self.data)
        arguments = [str(self.executable), "--port", "0", "--dir", str(seen)]
        arguments += ["--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        arguments += ["--save", "60 1" if self.keep else ""]
        return Program(
            "valkey",
            arguments,
            ANYWHERE,
            SERVER_ENVIRONMENT,
            ready=lambda _: self._answers(),
            account=self.workplace.account,
            keep_open=keep_open,
        )

    @property
    def url(self) -> str:
        """As Celery spells it."""
        return f"redis+socket://{self.socket}"

    def _answers(self) -> bool:
        try:
            with closing(redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def new_folder(path: Path, workplace: Workplace) -> Path:
    """An empty private folder of the servers' account."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)
    workplace.give(path)
    return path


def refuse_foreign(data: Path, workplace: Workplace) -> None:
    """Raises CannotStart when the folder belongs to another account than the servers run as."""
    account = workplace.account
    if data.stat().st_uid != (account.uid if account else os.geteuid()):
        raise CannotStart(
            f"{data} was made by another user: start as that user, or start over with script/server --reset."
        )


def works_in(process: int, folder: Path) -> bool:
    """True if a living process has this working directory. Linux only."""
    try:
        return Path(os.readlink(f"/proc/{process}/cwd")) == folder.resolve()
    except OSError:
        return False
