"""`script/server` as a person meets it: one real start from nothing, in a folder of its own."""

import os
import re
import shutil
import signal
import smtplib
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest

from local import programs, server
from local.processes import CannotStart
from tests.endurance.contracts.people import Person, form_with, values_of, words_of

SECONDS = 90


class Installation:
    """A running server with its own data, its output line by line."""

    def __init__(self, var: Path, *arguments: str) -> None:
        self.var = var
        self.output: list[str] = []
        self.process = subprocess.Popen(
            command(*arguments),
            env=environment(var),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.read_until("Ctrl-C stops everything")

    def read_until(self, text: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            if text in line:
                return
        raise AssertionError("\n".join(self.output))

    def address(self, name: str) -> str:
        found = re.search(rf"{name}\s+(http://\S+)", "\n".join(self.output))
        assert found
        return found.group(1)

    def pid(self, name: str) -> int:
        return int((self.var / "pids" / name).read_text())

    def pids(self) -> dict[str, int]:
        return {file.name: self.pid(file.name) for file in (self.var / "pids").iterdir()}

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout
        self.output += self.process.stdout.read().splitlines()
        self.process.stdout.close()
        return self.process.wait(timeout=SECONDS)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local.server", *arguments]


def environment(var: Path, **more: str) -> dict[str, str]:
    """A bare one: what the test run set for itself must not help."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    forced = {name: value for name, value in os.environ.items() if name.startswith("LEDGERGATE_")}
    return {**kept, **forced, "LEDGERGATE_VAR": str(var), **more}


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation") / "var"


@pytest.fixture(scope="module")
def running(var: Path) -> Generator[Installation]:
    installation = Installation(var)
    yield installation
    if installation.process.poll() is None:
        installation.stop()


def test_it_prints_addresses_that_answer_and_the_demo_sign_ins(running: Installation) -> None:
    assert "Sign in" in get(running.address("Ledgergate"))
    assert "simulator" in get(running.address("Simulator")).lower()
    assert "Nothing leaves this machine" in get(running.address("Mail"))
    assert any("approver@demo.example" in line for line in running.output)


def test_all_seven_processes_run_and_can_be_found(running: Installation) -> None:
    pids = running.pids()
    assert sorted(pids) == ["mail", "postgres", "simulator", "valkey", "web", "worker"]
    assert all(map(alive, pids.values()))


def test_what_mail_the_product_sends_is_caught(running: Installation) -> None:
    url = re.search(r"smtp://\S+:(\d+)", (running.var / "log" / "mail.log").read_text())
    assert url
    message = EmailMessage()
    message["Subject"] = "caught"
    with smtplib.SMTP("127.0.0.1", int(url.group(1)), timeout=5) as server:
        server.send_message(message, "ledgergate@localhost", ["creator@demo.example"])
    assert "caught" in get(running.address("Mail"))


def test_the_keys_of_this_checkout_are_its_own_and_private(running: Installation) -> None:
    file = running.var / "secrets.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = programs.kept_secrets(file)
    assert programs.kept_secrets(file) == first
    assert first["SECRET_KEY"] != programs.kept_secrets(running.var.parent / "other.env")["SECRET_KEY"]


@pytest.mark.parametrize("arguments", [[], ["--reset"]])
def test_a_second_start_in_the_same_checkout_is_one_sentence(
    running: Installation, arguments: list[str]
) -> None:
    second = subprocess.run(
        command(*arguments), env=environment(running.var), capture_output=True, text=True, timeout=SECONDS
    )
    assert second.returncode == 1
    assert second.stdout.count("\n") == 1
    assert "already runs" in second.stdout
    assert second.stderr == ""


def test_a_set_port_that_is_busy_is_one_sentence_and_code_two(running: Installation, tmp_path: Path) -> None:
    port = running.address("Ledgergate").rstrip("/").rpartition(":")[2]
    other = subprocess.run(
        command(), env=environment(tmp_path, PORT=port), capture_output=True, text=True, timeout=SECONDS
    )
    assert other.returncode == 2
    assert other.stdout == f"PORT={port} is already in use: stop what uses it, or set another.\n"
    assert other.stderr == ""


def test_a_killed_worker_comes_back(running: Installation) -> None:
    before = running.pid("worker")
    os.kill(before, signal.SIGKILL)
    running.read_until("worker is ready again.")
    assert running.pid("worker") != before


def test_ctrl_c_leaves_no_process_and_the_next_start_finds_the_data(running: Installation) -> None:
    pids = running.pids()
    assert running.stop() == 0
    assert not any(map(alive, pids.values()))
    assert not (running.var / "sockets").is_symlink()
    began = time.monotonic()
    again = Installation(running.var)
    try:
        assert "nothing was changed" in (running.var / "log" / "preparation.log").read_text()
        assert "caught" in get(again.address("Mail"))
        assert time.monotonic() - began < 30
    finally:
        assert again.stop() == 0


@pytest.mark.parametrize("database_url", ["", "postgres://app:@db.example.com/ledgergate"])
def test_a_reset_removes_all_but_the_keys_of_a_database_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1.eml").touch()
    (tmp_path / "spectrum.sqlite3").touch()
    (tmp_path / programs.SECRETS).touch()
    server.reset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ([programs.SECRETS] if database_url else [])


def test_an_empty_one_has_a_first_administrator_who_can_begin(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "var", "--empty")
    try:
        (sign_in,) = [line.split() for line in installation.output if "admin@first.example" in line]
        email, password = (word.rstrip(",") for word in sign_in[:2])
        person = Person(installation.address("Ledgergate").rstrip("/"), email, password)
        assert "0 companies" in words_of(person.opens("/admin/directory/company/"))
        form = form_with(person.opens("/admin/directory/company/add/"), "slug")
        entered = values_of(form) | {"name": "Trial Builders", "slug": "trial", "_save": "Save"}
        assert person.sends("/admin/directory/company/add/", entered) is None
    finally:
        installation.stop()


def test_data_of_the_demo_are_not_taken_for_empty(tmp_path: Path) -> None:
    server.mark_empty(tmp_path)
    (tmp_path / "postgres").mkdir()
    server.mark_empty(tmp_path)
    (tmp_path / server.EMPTY).unlink()
    with pytest.raises(CannotStart, match="holds the demo's data: script/server --reset --empty"):
        server.mark_empty(tmp_path)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(free=200 * 1_048_576)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(CannotStart, match="is full: 200 MB are free, and 300 are needed"):
        server.require_space(tmp_path)
    (tmp_path / "postgres").mkdir()
    server.require_space(tmp_path)
