"""`script/server` with two of what there may be several of, a read-back that can be late, and waiting
times as short as its system checks allow."""

import os
import sys
from pathlib import Path

from local import server

WIRE, LEASE, QUIET, LAG = 3, 7, 12, 3  # seconds
WORKERS, WEBS = ("worker", "worker-2"), ("web", "web-2")
ROUNDS = "FAULTS_ROUNDS"
"""The variable that says of which rounds the small commitments are made: "1-30"."""
SMALL = "FAULTS_SMALL"
"""The variable that says how many of them each company has in a round."""
SETTINGS = {
    "WIRE_CONNECT_TIMEOUT": "2",
    "WIRE_READ_TIMEOUT": f"{WIRE}",
    "EXPORT_LEASE_SECONDS": f"{LEASE}",
    "QUIET_PERIOD_SECONDS": f"{QUIET}",
    "READ_BACK_LAG_SECONDS": f"{LAG}",
    "EXPORT_BACKOFF_SECONDS": "1",
    "WORKER_POLL_SECONDS": "2",
    "UNDO_SECONDS": "2",
    "MAIL_GATHER_SECONDS": "4",
    "EMAIL_TIMEOUT": "2",  # a sender's lease is twelve times that
    "COSTLY_PAGES_PER_MINUTE": "0",  # the people here are quicker than any
}
STAGE = server.Stage(
    # What the run was told to set otherwise wins.
    settings={**SETTINGS, **{name: os.environ[name] for name in SETTINGS if name in os.environ}},
    webs=len(WEBS),
    workers=len(WORKERS),
    celery="tests.endurance.stage.worker",
    preparation="tests.endurance.stage.preparation",
    info_link=True,
    longest_delay=0.5,
)


def sheet(var: Path) -> Path:
    """The file that lists the small commitments."""
    return var / "small.json"


def shift_file(var: Path, name: str) -> Path:
    """Where the next fork of this worker finds by how many seconds its clock is ahead."""
    return var / "ready" / f"{name}.shift"


def process_file(var: Path, name: str) -> Path:
    """Where the process id of a worker's fork stands."""
    return var / "ready" / f"{name}.fork"


if __name__ == "__main__":
    sys.exit(server.main(STAGE))
