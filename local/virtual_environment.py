"""Makes .venv, installs one hashed list of requirements into it unless that was done, and goes on.

By hand, since uv is a program that a fresh machine does not have. Runs with the machine's own Python and
nothing else, which `script/environment` finds:
`python3 -I local/virtual_environment.py requirements-local.txt -m local.server`. What follows the
list is run by the environment's Python in this same process, so that a signal meets one process only.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON = HOME / "bin" / "python"
# Each list holds the one before it.
LISTS = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")
HEARTBEAT = 5.0  # seconds between two lines while packages arrive
BEGAN = float(os.environ.get("LEDGERGATE_STARTED", "") or time.time())


class CannotInstall(Exception):
    """Why, in one sentence for the person at the terminal."""


def main() -> int:
    requirements, *rest = sys.argv[1:]
    signal.signal(signal.SIGTERM, interrupt)
    try:
        # One at a time: a server and a test run may start together. Waits for the other.
        lock = os.open(ROOT, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not up_to_date(requirements):
            install(requirements)
    except CannotInstall as problem:
        print(problem, file=sys.stderr)
        return 1
    except PermissionError as problem:
        print(f"{problem.filename or problem} belongs to another user.", file=sys.stderr)
        return 1
    except OSError as problem:  # a full disk
        print(f"{HOME} can't be made: {problem.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if rest:
        os.execv(PYTHON, [str(PYTHON), *rest])
    return 0


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def up_to_date(requirements: str) -> bool:
    """True if this list, or one that holds it, is installed as it stands."""
    return runs() and any(
        stamp(name).is_file() and stamp(name).read_text() == content(name)
        for name in LISTS[LISTS.index(requirements) :]
    )


def stamp(requirements: str) -> Path:
    return HOME / f"installed-{requirements}"


def content(requirements: str) -> str:
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


def runs() -> bool:
    """True if .venv holds a Python that starts. It does not when the Python it was made from is gone."""
    question = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-I", "-c", question], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def install(requirements: str) -> None:
    """Raises CannotInstall when there is no pip, or pip fails."""
    if not runs():
        step("making the virtual environment .venv")
        shutil.rmtree(HOME, ignore_errors=True)
        make()
    for name in LISTS[LISTS.index(requirements) :]:
        stamp(name).unlink(missing_ok=True)
    step(f"installing the packages of {requirements}")
    command = [*pip(), "install", "--require-hashes", "--requirement", str(ROOT / requirements)]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    if (problem := run_pip(command, wanted=wanted(requirements))) is not None:
        raise CannotInstall(f"The packages of {requirements} could not be installed: {problem}")
    stamp(requirements).write_text(content(requirements))
    step("packages installed")


def make() -> None:
    """With a pip of its own where Python brings one (Debian packs ensurepip apart)."""
    options = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
    HOME.mkdir()
    log = HOME / "venv.log"
    if run([sys.executable, "-I", "-m", "venv", *options, str(HOME)], log) != 0:
        last = log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise CannotInstall(f"Python could not make a virtual environment: {last}")


def pip() -> list[str]:
    """The environment's own pip, or another one that is told to work for it. Never a bare pip."""
    own = [str(PYTHON), "-I", "-m", "pip"]
    # The second question is for an environment that was made before ensurepip came.
    if answers(own) or (answers([str(PYTHON), "-I", "-m", "ensurepip"]) and bootstrap() and answers(own)):
        return own
    for other in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        command = [*other, "--python", str(PYTHON)]
        if answers(command):
            return command
    raise CannotInstall(
        "This Python has neither ensurepip nor pip (22.3 or newer): install one of them "
        "(Debian: apt install python3-venv) and start again."
    )


def bootstrap() -> bool:
    return run([str(PYTHON), "-I", "-m", "ensurepip", "--default-pip"], HOME / "venv.log") == 0


def answers(command: list[str]) -> bool:
    try:
        return subprocess.run([*command, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def wanted(requirements: str) -> int:
    """How many packages the list pins."""
    return len(re.findall(r"^[A-Za-z0-9_.\[\]-]+==", (ROOT / requirements).read_text(), re.MULTILINE))


def run_pip(command: list[str], *, wanted: int) -> str | None:
    """Run it, saying from time to time how far it is. Returns its complaint when it fails."""
    log = HOME / "pip.log"
    if run(command, log, tell=lambda text: step(f"  {progress(text, wanted)}")) == 0:
        return None
    complaints = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
    return f"{complaints[-1] if complaints else 'pip failed'} (see {log})"


def run(command: list[str], log: Path, *, tell: Callable[[str], None] = lambda text: None) -> int:
    """Run it to its end, or to ours: what it started itself is ended too. Returns its exit code."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "PIP_USER": "0"},
            start_new_session=True,
        )
    try:
        said = time.time()
        while process.poll() is None:
            time.sleep(0.05)
            if time.time() - said > HEARTBEAT:
                said = time.time()
                tell(log.read_text(errors="replace"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def progress(text: str, wanted: int) -> str:
    """How far pip is, by what it printed."""
    if "Installing collected packages" in text:
        return "unpacking them"
    arrived = len(re.findall(r"^(?:Collecting|Requirement already satisfied)", text, re.MULTILINE))
    return f"{min(arrived, wanted)} of {wanted} are here"


def step(doing: str) -> None:
    print(f"{time.time() - BEGAN:6.1f} s  {doing}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
