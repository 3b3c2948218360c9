"""The process: start, stop, being killed, many callers at once."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.local.spectrum.conftest import Caller
from tests.simulator import MASTERS, ROOT, Simulator

ACCEPTED: list[tuple[str, str]] = []


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.spectrum", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=15, check=False)


def test_it_answers_when_asked_for_its_health(caller: Caller) -> None:
    assert caller.raw("GET", "/healthz") == (200, "text/plain; charset=utf-8", b"ok\n")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_on_a_signal_with_exit_code_0_even_while_a_call_hangs(signum: signal.Signals) -> None:
    simulator = Simulator.start()
    simulator.set_faults({"kind": "slow", "seconds": 600})
    thread = threading.Thread(target=_fails, args=(Caller(simulator), "SC-1"))
    thread.start()
    until = time.monotonic() + 5
    while not simulator.calls() and time.monotonic() < until:
        time.sleep(0.02)
    started = time.monotonic()
    assert simulator._end(signum) == 0
    assert time.monotonic() - started < 4
    thread.join()
    assert "stopped" in simulator.output.read_text(encoding="utf-8")
    simulator.stop()


def _fails(caller: Caller, number: str) -> None:
    with contextlib.suppress(Exception):
        caller.header(Subcontract_Number=number)


def test_records_survive_a_stop_and_a_kill_and_an_interrupted_call_is_marked(tmp_path: Path) -> None:
    with Simulator.start(directory=tmp_path) as simulator:
        url = simulator.url
        assert Caller(simulator).header(Subcontract_Number="SC-1") == ACCEPTED
        assert simulator.stop(keep=True) == 0
        simulator.run()
        assert simulator.url == url
        simulator.set_faults({"kind": "slow", "seconds": 600})
        thread = threading.Thread(target=_fails, args=(Caller(simulator), "SC-2"))
        thread.start()
        until = time.monotonic() + 5
        while len(simulator.calls()) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        simulator.kill()
        thread.join()
        simulator.run()
        assert [each["Subcontract_Number"] for each in simulator.records()] == ["SC-1"]
        assert [call["outcome"] for call in simulator.calls()] == ["accepted", "interrupted"]
        assert simulator.faults() == []


def test_a_start_takes_the_masters_as_the_file_has_them_now(tmp_path: Path) -> None:
    with Simulator.start(directory=tmp_path) as simulator:
        simulator.stop(keep=True)
        empty = {**MASTERS["companies"][0], "vendors": []}
        simulator.masters.write_text(json.dumps({"companies": [empty]}), encoding="utf-8")
        simulator.run()
        assert Caller(simulator).header(Subcontract_Number="SC-1") == [("I", "Vendor_Code")]


def test_many_callers_at_once_lose_nothing(caller: Caller, number: str) -> None:
    caller.header(Subcontract_Number=number)
    failures: list[object] = []
    barrier = threading.Barrier(8)

    def put(worker: int) -> None:
        mine = Caller(caller.simulator)
        mine.service("UpdateSubcontractPhases")
        barrier.wait()
        for item in range(10):
            answers = mine.line(
                Subcontract_Number=number, Bid_Item_Number=f"{worker}-{item}", Original_Contract_Amount="1.01"
            )
            if answers != ACCEPTED:
                failures.append(answers)

    threads = [threading.Thread(target=put, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = caller.stored(number)
    assert failures == []
    assert len(stored["lines"]) == 80
    assert stored["Original_Amount"] == "80.80"


def test_a_busy_port_is_told_in_one_sentence(spectrum_simulator: Simulator, tmp_path: Path) -> None:
    ended = _run(
        *("--port", str(spectrum_simulator.port), "--database", str(tmp_path / "x.sqlite3")),
        *("--masters", str(spectrum_simulator.masters)),
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("The Spectrum simulator can't start: can't listen on 127.0.0.1 port")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("masters", "says"),
    [
        (None, "can't be read: No such file or directory"),
        ("{", 'is not JSON with a list under "companies"'),
        ("[]", 'is not JSON with a list under "companies"'),
        ('{"companies": {}}', 'has no list under "companies"'),
        ('{"companies": [{"code": "PHL"}]}', "does not have the agreed shape (KeyError: 'name')"),
        ('{"companies": [5]}', "does not have the agreed shape"),
    ],
)
def test_unreadable_masters_are_told_in_one_sentence(tmp_path: Path, masters: str | None, says: str) -> None:
    file = tmp_path / "masters.json"
    if masters is not None:
        file.write_text(masters, encoding="utf-8")
    ended = _run("--port", "0", "--database", str(tmp_path / "x.sqlite3"), "--masters", str(file))
    assert ended.returncode == 2
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_file_that_is_no_database_of_its_own_is_left_alone(
    tmp_path: Path, spectrum_simulator: Simulator
) -> None:
    foreign = tmp_path / "foreign.sqlite3"
    foreign.write_bytes(b"precious" * 200)
    ended = _run("--port", "0", "--database", str(foreign), "--masters", str(spectrum_simulator.masters))
    assert ended.returncode == 2
    assert "can't start" in ended.stderr
    assert foreign.read_bytes() == b"precious" * 200


def test_it_listens_on_the_given_host_only(spectrum_simulator: Simulator) -> None:
    with socket.socket() as other:
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", spectrum_simulator.port)) != 0


def test_it_imports_no_product_code_and_no_framework() -> None:
    code = (
        "import sys, local.spectrum.__main__;"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'django', 'celery', 'zeep', 'directory', 'commitments', 'erp_integrations', 'notifications',"
        " 'config'}),"
        " 'local.demo' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "[] False\n"
