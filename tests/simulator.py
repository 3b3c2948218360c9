"""The Spectrum simulator as a real process, for every test that needs an ERP.

`Simulator.start(...)` starts one on a free port; the tests talk to it as anybody would, over
HTTP. It imports no product code and needs no Django.
"""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_START = 15.0
SECONDS_TO_STOP = 10.0

# One company as the simulator's masters file spells it; small, with one of each awkward thing.
MASTERS: dict[str, Any] = {
    "companies": [
        {
            "code": "PHL",
            "name": "Keystone Builders",
            "authorization_ids": [
                "KEYSTONE-API-7Q",
                {"id": "HEADERS-ONLY-3X", "services": ["UpdateSubcontract"]},
            ],
            "fiscal_start": "2014-07-01",
            "general_ledger_accounts": [
                {"account": "500100", "kind": "job cost", "description": "Subcontract cost"},
                {"account": "110000", "kind": "asset", "description": "Cash"},
            ],
            "vendors": [
                {"code": "ACME", "name": "Acme Mechanical, Inc.", "active": True},
                {"code": "BOLT", "name": "Bolt & Sons <Steel>", "active": True},
                {"code": "GONE", "name": "Gone Fishing LLC", "active": False},
            ],
            "cost_types": ["L", "M", "S"],
            "jobs": [
                {
                    "number": "24-001",
                    "description": "Library roof",
                    "price_method": "U",
                    "dollars": {"0330000 S": ["10000.00", "1234.56"]},
                    "phases": [
                        {
                            "code": "0330000",
                            "description": "Cast-in-place concrete works",
                            "cost_types": ["S", "M"],
                            "status": "A",
                        },
                        {"code": "0510000", "description": "Steel", "cost_types": ["S"], "status": "A"},
                        {"code": "0990000", "description": "Painting", "cost_types": ["S"], "status": "I"},
                        {"code": "0999999", "description": "Closed", "cost_types": ["S"], "status": "C"},
                    ],
                },
                {
                    "number": "24-002",
                    "price_method": "U",
                    "description": "Fire station",
                    "phases": [
                        {"code": "0330000", "description": "Concrete", "cost_types": ["S"], "status": "A"}
                    ],
                },
            ],
        },
        {
            "code": "NYC",
            "name": "Empire Contracting",
            "authorization_ids": ["EMPIRE-API-9K"],
            "fiscal_start": None,
            "general_ledger_accounts": [{"account": "500100", "kind": "job cost", "description": ""}],
            "vendors": [{"code": "ACME", "name": "Acme of New York", "active": True}],
            "cost_types": ["S"],
            "jobs": [
                {
                    "number": "24-001",
                    "description": "Pier",
                    "price_method": "U",
                    "phases": [{"code": "0330000", "description": "", "cost_types": ["S"], "status": "A"}],
                }
            ],
        },
    ]
}
AUTHORIZATION_ID = "KEYSTONE-API-7Q"
# Most tests read no lists, and still are about unit prices; those of the other reading say so.
CONVENIENT = ("--blank-unit-price-flag", "job")

# A proxy that happens to be set in the environment must not see local traffic.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Simulator:
    """A running simulator. Stop it with `stop()`, or use it as a context manager."""

    def __init__(self, directory: Path, options: Sequence[str]) -> None:
        self.directory = directory
        self.database = directory / "spectrum.sqlite3"
        self.output = directory / "output.txt"
        self.options = tuple(options)
        self.port = 0
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def start(
        cls,
        *,
        masters: Mapping[str, Any] | Path = MASTERS,
        directory: Path | None = None,
        options: Sequence[str] = (),
        copied: bool = False,
    ) -> Self:
        """Start one on a free port with its own database, and wait until it answers.

        `masters` is a document or the path of one. Without a `directory` a temporary one is
        made and removed by `stop()`. `options` are further command line options. With `copied`,
        Info-Link is a copy that can lag and fail.
        """
        temporary = None
        if directory is None:
            temporary = tempfile.TemporaryDirectory(prefix="spectrum-", ignore_cleanup_errors=True)
            directory = Path(temporary.name)
        copy = directory / "info-link.sqlite3"
        simulator = cls(directory, [*CONVENIENT, *options, *(["--info-link", str(copy)] if copied else [])])
        simulator.read_file = copy if copied else simulator.database
        simulator._temporary = temporary
        if isinstance(masters, Path):
            simulator.masters = masters
        else:
            simulator.masters = directory / "masters.json"
            simulator.masters.write_text(json.dumps(masters), encoding="utf-8")
        try:
            simulator.run()
        except BaseException:
            simulator.stop()
            raise
        return simulator

    masters: Path
    read_file: Path

    def run(self) -> None:
        """Start the process; after `stop(keep=True)` or `kill()` again on the same port and database."""
        command = [
            *(sys.executable, "-m", "local.spectrum", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--database", str(self.database), "--masters", str(self.masters), *self.options),
        ]
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        until = time.monotonic() + SECONDS_TO_START
        while " at http://" not in (said := self.output.read_text(encoding="utf-8")):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the simulator did not start: {said}")
            time.sleep(0.02)
        self.url = said.partition(" at ")[2].split()[0].rstrip("/")
        self.port = int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """The process to send signals to."""
        assert self._process is not None
        return self._process.pid

    def stop(self, *, keep: bool = False) -> int:
        """SIGTERM, wait, return the exit code. Files stay with `keep=True`, for another `run()`."""
        code = self._end(signal.SIGTERM)
        if self._temporary is not None and not keep:
            self._temporary.cleanup()
            self._temporary = None
        return code

    def kill(self) -> None:
        """SIGKILL, as a power cut would; files stay."""
        self._end(signal.SIGKILL)

    @property
    def info_link(self) -> str:
        """Its database as a site would open it to a reader: an address for SQLAlchemy."""
        return f"sqlite:///file:{quote(str(self.read_file))}?mode=ro&uri=true"

    def records(self) -> list[dict[str, Any]]:
        """The stored subcontracts with their `lines`, codes trimmed, numbers as text."""
        records: list[dict[str, Any]] = self._ask("GET", "/simulator/records.json")["subcontracts"]
        return records

    def record(self, number: str, *, vendor: str = "", company: str = "") -> dict[str, Any] | None:
        """The one stored subcontract of this number, or None."""
        found = [
            each
            for each in self.records()
            if each["Subcontract_Number"] == number
            and vendor in {"", each["Vendor_Code"]}
            and company in {"", each["Company_Code"]}
        ]
        assert len(found) <= 1, "several subcontracts have this number: name the vendor"
        return found[0] if found else None

    def calls(self, *, after: int = 0) -> list[dict[str, Any]]:
        """The log of calls, oldest first; only those that came after the call of that id."""
        calls: list[dict[str, Any]] = self._ask("GET", f"/simulator/calls.json?after={after}")["calls"]
        return calls

    def faults(self) -> list[dict[str, Any]]:
        """The scripted faults with how often each was seen and has fired."""
        faults: list[dict[str, Any]] = self._ask("GET", "/simulator/faults")["faults"]
        return faults

    def set_faults(self, *faults: Mapping[str, Any]) -> None:
        """Replace all scripted faults: `set_faults({"kind": "slow", "seconds": 1})`; none clears them."""
        self._ask("DELETE", "/simulator/faults")
        if faults:
            self._ask("POST", "/simulator/faults", {"faults": list(faults)})

    def enter(self, **record: object) -> None:
        """A person enters a subcontract in Spectrum itself, or changes the columns that are named.

        `lines` is a list of dictionaries. A new one needs Job_Number.
        """
        self._ask("POST", "/simulator/subcontracts", record)

    def delete(self, number: str, *, vendor: str, company: str) -> None:
        """A person deletes a subcontract with its lines in Spectrum itself."""
        key = "/".join(quote(part, safe="") for part in (company, vendor, number))
        self._ask("DELETE", f"/simulator/subcontracts/{key}")

    def empty(self) -> None:
        """No subcontract is there, as in a site that has none yet."""
        self._ask("DELETE", "/simulator/subcontracts")

    def change_keys(self, **change: object) -> None:
        """A person changes a vendor's code (`vendor`, `to`), a number (`number`, `to_number`), or gives
        all phases of a `company` some `zeros` more."""
        self._ask("POST", "/simulator/keys", change)

    def bill(self, **invoice: object) -> None:
        """A person enters an invoice for a line (`amount`), or a payment (`paid`)."""
        self._ask("POST", "/simulator/invoices", invoice)

    def set_clock(self, now: str | None) -> None:
        """Let it be this moment in Spectrum, as ISO 8601 writes it; None for the real time."""
        self._ask("POST", "/simulator/clock", {"now": now})

    def tokens_issued(self) -> int:
        """How many access tokens a hosted site has given out."""
        return int(self._ask("GET", "/simulator/client")["tokens_issued"])

    def set_client(self, **change: bool) -> None:
        """Of a hosted site: `expired=True` lets its secret expire, `forget_tokens=True` ends every token."""
        self._ask("POST", "/simulator/client", change)

    def set_drift(self, method: str = "", **drift: Any) -> None:
        """Let a service have other elements: `set_drift("UpdateSubcontract", add=["Tax_Code"])`, or
        `remove=[...]`, `rename={...}`; without a method all are as published again."""
        self._ask("DELETE", "/simulator/drift")
        if method:
            self._ask("POST", "/simulator/drift", {"method": method, **drift})

    def _ask(self, verb: str, path: str, document: object = None) -> dict[str, Any]:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            self.url + path, data=data, method=verb, headers={"Content-Type": "application/json"}
        )
        until = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                with _opener.open(request, timeout=10) as reply:
                    answer: dict[str, Any] = json.load(reply)
                return answer
            except urllib.error.HTTPError as error:
                with error:
                    raise AssertionError(f"{verb} {path}: {error.code} {error.read().decode()}") from None
            except urllib.error.URLError:
                # It may refuse for a while, because a fault told it to.
                runs = self._process is not None and self._process.poll() is None
                if not runs or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def _end(self, signum: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signum)
        try:
            return process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
