"""Throw-away PostgreSQL and Valkey for a test run, up before Django reads its settings.

An early plugin (`-p tests.embedded_services`). DATABASE_URL and REDIS_URL win where they are set.
Where pytest-xdist spreads the run, each of its workers has servers of its own, because some tests let
theirs crash. PostgreSQL's are copies of one whose database is migrated already, and a worker makes its
test database from that (CREATE DATABASE … TEMPLATE).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from local.binaries import Workplace
from local.embedded import APP, DATABASE, OWNER, PostgreSQL, Valkey
from local.processes import CannotStart, Program, account_for_servers, end, spawn, wait_until_ready
from local.programs import ROOT

ENVIRONMENT = {
    "ENVIRONMENT": "development",
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "FIELD_ENCRYPTION_KEYS": "b25seS1mb3ItdGVzdHMtMDEyMzQ1Njc4OWFiY2RlZmc=",
    "PUBLIC_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "EMAIL_URL": "smtp://127.0.0.1:9",  # nobody listens there
    "SPECTRUM_SERVERS": "simulator=http://127.0.0.1:9",
    "UNDO_SECONDS": "0",  # what is accepted is due at once
    "COSTLY_PAGES_PER_MINUTE": "0",  # tests are quicker than people
}
"""A developer's own .env must not change these."""

OURS = "LEDGERGATE_THROW_AWAY"
"""The variable that tells pytest-xdist's workers which of the URLs they inherited are not the user's."""

MIGRATED = "LEDGERGATE_MIGRATED_CLUSTER"
"""The variable that tells them of which stopped PostgreSQL's folder theirs is a copy."""


def template() -> str | None:
    """The migrated database that a test database is made from; None where it has to be migrated."""
    return DATABASE if MIGRATED in os.environ else None


class ThrowAway:
    """The servers of one test run, and the folder that goes with them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledgergate-tests-"))
        self.folder.chmod(0o711)  # the servers' account walks through
        self.workplace = Workplace(account_for_servers())
        self.running: list[tuple[Program, subprocess.Popen[bytes], Path]] = []

    def start(self, *, for_workers: bool = False) -> None:
        """Raises CannotStart when a server is needed and can't run.

        With ``for_workers`` PostgreSQL migrates what pytest-xdist's workers copy, and is stopped again.
        """
        not_the_users = os.environ.get(OURS, "").split()
        needed = [
            name for name in ("REDIS_URL", "DATABASE_URL") if name in not_the_users or name not in os.environ
        ]
        os.environ[OURS] = " ".join(needed)
        valkey = self._valkey() if "REDIS_URL" in needed else None
        if "DATABASE_URL" in needed:
            self._postgres()
            if for_workers:
                self._migrate()
        if valkey:
            program, process, log = valkey
            wait_until_ready(program, process, log=log, seconds=30)

    def stop(self) -> None:
        for program, process, _ in reversed(self.running):
            end(program, process)
        self.running.clear()
        self.workplace.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _valkey(self) -> tuple[Program, subprocess.Popen[bytes], Path]:
        valkey = Valkey(self.folder / "valkey", self.workplace, keep=False)
        valkey.initialise()
        os.environ["REDIS_URL"] = valkey.url
        return self._spawn(valkey.program())

    def _postgres(self) -> None:
        data = self.folder / "postgres"
        if migrated := os.environ.get(MIGRATED):
            subprocess.run(["cp", "-a", migrated, data], check=True)
        postgres = PostgreSQL(data, self.workplace, keep=False)
        postgres.initialise(self.folder / "initdb.log")
        program, process, log = self._spawn(postgres.program())
        wait_until_ready(program, process, log=log, seconds=60)
        postgres.prepare_roles()
        os.environ["DATABASE_URL"] = postgres.url(APP)
        os.environ["OWNER_DATABASE_URL"] = postgres.url(OWNER)

    def _migrate(self) -> None:
        """Its own database, and no test's: nobody is connected when another is made from it."""
        program, process, _log = self.running.pop()
        try:
            done = subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                cwd=ROOT,
                env={**os.environ, **ENVIRONMENT, "DATABASE_URL": os.environ["OWNER_DATABASE_URL"]},
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            end(program, process)
        if done.returncode:
            raise CannotStart(f"The database could not be migrated:\n{done.stderr}")
        os.environ[MIGRATED] = str(self.folder / "postgres")

    def _spawn(self, program: Program) -> tuple[Program, subprocess.Popen[bytes], Path]:
        log = self.folder / f"{program.name}.log"
        self.running.append((program, spawn(program, log), log))
        return self.running[-1]


# A wrapper, because pytest-django does its part in this hook too, and reads the settings there.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    os.environ.update(ENVIRONMENT)
    services = ThrowAway()
    early_config.add_cleanup(services.stop)
    try:
        services.start(for_workers=_has_workers(early_config))
    except CannotStart as problem:
        raise pytest.UsageError(str(problem)) from None
    return (yield)


def _has_workers(config: pytest.Config) -> bool:
    options = config.known_args_namespace
    is_one = "PYTEST_XDIST_WORKER" in os.environ
    return bool(getattr(options, "numprocesses", None)) and not is_one and not options.collectonly
