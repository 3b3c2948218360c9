"""deploy/, Procfile, Dockerfile and compose.yaml agree with one another and with the settings."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from config import gunicorn
from local.programs import ROOT
from tests.install.systemctl import read_unit

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROCFILE = dict(re.findall(r"^(\w+): (.*)$", (ROOT / "Procfile").read_text(), re.MULTILINE))


def unit(name: str) -> dict[str, list[str]]:
    return read_unit(ROOT / "deploy" / f"ledgergate-{name}.service")


def parts(command: str) -> list[str]:
    """Without what is each place's own: the folder, the address and where the numbers come from."""
    command = re.sub(r"\$\{\w+:-([\w.]+)\}", r"\1", command).replace("/opt/ledgergate/.venv/bin/", "")
    return shlex.split(re.sub(r"--bind \S+", "", command))


def test_web_and_worker_are_started_alike_everywhere() -> None:
    (web,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    webs = [PROCFILE["web"], *unit("web")["ExecStart"], shlex.join(yaml.safe_load(web))]
    workers = [PROCFILE["worker"], *unit("worker")["ExecStart"], COMPOSE["worker"]["command"]]
    for commands in (webs, workers):
        assert all(parts(each) == parts(commands[0]) for each in commands)
    assert "--bind 127.0.0.1:8000" in webs[1]
    assert "--bind ${BIND:-127.0.0.1}:" in webs[0]


@pytest.mark.parametrize(
    ("name", "seconds"), [("web", gunicorn.graceful_timeout), ("worker", settings.EXPORT_LEASE_SECONDS)]
)
def test_what_stops_has_the_time_that_it_needs(name: str, seconds: float) -> None:
    assert int(unit(name)["TimeoutStopSec"][0]) > seconds
    assert int(COMPOSE[name]["stop_grace_period"].removesuffix("s")) > seconds


def test_the_image_s_own_settings_are_enough_to_collect_its_files() -> None:
    (step,) = re.findall(r"^RUN (SECRET_KEY=.*? --verbosity 0) ", DOCKERFILE, re.MULTILINE | re.DOTALL)
    command = ["/bin/sh", "-ec", step.replace("\\\n", " ") + " --dry-run"]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run(command, cwd=ROOT, env={"PATH": path}, check=True, timeout=60)


def test_web_alone_is_given_the_key_that_signs() -> None:
    assert [name for name, each in COMPOSE.items() if "DECISION_SIGNING_KEY" in str(each)] == ["web"]


def test_what_the_image_is_made_of_is_there_and_no_secret_is_copied() -> None:
    copied = re.findall(r"^COPY (\S+) ", DOCKERFILE, re.MULTILINE)
    assert copied == ["requirements.txt", "."]
    assert (ROOT / "requirements.txt").is_file()
    assert {".env", "*.env", "var", ".git"} <= set((ROOT / ".dockerignore").read_text().split())
    mounted = [each.split(":")[0] for service in COMPOSE.values() for each in service.get("volumes", [])]
    assert all((ROOT / each).exists() for each in mounted if each.startswith("."))
