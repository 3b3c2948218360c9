"""Throw-away PostgreSQL and Valkey for a test run, up before Django reads its settings.

An early plugin (`-p tests.embedded_services`). DATABASE_URL and REDIS_URL win where they are set.
Where pytest-xdist spreads the run, each of its workers has servers of its own.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from local.binaries import Workplace
from local.embedded import APP, OWNER, PostgreSQL, Valkey
from local.processes import CannotStart, Program, account_for_servers, end, spawn, wait_until_ready

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
"""What a developer's own .env must not change."""

OURS = "LEDGERGATE_THROW_AWAY"
"""The variable that tells pytest-xdist's workers which of the URLs they inherited are not the user's."""


class ThrowAway:
    """The servers of one test run, and the folder that goes with them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledgergate-tests-"))
        self.folder.chmod(0o711)  # the servers' account walks through
        self.workplace = Workplace(account_for_servers())
        self.running: list[tuple[Program, subprocess.Popen[bytes], Path]] = []

    def start(self) -> None:
        """Raises CannotStart when a server is needed and can't run."""
        not_the_users = os.environ.get(OURS, "").split()
        needed = [
            name for name in ("REDIS_URL", "DATABASE_URL") if name in not_the_users or name not in os.environ
        ]
        os.environ[OURS] = " ".join(needed)
        valkey = self._valkey() if "REDIS_URL" in needed else None
        if "DATABASE_URL" in needed:
            self._postgres()
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
        postgres = PostgreSQL(self.folder / "postgres", self.workplace, keep=False)
        postgres.initialise(self.folder / "initdb.log")
        program, process, log = self._spawn(postgres.program())
        wait_until_ready(program, process, log=log, seconds=60)
        postgres.prepare_roles()
        os.environ["DATABASE_URL"] = postgres.url(APP)
        os.environ["OWNER_DATABASE_URL"] = postgres.url(OWNER)

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
        services.start()
    except CannotStart as problem:
        raise pytest.UsageError(str(problem)) from None
    return (yield)
