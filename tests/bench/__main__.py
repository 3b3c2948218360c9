"""Measures the product in worlds of up to a million commitments. `script/bench` runs it.

    script/bench [--quick] [--world NAME] [--exports]

A world is filled once and kept in var/bench until the schema or the filling changes; what is measured is a
copy. Exit code 0: every bound is met.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from local.binaries import Workplace
from local.embedded import APP, OWNER, PostgreSQL, Valkey
from local.processes import Program, account_for_servers, end, spawn, wait_until_ready
from local.programs import ROOT
from tests.bench.bounds import COPY
from tests.embedded_services import ENVIRONMENT

FOLDER = ROOT / "var" / "bench"
QUICK = "skewed-hundred-thousand"


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure in large worlds.")
    parser.add_argument("--quick", action="store_true", help="Only what no machine changes.")
    parser.add_argument("--world", default=QUICK, help="Which one (tests/bench/world.py).")
    parser.add_argument("--exports", action="store_true", help="Rate and fairness, with a real worker.")
    asked = parser.parse_args()
    if asked.exports:
        exports = ["-m", "pytest", "-n", "0", "-q", "-o", "python_files=bench_*.py", "tests/bench"]
        return subprocess.run([sys.executable, *exports], cwd=ROOT, check=False).returncode
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o711)  # the servers' account walks through
    workplace = Workplace(account_for_servers())
    with ExitStack() as servers:
        servers.callback(workplace.remove)
        postgres = PostgreSQL(FOLDER / "postgres", workplace, keep=True)
        valkey = Valkey(FOLDER / "valkey", workplace, keep=False)
        for server in (postgres, valkey):
            if isinstance(server, PostgreSQL):
                server.initialise(FOLDER / "initdb.log")
            else:
                server.initialise()
            servers.enter_context(_running(server.program()))
        postgres.prepare_roles()
        os.environ |= ENVIRONMENT | {"REDIS_URL": valkey.url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        filled = _fill(postgres, asked.world)
        _copy(postgres, filled, COPY)
        return max(
            _call(postgres, APP, COPY, "-m", f"tests.bench.{part}")
            for part in (["bounds"] if asked.quick else ["bounds", "ratios"])
        )


@contextmanager
def _running(program: Program) -> Iterator[None]:
    log = FOLDER / f"{program.name}.log"
    process = spawn(program, log)
    try:
        wait_until_ready(program, process, log=log, seconds=60)
        yield
    finally:
        end(program, process)


def _fill(postgres: PostgreSQL, world: str) -> str:
    """The database of a world, filled unless it is there as it would be filled now."""
    migrations = sorted(each.name for each in ROOT.glob("*/migrations/*.py"))
    filling = Path(__file__).with_name("world.py").read_text(encoding="utf-8")
    made_of = hashlib.sha256("".join([*migrations, filling]).encode()).hexdigest()[:8]
    name = f"bench_{world.replace('-', '_')}_{made_of}"
    unfinished = f"{name}_unfinished"
    with closing(postgres.connect(OWNER, "postgres")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if cursor.rowcount:
                return name
            cursor.execute(f"DROP DATABASE IF EXISTS {unfinished}")
            cursor.execute(f"CREATE DATABASE {unfinished} OWNER {OWNER}")
            print(f"filling {world}, which is kept", flush=True)
            begun = time.monotonic()
            for arguments in (
                ["manage.py", "migrate", "--verbosity", "0"],
                ["-m", "tests.bench.fill", world],
            ):
                if _call(postgres, OWNER, unfinished, *arguments):
                    raise SystemExit(2)
            cursor.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")
            print(f"filled in {time.monotonic() - begun:.0f} s", flush=True)
    return name


def _copy(postgres: PostgreSQL, template: str, name: str) -> None:
    with closing(postgres.connect(OWNER, "postgres")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")


def _call(postgres: PostgreSQL, role: str, database: str, *arguments: str) -> int:
    url = urlsplit(postgres.url(role))._replace(path=f"/{database}").geturl()
    environment = {**os.environ, "DATABASE_URL": url}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
