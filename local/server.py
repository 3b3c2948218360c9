"""`script/server`: everything that one machine needs, from nothing to a printed address.

The order matters: the servers, the schema, the demo data, what the product talks to, and then
the product. The end is the opposite order.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import programs
from local.binaries import Workplace
from local.embedded import APP, OWNER, WEB, WORKER, PostgreSQL, Valkey, works_in
from local.ports import HOST, BadPort, Ports
from local.processes import CannotStart, Program, account_for_servers
from local.supervisor import LONGEST_DELAY, Stopped, Supervisor

VAR = Path(os.environ.pop("LEDGERGATE_VAR", programs.ROOT / "var"))
"""Everything that this checkout stores; the tests set another folder."""
EMPTY = "empty"
"""The file that says that there is no demo in these data."""
BUSY_PORT = 2
"""Exit code when a port that was set is taken."""

MEGABYTES = {False: 300, True: 50}
"""That must be free on the disk, before the first start and before each other."""

BEGAN = float(os.environ.pop("LEDGERGATE_STARTED", "") or time.time())


@dataclass(frozen=True)
class Stage:
    """The programs to run, and how. `settings` win over those that this machine decides.

    `celery` is the module that workers run, `preparation` the one that fills the database.
    `info_link`: the read-back is a copy of Spectrum's tables, which can lag and fail. `faults` wait in
    the simulator from its start on.
    `longest_delay` is the most seconds between a death and the next start.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    webs: int = 1
    workers: int = 1
    celery: str = "celery"
    preparation: str = "local.preparation"
    info_link: bool = False
    faults: Path | None = None
    longest_delay: float = LONGEST_DELAY


ORDINARY = Stage(faults=programs.FAULTS)


def main(stage: Stage = ORDINARY) -> int:
    """Run until stopped. Everything foreseen ends in one sentence and an exit code."""
    parser = argparse.ArgumentParser(prog="script/server", description="Starts everything, until Ctrl-C.")
    parser.add_argument("--reset", action="store_true", help="remove this checkout's data first")
    parser.add_argument("--empty", action="store_true", help="no demo data, but a first administrator")
    options = parser.parse_args()
    programs.read_dotenv()
    try:
        with only_one(VAR):
            if options.reset:
                reset(VAR)
            require_space(VAR)
            if options.empty:
                mark_empty(VAR)
            serve(VAR, stage)
    except (Stopped, KeyboardInterrupt):
        step("stopped")
    except BadPort as problem:
        tell(str(problem))
        return BUSY_PORT
    except CannotStart as problem:
        tell(str(problem))
        return 1
    except PermissionError as problem:
        tell(f"{problem.filename or problem} belongs to another user: start as that user.")
        return 1
    return 0


def serve(var: Path, stage: Stage) -> None:
    """Raises CannotStart when a part does not come up, Stopped when asked to stop before all did."""
    for name in ("log", "pids", "ready", "mail"):
        (var / name).mkdir(mode=0o700, exist_ok=True)
    clear_leftovers(var)
    supervisor = Supervisor(logs=var / "log", pids=var / "pids", say=tell, longest_delay=stage.longest_delay)
    with contextlib.ExitStack() as stack:
        stack.enter_context(supervisor.listening())
        ports = stack.enter_context(Ports(os.environ))
        workplace = stack.enter_context(temporary_workplace(var))
        stack.callback(supervisor.stop)
        database_url, owner_url, broker_url, roles = start_servers(supervisor, var, workplace)
        environment = programs.environment_of(
            var, ports, database_url=database_url, broker_url=broker_url, info_link=stage.info_link
        )
        environment |= {**roles, **stage.settings}
        stack.callback(programs.leave_environment(var, environment).unlink, missing_ok=True)

        step("bringing the schema up to date")
        supervisor.run(
            "migrate",
            [sys.executable, "manage.py", "migrate", "--noinput"],
            directory=programs.ROOT,
            environment={**environment, "DATABASE_URL": owner_url},
        )
        is_empty = (var / EMPTY).exists()
        loading = "" if is_empty else ", and loading the demo data unless it is there"
        step(f"collecting the static files{loading}")
        sign_ins = var / "sign-ins"
        supervisor.run(
            "preparation",
            programs.python(stage.preparation, str(sign_ins), *(["--empty"] if is_empty else [])),
            directory=programs.ROOT,
            environment=environment,
        )
        step("starting the mail catcher, the simulator, the worker and the product")
        ports.release()
        supervisor.start(
            programs.mail(var, ports, environment),
            programs.simulator(
                var, ports, environment, info_link=stage.info_link, faults=None if is_empty else stage.faults
            ),
            *(
                programs.worker(var, environment, number, celery=stage.celery)
                for number in range(1, stage.workers + 1)
            ),
            *(
                programs.web(ports, environment, number, shares_port=stage.webs > 1)
                for number in range(1, stage.webs + 1)
            ),
        )
        step("ready")
        tell(summary(ports, sign_ins.read_text(), var))
        supervisor.watch()
        step("stopping")
    step(f"stopped; the data stays in {var}")


def start_servers(
    supervisor: Supervisor, var: Path, workplace: Workplace
) -> tuple[str, str, str, dict[str, str]]:
    """The services that DATABASE_URL and REDIS_URL name, or our own.

    Returns the URLs of the product's role, of the role that migrates, of the broker, and, by variable, of
    the roles that web and workers have in a database of our own.
    """
    wanted: list[Program] = []
    database_url, broker_url = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    owner_url = os.environ.get("OWNER_DATABASE_URL") or database_url
    postgres = None
    if not database_url:
        postgres = PostgreSQL(var / "postgres", workplace, keep=True)
        step("starting PostgreSQL" if postgres.data.exists() else "making a database and starting PostgreSQL")
        postgres.initialise(supervisor.log("initdb"))
        database_url, owner_url = postgres.url(APP), postgres.url(OWNER)
        wanted.append(postgres.program())
    if not broker_url:
        step("starting Valkey")
        valkey = Valkey(var / "valkey", workplace, keep=True)
        valkey.initialise()
        broker_url = valkey.url
        wanted.append(valkey.program())
    supervisor.start(*wanted)
    if postgres:
        postgres.prepare_roles()
    roles = (
        {programs.WEB_URL: postgres.url(WEB), programs.WORKER_URL: postgres.url(WORKER)} if postgres else {}
    )
    return database_url, owner_url, broker_url, roles


@contextlib.contextmanager
def only_one(var: Path) -> Iterator[None]:
    """One supervisor per checkout. The lock ends with the process, however that ends."""
    var.mkdir(parents=True, exist_ok=True)
    lock = os.open(var, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Ledgergate already runs in {programs.ROOT}: stop it there first.") from None
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def temporary_workplace(var: Path) -> Iterator[Workplace]:
    """The folder of the sockets, found again through var/sockets after a crash."""
    link = var / "sockets"
    if link.is_symlink():
        left = link.readlink()
        if left.name.startswith("ledgergate-"):
            shutil.rmtree(left, ignore_errors=True)
        link.unlink()
    workplace = Workplace(account_for_servers())
    try:
        link.symlink_to(workplace.folder)
        yield workplace
    finally:
        workplace.remove()
        link.unlink(missing_ok=True)


def clear_leftovers(var: Path) -> None:
    """Processes of a supervisor that was killed end by themselves; wait for that, then insist."""
    for file in (var / "pids").iterdir():
        text = file.read_text().strip()
        process = int(text) if text.isdigit() else 0
        folder = {"postgres": var / "postgres", "valkey": var / "valkey"}.get(file.name, programs.ROOT)
        deadline = time.monotonic() + 10
        while works_in(process, folder):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.1)
        file.unlink()


def require_space(var: Path) -> None:
    """A disk that fills up on the way breaks each part in words of its own. Raises CannotStart."""
    needed, free = MEGABYTES[(var / "postgres").exists()], shutil.disk_usage(var).free // 1_048_576
    if free < needed:
        raise CannotStart(f"The disk of {var} is full: {free} MB are free, and {needed} are needed.")


def mark_empty(var: Path) -> None:
    """From its first start until a reset, data without the demo stay without. Raises CannotStart."""
    if (var / "postgres").exists() and not (var / EMPTY).exists():
        raise CannotStart(f"{var} holds the demo's data: script/server --reset --empty removes them.")
    (var / EMPTY).touch()


def reset(var: Path) -> None:
    """Remove what this checkout stored. A database that DATABASE_URL names stays as it is."""
    step("removing the data of this checkout")
    elsewhere = bool(os.environ.get("DATABASE_URL"))
    for path in var.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif not (elsewhere and path.name == programs.SECRETS):  # what is stored there needs its keys
            path.unlink()
    if elsewhere:
        tell("DATABASE_URL is set: the database that it names was not touched.")


def summary(ports: Ports, sign_ins: str, var: Path) -> str:
    indented = "\n".join(f"    {line.strip()}" for line in sign_ins.strip().splitlines())
    return f"""
  Ledgergate    http://{HOST}:{ports["product"]}/
  Simulator     http://{HOST}:{ports["simulator"]}/   stands in for Viewpoint Spectrum
  Mail          http://{HOST}:{ports["mail"]}/   catches every mail; none leaves this machine

  Sign in as
{indented}

  Logs are in {var / "log"}, process ids in {var / "pids"}. Ctrl-C stops everything.
"""


def step(doing: str) -> None:
    tell(f"{time.time() - BEGAN:6.1f} s  {doing}")


def tell(line: str) -> None:
    """Print at once. A closed terminal must not keep us from stopping in order."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
