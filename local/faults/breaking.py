"""The blows: signals to processes, cut sessions, a flushed broker, scripted faults."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import redis

from local.binaries import PORT
from local.contracts.running import Addresses
from local.embedded import DATABASE, OWNER

WORKERS = ("worker", "worker-2")


class Breaking:
    """Breaks what runs, and counts the kills."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._sockets = (addresses.var / "sockets").resolve()
        self.kills = 0
        # A proxy must not see local traffic.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def kill(self, *names: str) -> int:
        """SIGKILL. Returns how many were there to be killed; the supervisor starts them again."""
        killed = sum(self._signal(name, signal.SIGKILL) for name in names)
        self.kills += killed
        return killed

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT so many seconds later."""
        if self._signal(name, signal.SIGSTOP):
            time.sleep(seconds)
            self._signal(name, signal.SIGCONT)

    def flush_broker(self) -> None:
        with closing(redis.Redis(unix_socket_path=str(self._sockets / "v.sock"))) as client:
            client.flushall()

    def cut_sessions(self) -> None:
        """Those that the workers have with the database."""
        host = str(self._sockets)
        with closing(psycopg2.connect(host=host, port=PORT, user=OWNER, dbname=DATABASE)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = ANY (%s)",
                    [list(WORKERS)],
                )

    def script(self, kind: str, method: str, key: str, seconds: float) -> None:
        """Let a fault wait for this number's next call."""
        fault = {"kind": kind, "method": method, "key": key, "seconds": seconds}
        self.ask("faults", {"faults": [fault]})

    def is_held(self, number: str) -> bool:
        """Whether Spectrum is in the middle of a call for this number, at a scripted fault."""
        return any(
            call["number"] == number and call["fault"] and call["milliseconds"] is None
            for call in self.calls()
        )

    def on_the_wire(self) -> str:
        """The worker that has a connection to Spectrum, or ""."""
        port = f":{urlsplit(self._addresses.simulator).port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        sockets = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(port) and row[3] == "01"}
        for name in WORKERS:
            with suppress(OSError):
                for file in Path(f"/proc/{self._process(name)}/fd").iterdir():
                    with suppress(OSError):
                        if os.readlink(file) in sockets:
                            return name
        return ""

    def calls(self) -> list[dict[str, Any]]:
        """Spectrum's own log."""
        return list(self.ask("calls.json")["calls"])

    def records(self) -> list[dict[str, Any]]:
        """What Spectrum holds."""
        return list(self.ask("records.json")["subcontracts"])

    def ask(self, path: str, document: object = None) -> Any:
        """One of the simulator's own addresses. It may be starting again: it is asked until it answers."""
        body = None if document is None else json.dumps(document).encode()
        address = f"{self._addresses.simulator}/simulator/{path}"
        for _ in range(60):
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            try:
                with self._opener.open(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.5)
        raise TimeoutError("the simulator does not come back")

    def _process(self, name: str) -> int:
        return int((self._addresses.var / "pids" / name).read_text())

    def _signal(self, name: str, number: signal.Signals) -> bool:
        """Whether it was there: alive, and the supervisor's child, not somebody with its old number."""
        try:
            process = self._process(name)
            supervisor = _state_and_parent(self._process("web"))[1]  # nobody kills that one
            state, parent = _state_and_parent(process)
            if state == "Z" or parent != supervisor:
                return False
            os.kill(process, number)
        except (OSError, ValueError):
            return False
        return True


def _state_and_parent(process: int) -> tuple[str, str]:
    """As Linux tells them. Raises OSError when there is none."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[1]


def waits(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False
