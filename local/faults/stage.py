"""`script/server` with two workers, and with every waiting time as short as its system checks allow."""

import sys

from local import server

WIRE, LEASE, QUIET = 3, 7, 12  # seconds
SETTINGS = {
    "WIRE_CONNECT_TIMEOUT": "2",
    "WIRE_READ_TIMEOUT": f"{WIRE}",
    "EXPORT_LEASE_SECONDS": f"{LEASE}",
    "QUIET_PERIOD_SECONDS": f"{QUIET}",
    "READ_BACK_LAG_SECONDS": "1",
    "EXPORT_BACKOFF_SECONDS": "1",
    "WORKER_POLL_SECONDS": "1",
    "UNDO_SECONDS": "2",
}

if __name__ == "__main__":
    sys.exit(server.main(SETTINGS, workers=2))
