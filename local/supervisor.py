"""Keeps programs running until a person stops them, and leaves none behind.

By hand, since honcho stops everything when one program dies, and this starts it again.

One thread: Linux ends a child when the thread that started it ends. A signal only sets a mark,
which every wait looks at, so that nothing is interrupted half-way.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from local.processes import CannotStart, Program, end, how_it_ended, is_ready, last_line, spawn

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST_DELAY, LONGEST_DELAY = 0.5, 15.0  # seconds between a death and the next start
STEADY_AFTER = 30.0  # seconds after which a death counts as the first again


class Stopped(Exception):
    """A person asked for the end."""


@dataclass
class Child:
    """A program and its process of the moment."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    start_at: float | None = None
    known_ready: bool = False


class Supervisor:
    """Starts programs in order, restarts what dies, and stops all of it in the opposite order."""

    def __init__(
        self, *, logs: Path, pids: Path, say: Callable[[str], None], longest_delay: float = LONGEST_DELAY
    ) -> None:
        self.logs = logs
        self.pids = pids
        self.say = say
        self.longest_delay = longest_delay
        self.children: list[Child] = []
        self._asked = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Turn signals into marks. Leave it last, so that a third Ctrl-C interrupts no cleaning up."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake_up = reader
        # `nohup` asks that the end of the terminal be ignored.
        heard = [number for number in STOPPING if number == signal.SIGINT or not ignored(number)]
        before = {number: signal.signal(number, self._ask) for number in heard}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def start(self, *programs: Program, seconds: float = 60) -> None:
        """Start them all at once, and wait until each is ready.

        Raises CannotStart when one ends or is not ready in time, Stopped when asked to stop.
        """
        new = [self._spawn(program) for program in programs]
        deadline = time.monotonic() + seconds
        while waiting := [child for child in new if not self._check(child)]:
            for child in waiting:
                name, log = child.program.name, self.log(child.program.name)
                if child.process.poll() is not None:
                    ending = f"{how_it_ended(child.process.returncode)} at its start"
                elif time.monotonic() > deadline:
                    ending = f"was not ready after {seconds:.0f} seconds"
                else:
                    continue
                raise CannotStart(f"{name} {ending}{last_line(log)} (see {log})")
            self.pause(0.05)

    def run(
        self, name: str, arguments: Sequence[str], *, directory: Path, environment: Mapping[str, str]
    ) -> None:
        """Run one command to its end.

        Raises CannotStart when it fails, Stopped when asked to stop meanwhile.
        """
        log = self.log(name)
        log.unlink(missing_ok=True)
        program = Program(name, arguments, directory, environment, ready=lambda _: True, grace=5)
        process = spawn(program, log)
        try:
            while process.poll() is None:
                self.pause(0.05)
        finally:
            end(program, process, in_a_hurry=self._in_a_hurry)
        if process.returncode:
            raise CannotStart(f"{name} {how_it_ended(process.returncode)}{last_line(log)} (see {log})")

    def watch(self) -> None:
        """Restart what dies, until asked to stop."""
        with contextlib.suppress(Stopped):
            while True:
                for child in self.children:
                    self._attend(child)
                self.pause(0.5)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond a signal. Raises Stopped when asked to stop."""
        select.select([self._wake_up], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_up, 512)
        if self._asked:
            raise Stopped

    def stop(self) -> None:
        """End every child, the last started first."""
        while self.children:
            child = self.children.pop()
            if not end(child.program, child.process, in_a_hurry=self._in_a_hurry):
                self.say(f"{child.program.name} did not stop by itself and was killed.")
            (self.pids / child.program.name).unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _spawn(self, program: Program) -> Child:
        child = Child(program, self._process(program), time.monotonic())
        self.children.append(child)
        return child

    def _process(self, program: Program) -> subprocess.Popen[bytes]:
        program.prepare()
        process = spawn(program, self.log(program.name))
        (self.pids / program.name).write_text(f"{process.pid}\n")
        return process

    def _check(self, child: Child) -> bool:
        child.known_ready = child.known_ready or is_ready(child.program, child.process)
        return child.known_ready

    def _attend(self, child: Child) -> None:
        now = time.monotonic()
        if child.start_at is not None:
            if now >= child.start_at:
                child.process, child.started, child.start_at = self._process(child.program), now, None
        elif child.process.poll() is not None:
            # What it left in its group would hold the port or the lease.
            end(child.program, child.process)
            child.deaths = 1 if now - child.started > STEADY_AFTER else child.deaths + 1
            delay = min(FIRST_DELAY * 2 ** (child.deaths - 1), self.longest_delay)
            child.start_at, child.known_ready = now + delay, False
            ending = how_it_ended(child.process.returncode)
            log = self.log(child.program.name)
            self.say(f"{child.program.name} {ending}, see {log}; starting it again in {delay:g} s.")
        elif not child.known_ready and self._check(child):
            self.say(f"{child.program.name} is ready again.")

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    def _in_a_hurry(self) -> bool:
        """From the second Ctrl-C on."""
        return self._asked > 1


def ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
