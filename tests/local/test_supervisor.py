"""Real small processes under a real supervisor, which runs in a process of its own and gets signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

# Each child writes its name and process id when it starts and its name when it is asked to stop.
CHILD = """
import os, signal, sys, time
name, events, manner = sys.argv[1:4]
def note(what):
    with open(events, "a") as file:
        file.write(f"{what} {name} {os.getpid()}\\n")
def stop(number, frame):
    note("asked")
    if manner != "stubborn":
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
if manner == "family":
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note("started")
        time.sleep(60)
note("started")
while True:
    time.sleep(0.01)
"""

SUPERVISOR = """
import contextlib, sys
from pathlib import Path
from local import supervisor
from local.processes import CannotStart, Program
supervisor.FIRST_DELAY = 0.1
folder, *children = sys.argv[1:]
folder = Path(folder)
def program(described):
    name, manner = described.split(":")
    child, events = (folder / "child.py").read_text(), folder / "events"
    arguments = [sys.executable, "-c", child, name, str(events), manner]
    if manner == "broken":
        arguments = [sys.executable, "-c", "import sys; sys.exit('there is no such file')"]
    elif manner == "missing":
        arguments = ["/nowhere/program"]
    def ready(process):
        return manner != "slow" and f"started {name} {process}" in events.read_text()
    grace = 30 if manner == "stubborn" else 5
    return Program(name, arguments, folder, {}, ready, grace=grace, least_grace=0.2)
def tell(line):
    print(line, flush=True)
watching = supervisor.Supervisor(logs=folder, pids=folder / "pids", say=tell)
try:
    with watching.listening(), contextlib.ExitStack() as stack:
        stack.callback(watching.stop)
        for described in children:
            watching.start(program(described), seconds=20)
        tell("ready")
        watching.watch()
    tell("end")
except supervisor.Stopped:
    tell("stopped early")
except CannotStart as problem:
    tell(str(problem))
    sys.exit(1)
"""


class Supervised:
    def __init__(self, folder: Path, *children: str, nohup: bool = False) -> None:
        (folder / "pids").mkdir()
        (folder / "child.py").write_text(CHILD)
        self.folder = folder
        self.events_file = folder / "events"
        self.events_file.touch()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(folder), *children],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # The tests themselves may run under nohup, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL),
        )

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def events(self) -> list[tuple[str, str]]:
        rows = [line.split() for line in self.events_file.read_text().splitlines()]
        return [(what, name) for what, name, _ in rows]

    def started(self) -> list[int]:
        rows = [line.split() for line in self.events_file.read_text().splitlines()]
        return [int(process) for what, _, process in rows if what == "started"]

    def pid(self, name: str) -> int:
        return int((self.folder / "pids" / name).read_text())

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=20)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


Run = Callable[..., Supervised]


@pytest.fixture
def run(tmp_path: Path) -> Generator[Run]:
    ran: list[Supervised] = []

    def run_now(*children: str, nohup: bool = False) -> Supervised:
        ran.append(Supervised(tmp_path, *children, nohup=nohup))
        return ran[-1]

    yield run_now
    for each in ran:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
        assert each.process.stdout
        each.process.stdout.close()
        assert eventually(lambda each=each: not any(map(alive, each.started()))), "a process was left"  # type: ignore[misc]


def test_the_end_is_the_opposite_of_the_start(run: Run) -> None:
    supervised = run("database:calm", "worker:calm", "web:calm")
    assert supervised.line() == "ready"
    assert supervised.end() == 0
    assert supervised.events() == [
        ("started", "database"), ("started", "worker"), ("started", "web"),
        ("asked", "web"), ("asked", "worker"), ("asked", "database"),
    ]  # fmt: skip
    assert not any(map(alive, supervised.started()))
    assert list((supervised.folder / "pids").iterdir()) == []


def test_what_is_killed_comes_back(run: Run) -> None:
    supervised = run("database:calm", "worker:calm")
    assert supervised.line() == "ready"
    first = supervised.pid("worker")
    os.kill(first, signal.SIGKILL)
    log = supervised.folder / "worker.log"
    assert supervised.line() == f"worker was killed (SIGKILL), see {log}; starting it again in 0.1 s."
    assert supervised.line() == "worker is ready again."
    assert supervised.pid("worker") != first
    assert alive(supervised.pid("worker"))
    assert supervised.end() == 0


def test_each_death_in_a_row_waits_longer(run: Run) -> None:
    supervised = run("worker:calm")
    assert supervised.line() == "ready"
    waits = []
    for _ in range(3):
        os.kill(supervised.pid("worker"), signal.SIGKILL)
        waits.append(supervised.line().rpartition(" in ")[2])
        assert supervised.line() == "worker is ready again."
    assert waits == ["0.1 s.", "0.2 s.", "0.4 s."]
    assert supervised.end() == 0


def test_what_a_killed_child_started_goes_with_it(run: Run) -> None:
    supervised = run("web:family")
    assert supervised.line() == "ready"
    assert eventually(lambda: len(supervised.started()) == 2)
    os.kill(supervised.pid("web"), signal.SIGKILL)
    family = supervised.started()
    assert eventually(lambda: not any(map(alive, family)))


def test_what_a_stopped_child_leaves_behind_goes_too(run: Run) -> None:
    supervised = run("web:family")
    assert supervised.line() == "ready"
    assert eventually(lambda: len(supervised.started()) == 2)
    assert supervised.end() == 0
    assert not any(map(alive, supervised.started()))


def test_a_second_ctrl_c_ends_the_patience(run: Run) -> None:
    supervised = run("database:calm", "worker:stubborn")
    assert supervised.line() == "ready"
    supervised.process.send_signal(signal.SIGINT)
    assert eventually(lambda: ("asked", "worker") in supervised.events())
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.line() == "worker did not stop by itself and was killed."
    assert supervised.process.wait(timeout=10) == 0
    assert ("asked", "database") in supervised.events()


def test_ctrl_c_during_the_start_stops_what_had_started(run: Run) -> None:
    supervised = run("database:calm", "web:slow")
    assert eventually(lambda: ("started", "web") in supervised.events())
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.line() == "stopped early"
    assert supervised.process.wait(timeout=10) == 0
    assert supervised.events()[-2:] == [("asked", "web"), ("asked", "database")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_manager_and_a_closed_terminal_stop_it_like_ctrl_c(
    run: Run, number: signal.Signals
) -> None:
    supervised = run("web:calm")
    assert supervised.line() == "ready"
    supervised.process.send_signal(number)
    assert supervised.process.wait(timeout=10) == 0
    assert supervised.events()[-1] == ("asked", "web")


def test_nohup_keeps_it_running_when_the_terminal_closes(run: Run) -> None:
    supervised = run("web:calm", nohup=True)
    assert supervised.line() == "ready"
    supervised.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert alive(supervised.pid("web"))
    assert supervised.end() == 0


def test_what_ends_at_its_start_is_one_sentence_and_stops_the_rest(run: Run) -> None:
    supervised = run("database:calm", "web:broken")
    log = supervised.folder / "web.log"
    assert supervised.line() == f"web ended (exit code 1) at its start: there is no such file (see {log})"
    assert supervised.process.wait(timeout=10) == 1
    assert supervised.events()[-1] == ("asked", "database")


def test_a_program_that_is_not_there_is_one_sentence(run: Run) -> None:
    supervised = run("database:calm", "web:missing")
    assert supervised.line() == "web can't be started: /nowhere/program: No such file or directory"
    assert supervised.process.wait(timeout=10) == 1


def test_without_the_supervisor_nothing_lingers(run: Run) -> None:
    supervised = run("database:calm", "web:calm")
    assert supervised.line() == "ready"
    supervised.process.kill()
    supervised.process.wait()
    assert eventually(lambda: not any(map(alive, supervised.started())))
