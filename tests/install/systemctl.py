"""``systemctl`` where no systemd runs: a unit's user, environment and command; Debian's scripts for the rest.

What a unit may write to is not held here.
"""

import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/etc/systemd/system")
BARE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def main(command: str, *arguments: str) -> None:
    if command == "daemon-reload" or (command == "enable" and "--now" not in arguments):
        return
    for name in (each for each in arguments if not each.startswith("--")):
        if not (UNITS / f"{name}.service").exists():
            subprocess.run(["service", name, "stop" if command == "stop" else "restart"], check=True)
            continue
        told = read_unit(UNITS / f"{name}.service")
        file = Path(f"/run/{name}.pid")
        if command != "enable" and not stop(file, float(told.get("TimeoutStopSec", ["90"])[0])):
            sys.exit(f"{name} did not stop in time")
        if command != "stop":
            file.write_text(str(start(name, told)))


def read_unit(file: Path) -> dict[str, list[str]]:
    """Every value of each name of the unit's sections."""
    told: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        name, is_value, value = line.partition("=")
        if is_value and not line.startswith("#"):
            told.setdefault(name, []).append(value)
    return told


def start(name: str, told: dict[str, list[str]]) -> int:
    """With nothing of our own environment. Returns its process."""
    user = pwd.getpwnam(told["User"][0])
    lines = [line for each in told.get("EnvironmentFile", []) for line in Path(each).read_text().splitlines()]
    environment = {
        key: "".join(shlex.split(value)) for key, _, value in (each.partition("=") for each in lines)
    }
    with Path(f"/var/log/{name}.log").open("a") as log:
        return subprocess.Popen(
            shlex.split(told["ExecStart"][0]),
            cwd=told["WorkingDirectory"][0],
            env=BARE | environment,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            stdout=log,
            stderr=log,
            start_new_session=True,
        ).pid


def stop(file: Path, seconds: float) -> bool:
    """Whether it ended by itself, now or before."""
    process, deadline = int(file.read_text()), time.monotonic() + seconds
    if is_running(process):
        os.kill(process, signal.SIGTERM)
    while is_running(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
