"""One process of our own: how it starts, when it counts as ready, and how it ends.

The supervisor and the tests' throw-away servers share this. Everything here must be called
from the main thread: Linux ends a child when the *thread* that started it ends.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class CannotStart(Exception):
    """Why something can't run, in one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    """The system user whom a process runs as."""

    name: str
    uid: int
    gid: int


def account_for_servers() -> Account | None:
    """`nobody` for root, because PostgreSQL refuses to run as root; None means the user's own."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart(
            "Root starts the embedded servers as the user nobody, and this machine has no such user."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True)
class Program:
    """A command to run, and the promises that the supervisor keeps about it.

    `ready` is asked with the process id and answers quickly; it may raise OSError for "not yet".
    `prepare` runs before every start. `keep_open` are file descriptors that the process gets too.
    `grace` is the seconds between `stop_signal` and SIGKILL, `least_grace` the same for a person
    who is in a hurry. `orphan_signal` is what Linux sends when we ourselves are killed.
    """

    name: str
    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    ready: Callable[[int], bool]
    prepare: Callable[[], None] = field(default=lambda: None)
    account: Account | None = None
    keep_open: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    least_grace: float = 1.0


def spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that Ctrl-C reaches only the supervisor.

    Raises CannotStart when the system refuses.
    """
    parent = os.getpid()

    def follow_parent() -> None:
        follow(parent, program.orphan_signal)

    account = program.account
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                list(program.arguments),
                cwd=program.directory,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=program.keep_open,
                preexec_fn=follow_parent,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
    except (OSError, subprocess.SubprocessError) as problem:
        file, why = getattr(problem, "filename", None), getattr(problem, "strerror", None)
        reason = f"{file or program.arguments[0]}: {why or problem}"
        raise CannotStart(f"{program.name} can't be started: {reason}") from None


def follow(parent: int, orphan_signal: signal.Signals) -> None:
    """Get this signal when the parent ends, or end at once if it has."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:  # it was killed before the line above
            os._exit(1)


def is_ready(program: Program, process: subprocess.Popen[bytes]) -> bool:
    """One question, without waiting. A refused connection is a plain no."""
    try:
        return program.ready(process.pid)
    except OSError:
        return False


def wait_until_ready(
    program: Program, process: subprocess.Popen[bytes], *, log: Path, seconds: float
) -> None:
    """Block until it is ready.

    Raises CannotStart when it ends before that, or takes longer.
    """
    deadline = time.monotonic() + seconds
    while not is_ready(program, process):
        if process.poll() is not None:
            raise CannotStart(f"{program.name} {how_it_ended(process.returncode)}{last_line(log)}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{program.name} was not ready after {seconds:.0f} seconds{last_line(log)}")
        time.sleep(0.02)


def end(
    program: Program, process: subprocess.Popen[bytes], *, in_a_hurry: Callable[[], bool] = lambda: False
) -> bool:
    """Stop it and all that it started; False when it had to be killed.

    `in_a_hurry` is asked while waiting: a second Ctrl-C ends the patience.
    """
    obeyed = True
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(program.stop_signal)
        asked = time.monotonic()
        while process.poll() is None:
            if time.monotonic() - asked > (program.least_grace if in_a_hurry() else program.grace):
                break
            time.sleep(0.02)
        obeyed = process.poll() is not None
    # Also after a clean end: what the process left behind in its group goes with it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return obeyed


def how_it_ended(returncode: int) -> str:
    """`ended (exit code 3)` or `was killed (SIGKILL)`."""
    if returncode >= 0:
        return f"ended (exit code {returncode})"
    try:
        return f"was killed ({signal.Signals(-returncode).name})"
    except ValueError:
        return f"was killed (signal {-returncode})"


def last_line(log: Path) -> str:
    """`: <the log's last line>`, so that our sentence says what the process itself said."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f": {lines[-1].strip()[:300]}" if lines else ""
