"""The blows: signals to processes, cut sessions, a flushed broker, scripted faults."""

import json
import os
import random
import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import redis

from local.binaries import PORT
from local.embedded import APP, DATABASE, OWNER, WEB, WORKER
from tests.endurance.contracts.running import Addresses
from tests.endurance.faults.stage import WORKERS, process_file

RECENT = 40  # calls of Spectrum's log


class Breaking:
    """Breaks what runs, and counts the kills by kind of blow."""

    def __init__(self, addresses: Addresses, draws: random.Random) -> None:
        self._addresses = addresses
        self._draws = draws
        self._sockets = (addresses.var / "sockets").resolve()
        self._supervisor = _state_and_parent(self._process("postgres"))[1]
        self._last_call = 0
        self.kind = ""
        """Of the blow that fell last."""
        self.kills = Counter[str]()
        # A proxy must not see local traffic.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def kill(self, *names: str) -> None:
        """The supervisor starts them again. Only who was there to be killed is counted."""
        self.kills[self.kind] += sum(self._signal(name, signal.SIGKILL) for name in names)

    def crash_postgres(self) -> None:
        """SIGQUIT: every process of it drops all at once, and the next start has to recover."""
        self.kills[self.kind] += self._signal("postgres", signal.SIGQUIT)

    def kill_a_child(self, name: str) -> None:
        """SIGKILL to one of the processes that it has forked; it forks another itself."""
        parent = str(self._process(name))
        children = [
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and _parent_of(folder.name) == parent
        ]
        if children:
            with suppress(ProcessLookupError):
                os.kill(self._draws.choice(sorted(children)), signal.SIGKILL)
                self.kills[self.kind] += 1

    def stop(self, *names: str) -> None:
        """SIGTERM, as every service manager does; the supervisor starts them again."""
        for name in names:
            self._signal(name, signal.SIGTERM)

    def restart_postgres(self) -> None:
        """The fast way: its sessions end, nothing else."""
        self._signal("postgres", signal.SIGINT)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT so many seconds later."""
        if self._signal(name, signal.SIGSTOP):
            time.sleep(seconds)
            self._signal(name, signal.SIGCONT)

    def flush_broker(self) -> None:
        with (
            suppress(redis.RedisError),
            closing(redis.Redis(unix_socket_path=str(self._sockets / "v.sock"))) as client,
        ):
            client.flushall()

    def cut_sessions(self, *, of_workers: bool) -> None:
        """Those that the workers have with the database, or those of web."""
        host = str(self._sockets)
        condition = "application_name = ANY (%s)" if of_workers else "NOT application_name = ANY (%s)"
        with (
            suppress(psycopg2.Error),  # it is just starting
            closing(psycopg2.connect(host=host, port=PORT, user=OWNER, dbname=DATABASE)) as connection,
        ):
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    f" WHERE usename = ANY (%s) AND {condition}",
                    [[APP, WEB, WORKER], list(WORKERS)],
                )

    def script(self, kind: str, method: str, seconds: float, *, at_once: bool = False) -> None:
        """Let a fault wait for the next call, whichever number it is for."""
        fault = {"kind": kind, "method": method, "seconds": seconds, "on_call": 0 if at_once else 1}
        self.ask("faults", {"faults": [fault]})

    def heal_spectrum(self) -> None:
        """Forget the faults, also what they did to the read-back."""
        self._open(f"{self._addresses.simulator}/simulator/faults", None, "DELETE")

    def trouble_mail(self, fault: str, seconds: float) -> None:
        """Let the mail catcher misbehave: `refuse 451`, say, or `hang`."""
        kind, _, code = fault.partition(" ")
        document: dict[str, object] = {"kind": kind, "seconds": seconds, "code": int(code or 451)}
        self._open(f"{self._addresses.mail}/api/fault", document, "PUT")

    def held(self) -> bool:
        """True while Spectrum is in the middle of a call, at a scripted fault."""
        return any(
            call["fault"] and call["milliseconds"] is None and call["outcome"] != "interrupted"
            for call in self.recent()
        )

    def on_the_wire(self) -> str:
        """A worker that has a connection to Spectrum, or ""."""
        return next(
            (name for name in WORKERS if is_connected(self._process(name), self._addresses.simulator)), ""
        )

    def recent(self) -> list[dict[str, Any]]:
        """The last calls of Spectrum's own log."""
        calls = self.calls(max(0, self._last_call - RECENT))
        self._last_call = calls[-1]["id"] if calls else self._last_call
        return calls

    def calls(self, after: int = 0) -> list[dict[str, Any]]:
        """Spectrum's own log, behind this call."""
        return list(self.ask(f"calls.json?after={after}")["calls"])

    def records(self) -> list[dict[str, Any]]:
        """Spectrum's records."""
        return list(self.ask("records.json")["subcontracts"])

    def ask(self, path: str, document: object = None) -> Any:
        """One of the simulator's own addresses. It may be starting again: it is asked until it answers."""
        return self._open(f"{self._addresses.simulator}/simulator/{path}", document, "")

    def _open(self, address: str, document: object, method: str) -> Any:
        body = None if document is None else json.dumps(document).encode()
        for _ in range(60):
            request = urllib.request.Request(
                address, body, {"Content-Type": "application/json"}, method=method or None
            )
            try:
                with self._opener.open(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.5)
        raise TimeoutError(f"{address} does not come back")

    def _process(self, name: str) -> int:
        forks = name in WORKERS
        file = process_file(self._addresses.var, name) if forks else self._addresses.var / "pids" / name
        return int(file.read_text())

    def _parent(self, name: str) -> str:
        """Whose child it is: the supervisor's, or that of what forks workers."""
        return (
            (self._addresses.var / "pids" / name).read_text().strip() if name in WORKERS else self._supervisor
        )

    def _signal(self, name: str, number: signal.Signals) -> bool:
        """True if it was there: alive, and not somebody else with its old number."""
        try:
            process = self._process(name)
            state, parent = _state_and_parent(process)
            if state == "Z" or parent != self._parent(name):
                return False
            os.kill(process, number)
        except (OSError, ValueError):
            return False
        return True


def is_connected(process: int, address: str) -> bool:
    """True while it has a connection to whoever listens there."""
    port = f":{urlsplit(address).port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(port) and row[3] == "01"}
    with suppress(OSError):
        for file in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                if os.readlink(file) in sockets:
                    return True
    return False


def _state_and_parent(process: int | str) -> tuple[str, str]:
    """As Linux tells them. Raises OSError when there is none."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[1]


def _parent_of(process: str) -> str:
    try:
        return _state_and_parent(process)[1]
    except OSError:
        return ""


def waits(condition: Callable[[], bool], seconds: float) -> bool:
    """True if it came true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False
