"""`script/server` and `script/test` install only if they have to."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import virtual_environment as environment


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three lists, and an environment whose Python runs."""
    for name in environment.LISTS:
        (tmp_path / name).write_text(f"# {name}\nDjango==5.2.19 \\\n    --hash=sha256:0\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "HOME", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


def mark_installed(name: str) -> None:
    environment.stamp(name).write_text(environment.content(name))


def test_a_list_that_was_installed_is_not_installed_again(checkout: Path) -> None:
    assert not environment.up_to_date("requirements-local.txt")
    mark_installed("requirements-local.txt")
    assert environment.up_to_date("requirements-local.txt")


def test_a_list_that_changed_is_installed_again(checkout: Path) -> None:
    mark_installed("requirements-local.txt")
    (checkout / "requirements-local.txt").write_text("Django==5.2.20\n")
    assert not environment.up_to_date("requirements-local.txt")


def test_the_longer_list_is_enough_and_the_shorter_is_not(checkout: Path) -> None:
    mark_installed("requirements-local.txt")
    assert environment.up_to_date("requirements.txt")
    assert not environment.up_to_date("requirements-dev.txt")


def test_an_environment_whose_python_is_gone_does_not_count(checkout: Path) -> None:
    mark_installed("requirements-local.txt")
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert not environment.up_to_date("requirements-local.txt")


def test_the_real_lists_hold_each_other_at_the_same_versions() -> None:
    pins = [
        {line.split(" ")[0] for line in (environment.ROOT / name).read_text().splitlines() if "==" in line}
        for name in environment.LISTS
    ]
    assert pins[0] < pins[1] < pins[2]
    assert [environment.wanted(name) for name in environment.LISTS] == [len(each) for each in pins]


def test_what_pip_printed_becomes_progress() -> None:
    assert environment.progress("Collecting a\n  Using cached\nCollecting b\n", wanted=3) == "2 of 3 are here"
    assert (
        environment.progress("Collecting a\nInstalling collected packages: a\n", wanted=1) == "unpacking them"
    )


def test_what_a_command_started_ends_with_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert environment.run(["sh", "-c", "sleep 60 & echo $!"], log) == 0
    process = int(log.read_text())
    deadline = time.monotonic() + 5
    while runs(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not runs(process)


def runs(process: int) -> bool:
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())  # a zombie has none
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("name", ["server", "test", "check", "lock", "environment"])
def test_each_script_can_be_run(name: str) -> None:
    script = Path(__file__).parents[2] / "script" / name
    shell = script.read_text().splitlines()[0].removeprefix("#!").split()
    assert script.stat().st_mode & 0o111
    assert subprocess.run([*shell, "-n", script]).returncode == 0
