"""The product and all that it needs, as `script/server` starts them, on a folder that goes away."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.programs import ROOT

PASSWORD = "all-contracts-of-the-demo"
SECONDS_TO_START = 180.0
SECONDS_TO_STOP = 40.0
# The environment of whoever starts this must not lead anywhere else.
_OTHERS = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "LEDGERGATE_VAR", "LEDGERGATE_STARTED")


class DidNotStart(Exception):
    """What the server said instead of its addresses."""


@dataclass(frozen=True)
class Addresses:
    """Where the product and the simulator answer, without a trailing slash."""

    product: str
    simulator: str


@contextlib.contextmanager
def everything() -> Iterator[Addresses]:
    """PostgreSQL, broker, simulator, mail catcher, worker, beat and web; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ledgergate-contracts-"))
    folder.chmod(0o711)  # the servers' account walks through
    output = folder / "server.txt"
    environment = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    environment |= {"LEDGERGATE_VAR": str(folder / "var"), "DEMO_PASSWORD": PASSWORD, "UNDO_SECONDS": "0"}
    with output.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "local.server"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _addresses(server, output)
    finally:
        # Twice: nothing of it is kept, so nobody has to wait for an orderly end of everything.
        for _ in range(2):
            server.send_signal(signal.SIGINT)
            time.sleep(0.5)
        try:
            server.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _addresses(server: subprocess.Popen[bytes], output: Path) -> Addresses:
    until = time.monotonic() + SECONDS_TO_START
    while "Sign in as" not in (said := output.read_text(errors="replace")):
        if server.poll() is not None or time.monotonic() > until:
            raise DidNotStart(said.strip() or "the server said nothing")
        time.sleep(0.2)
    found = dict(re.findall(r"^\s*(Ledgergate|Simulator)\s+(http://\S+?)/", said, re.MULTILINE))
    return Addresses(found["Ledgergate"], found["Simulator"])
