"""Measures the product in worlds of up to a million commitments. `script/bench` runs it.

    script/bench [--quick] [--world NAME | --full] [--exports]

A world is filled once and kept in var/bench until the schema or the filling changes; what is measured is a
copy. The last line counts the bounds of all worlds. Exit code 0: every bound is met.
"""

import argparse
import hashlib
import os
import re
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
FULL = ("thousand", "hundred-thousand", "million", "skewed-million")


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure in large worlds.")
    parser.add_argument("--quick", action="store_true", help="Only what no machine changes.")
    parser.add_argument("--world", default=QUICK, help="Which one (tests/bench/world.py).")
    parser.add_argument("--full", action="store_true", help=f"In turn: {', '.join(FULL)}.")
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
        count = met = 0
        for world in FULL if asked.full else [asked.world]:
            print(f"# {world}", flush=True)
            with _copied(postgres, _fill(postgres, world)):
                for part in ["bounds"] if asked.quick else ["bounds", "ratios"]:
                    bounds = _judge(postgres, part)
                    count, met = count + bounds[0], met + bounds[1]
        print(f"bounds {count} met {met}")
        return int(met < count)


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
    kept = f"bench_{world.replace('-', '_')}"
    name, unfinished = f"{kept}_{made_of}", f"{kept}_{made_of}_unfinished"
    with closing(postgres.connect(OWNER, "postgres")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if cursor.rowcount:
                return name
            cursor.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{kept}_[0-9a-f]{{8}}"])
            for (older,) in cursor.fetchall():
                cursor.execute(f"DROP DATABASE {older}")
            cursor.execute(f"CREATE DATABASE {unfinished} OWNER {OWNER}")
            print(f"filling {world}, which is kept", flush=True)
            begun = time.monotonic()
            for arguments in (
                ["manage.py", "migrate", "--verbosity", "0"],
                ["-m", "tests.bench.fill", world],
            ):
                with _python(postgres, OWNER, unfinished, *arguments) as process:
                    if process.wait():
                        raise SystemExit(2)
            cursor.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")
            print(f"filled in {time.monotonic() - begun:.0f} s", flush=True)
    return name


@contextmanager
def _copied(postgres: PostgreSQL, template: str) -> Iterator[None]:
    with closing(postgres.connect(OWNER, "postgres")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {COPY}")
            cursor.execute(f"CREATE DATABASE {COPY} TEMPLATE {template} STRATEGY FILE_COPY")
            yield
            cursor.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


def _judge(postgres: PostgreSQL, part: str) -> tuple[int, int]:
    """How many bounds it has and meets, as its last line says; what it prints before that is printed."""
    counts = None
    with _python(postgres, APP, COPY, "-m", f"tests.bench.{part}", stdout=subprocess.PIPE) as process:
        for line in process.stdout or ():
            if not (counts := re.fullmatch(r"\w+ (\d+) met (\d+)\n", line)):
                print(line, end="", flush=True)
    if not counts:
        raise SystemExit(2)
    return int(counts[1]), int(counts[2])


def _python(
    postgres: PostgreSQL, role: str, database: str, *arguments: str, stdout: int | None = None
) -> subprocess.Popen[str]:
    url = urlsplit(postgres.url(role))._replace(path=f"/{database}").geturl()
    environment = {**os.environ, "DATABASE_URL": url}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=stdout, text=True)


if __name__ == "__main__":
    sys.exit(main())
