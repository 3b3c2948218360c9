"""The product and all that it needs, as `script/server` starts them, on a folder that goes away."""

import contextlib
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from local.processes import Program, end, spawn, wait_until_ready
from local.programs import ROOT, python

PASSWORD = "all-contracts-of-the-demo"
SECONDS_TO_START = 300.0
SECONDS_TO_STOP = 40.0
_READY = "Sign in as"  # what it says when everything answers
# The environment of whoever starts this must not lead anywhere else.
_OTHERS = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "LEDGERGATE_VAR", "LEDGERGATE_STARTED")


@dataclass(frozen=True)
class Addresses:
    """Where the product, the simulator and the mail catcher answer, without a trailing slash."""

    product: str
    simulator: str
    mail: str
    var: Path
    """Where the servers keep their data, process ids and mails."""


@contextlib.contextmanager
def everything(
    module: str = "local.server",
    *,
    kept: Path | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Addresses]:
    """PostgreSQL, broker, simulator, mail catcher, worker and web; gone at the end.

    `module` is what starts them, with these `settings`. A folder that is `kept` has what the
    last run left in it, and stays. Raises CannotStart.
    """
    folder = kept or Path(tempfile.mkdtemp(prefix="ledgergate-contracts-"))
    folder.chmod(0o711)  # the servers' account walks through
    output = folder / "server.txt"
    output.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    environment |= {"LEDGERGATE_VAR": str(folder / "var"), "DEMO_PASSWORD": PASSWORD, "UNDO_SECONDS": "0"}
    environment |= settings
    environment["COSTLY_PAGES_PER_MINUTE"] = "0"  # one approver accepts hundreds
    server = Program(
        "the server",
        python(module),
        ROOT,
        environment,
        ready=lambda _: _READY in output.read_text(errors="replace"),
        stop_signal=signal.SIGTERM,
        grace=SECONDS_TO_STOP,
    )
    process = spawn(server, output)
    try:
        wait_until_ready(server, process, log=output, seconds=SECONDS_TO_START)
        yield _addresses(output, folder / "var")
    finally:
        # Once before that already: nothing of it is kept, so nobody has to wait for an orderly end.
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        end(server, process)
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _addresses(output: Path, var: Path) -> Addresses:
    said = output.read_text(errors="replace")
    found = dict(re.findall(r"^\s*(Ledgergate|Simulator|Mail)\s+(http://\S+?)/", said, re.MULTILINE))
    return Addresses(found["Ledgergate"], found["Simulator"], found["Mail"], var)
