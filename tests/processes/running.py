"""Processes of the product, started as the Procfile does, for tests that stop, kill and restart them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
import redis
from django.db import connection

from local.binaries import Workplace
from local.embedded import Valkey
from local.ports import HOST
from local.processes import Program, account_for_servers, end, spawn, wait_until_ready
from local.programs import ROOT, answers, python
from tests.conftest import session_of_owner
from tests.embedded_services import OURS

SECONDS = 30.0
WORKER = "worker-under-test"
"""The name of a worker's database connections, so that a test can cut them and no others."""

# Short, so that what a dead worker held is taken up while a test can wait for it; the lease
# outlasts the wire, as the system check demands.
SHORT = {
    "WORKER_POLL_SECONDS": "0.25",
    "WIRE_CONNECT_TIMEOUT": "0.5",
    "WIRE_READ_TIMEOUT": "3",
    "EXPORT_LEASE_SECONDS": "5",
    "EXPORT_BACKOFF_SECONDS": "0.2",
    "QUIET_PERIOD_SECONDS": "600",
}

Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str, *, seconds: float = SECONDS) -> Found:
    """Look until there is something, and give it. Raises AssertionError when there never is."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} seconds: {what}"
        time.sleep(0.02)
    return found


class Running:
    """One process, from its start to its end."""

    def __init__(self, program: Program, log: Path) -> None:
        self._program = program
        self._log = log
        self._process = spawn(program, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self, seconds: float = SECONDS) -> None:
        """Raises CannotStart when it ends before that, or takes longer."""
        wait_until_ready(self._program, self._process, log=self._log, seconds=seconds)

    def said(self, words: str) -> int:
        """In how many lines of its log these words stand."""
        return sum(words in line for line in self._log.read_text(errors="replace").splitlines())

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory runs out."""
        self._process.kill()
        self._process.wait()

    def tell_to_stop(self) -> None:
        """SIGTERM, as every service manager does."""
        self._process.send_signal(signal.SIGTERM)

    def exit_code(self, *, within: float) -> int:
        """Wait for the end. Raises AssertionError when it does not come within so many seconds."""
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self._program.name} did not end within {within:g} seconds") from None

    def end(self) -> None:
        """Make sure that nothing is left of it."""
        end(self._program, self._process)


class Broker:
    """A Valkey of the tests' own, on one socket for its whole life, that may be killed and emptied."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ledgergate-broker-"))
        self._folder.chmod(0o711)  # the server's account walks through
        self._workplace = Workplace(account_for_servers())
        self._valkey = Valkey(self._folder / "data", self._workplace, keep=False)
        self._valkey.initialise()
        self._running: Running | None = None

    @property
    def url(self) -> str:
        """As REDIS_URL spells it."""
        return self._valkey.url

    def start(self) -> None:
        """Answer from now on, with nothing in it; one that runs already is left alone."""
        if self._running is None:
            self._running = Running(self._valkey.program(), self._folder / "valkey.log")
            self._running.wait_until_ready()

    def kill(self) -> None:
        """SIGKILL: its messages are lost, and its socket file stays and refuses."""
        assert self._running is not None
        self._running.kill()
        self._running = None

    def flush(self) -> None:
        """Lose every message."""
        with redis.Redis(unix_socket_path=str(self._valkey.socket)) as client:
            client.flushall()

    def messages(self) -> int:
        """How many wait for a worker."""
        with redis.Redis(unix_socket_path=str(self._valkey.socket)) as client:
            waiting = client.llen("celery")
        assert isinstance(waiting, int)
        return waiting

    def remove(self) -> None:
        """End it and remove its files."""
        if self._running is not None:
            self._running.end()
        self._workplace.remove()
        shutil.rmtree(self._folder, ignore_errors=True)


def compiled_in(folder: Path) -> dict[str, str]:
    """Where nothing is compiled beside the sources, compile here: a start takes a third of the time."""
    if not sys.dont_write_bytecode:
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}


def environment_of(broker: Broker, role: str, **settings: str) -> dict[str, str]:
    """The environment of a process of the product on the test database, with this role where it is ours."""
    database = urlsplit(os.environ["DATABASE_URL"])
    if "DATABASE_URL" in os.environ.get(OURS, "").split():
        database = database._replace(netloc=f"{role}:@")
    query = "&".join(part for part in (database.query, f"application_name={WORKER}") if part)
    url = database._replace(path=f"/{connection.settings_dict['NAME']}", query=query).geturl()
    return {
        **os.environ,
        **SHORT,
        "DATABASE_URL": url,
        "REDIS_URL": broker.url,
        "PYTHONUNBUFFERED": "1",
        **settings,
    }


def cut_the_workers_sessions() -> None:
    """End every database connection of the workers, as a restart of the server would."""
    with session_of_owner() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            [WORKER],
        )
        assert cursor.rowcount > 0, "no worker is connected"


@contextmanager
def no_new_sessions() -> Iterator[None]:
    """As while the database server restarts: the product gets no connection. Those that are open stay."""
    alter = "ALTER DATABASE {} CONNECTION LIMIT {}"
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with session_of_owner() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [connection.settings_dict["USER"]])
        if cursor.fetchone() == (True,):
            pytest.skip("a superuser always gets a connection: name an ordinary role in DATABASE_URL")
        cursor.execute(alter.format(name, 0))
    try:
        yield
    finally:
        with session_of_owner() as cursor:
            cursor.execute(alter.format(name, -1))


def worker(log: Path, environment: Mapping[str, str], *, threads: int = 6) -> Program:
    """With more threads than connections in any test, so that a message never waits."""
    arguments = ["celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", str(threads)]
    arguments += ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return _ours("worker", arguments, environment, ready=lambda _: " ready." in log.read_text())


def web(port: int, environment: Mapping[str, str], host: str = HOST) -> Program:
    arguments = [
        "gunicorn",
        "-c",
        "python:config.gunicorn",
        "config.wsgi",
        "--bind",
        f"{host}:{port}",
        "--threads",
        "4",
    ]
    arguments += ["--graceful-timeout", "5"]
    return _ours("web", arguments, environment, ready=lambda _: answers(port, host))


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _ours(
    name: str, arguments: list[str], environment: Mapping[str, str], *, ready: Callable[[int], bool]
) -> Program:
    # When the test is over, or pytest itself is gone, nobody waits for a task to finish.
    end_of_test = signal.SIGKILL
    return Program(
        name,
        python(*arguments),
        ROOT,
        environment,
        ready=ready,
        stop_signal=end_of_test,
        orphan_signal=end_of_test,
    )


def where_it_is_noon() -> str:
    """A time zone in which no midnight comes during a test."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
