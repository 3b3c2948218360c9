"""The launcher of `script/faults` forks a worker again, and gives one fork a shifted clock."""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from local.programs import READY_FILE, ROOT
from tests.endurance.faults.stage import process_file, shift_file

SECONDS = 40.0
# The fork runs this instead of a worker: it tells its clock, and waits.
PROGRAM = """
import sys, time
from pathlib import Path
from tests.endurance.stage import worker
def tell():
    with open(sys.argv[1], "a") as told:
        print(time.time(), file=told)
    time.sleep(60)
worker.main = tell
sys.exit(worker.Launcher(Path(sys.argv[2])).run())
"""


@pytest.fixture
def told(tmp_path: Path) -> Generator[Path]:
    (tmp_path / "ready").mkdir()
    file, ready_file = tmp_path / "told", tmp_path / "ready" / "worker"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(file), str(ready_file)],
        cwd=ROOT,
        env={**os.environ, READY_FILE: str(ready_file)},
    )
    yield file
    process.terminate()
    assert process.wait(SECONDS) == 0


def lines_of(file: Path, count: int) -> list[str]:
    deadline = time.monotonic() + SECONDS
    while not file.exists() or len(file.read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return file.read_text().splitlines()


def test_a_killed_fork_is_followed_by_another_and_only_one_has_the_wrong_clock(told: Path) -> None:
    lines_of(told, 1)
    shift_file(told.parent, "worker").write_text("7200")
    for count in (2, 3):
        os.kill(int(process_file(told.parent, "worker").read_text()), 9)
        lines_of(told, count)
    first, second, third = (float(line) for line in lines_of(told, 3))
    assert second - first > 7000
    assert 0 <= third - first < SECONDS
